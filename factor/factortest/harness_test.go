package factortest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-mfa/mfa/factor"
)

var bg = context.Background()

func newCounter(testing.TB) Authenticator { return &counter{} }

func TestRunPassesSoundFactors(t *testing.T) {
	t.Run("promptless", func(t *testing.T) { Run(t, Harness{Factor: counting{}, NewAuthenticator: newCounter}) })
	t.Run("challenge", func(t *testing.T) {
		Run(t, Harness{Factor: challenging{}, NewAuthenticator: func(testing.TB) Authenticator { return &knower{} }})
	})
}

// TestRunFailsBrokenFactors breaks one promise at a time: the check named
// must fail, with a message that contains the words.
func TestRunFailsBrokenFactors(t *testing.T) {
	var good counting
	var kept sync.Map
	for name, b := range map[string]struct {
		check, words string
		factor       factor.Factor
	}{
		"method in capitals": {"Info", "lower-case", faulty{info: func() factor.Info {
			return factor.Info{Method: "Counting", Category: factor.Possession, Promptless: true}
		}}},
		"no category": {"Info", "Info.Category", faulty{info: func() factor.Info {
			return factor.Info{Method: "counting", Promptless: true}
		}}},
		"anything goes": {"WrongAnswers", "anybody passes", faulty{finishVerify: func(r factor.Request, _, _ []byte) (factor.Result, error) {
			return factor.Result{Credential: r.Credentials[0], Evidence: factor.Evidence{Category: factor.Possession}}, nil
		}}},
		"any enrolment goes": {"WrongAnswers", "cannot use", faulty{finishEnroll: func(_ factor.Request, state, _ []byte) (factor.Enrolled, error) {
			return factor.Enrolled{Credential: factor.Credential{Data: counted(string(state), 1)}}, nil
		}}},
		"wrong answer is a fault": {"WrongAnswers", "guesses would be free", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if err != nil {
				err = errFault
			}
			return res, err
		}}},
		"panics on short answers": {"WrongAnswers", "panicked", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			_ = response[4]
			return good.FinishVerify(bg, r, state, response)
		}}},
		"prefix suffices": {"EveryPrefixOfAnAnswer", "part of the answer", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			if bytes.Contains(response, []byte("|")) && !bytes.HasSuffix(response, []byte(";")) {
				response = append(bytes.Clone(response), "99;"...)
			}
			return good.FinishVerify(bg, r, state, response)
		}}},
		"forgets what was spent": {"SingleUse", "use it again", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if err == nil {
				res.Credential.Data = bytes.Clone(r.Credentials[0].Data)
			}
			return res, err
		}}},
		"enrolment spends nothing": {"EnrollmentAnswerVerifiesNothing", "used twice", faulty{finishEnroll: func(r factor.Request, state, response []byte) (factor.Enrolled, error) {
			e, err := good.FinishEnroll(bg, r, state, response)
			if err == nil {
				e.Credential.Data = counted(string(state), 0)
			}
			return e, err
		}}},
		"names a foreign row": {"EnrollAndVerify", "wrong row", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			res.Credential.ID = "somebody else's"
			return res, err
		}}},
		"enrols over a foreign row": {"EnrollAgain", "somebody else", faulty{finishEnroll: func(r factor.Request, state, response []byte) (factor.Enrolled, error) {
			e, err := good.FinishEnroll(bg, r, state, response)
			if len(r.Credentials) > 0 {
				e.Credential.ID = "somebody else's"
			}
			return e, err
		}}},
		"long key": {"EnrollAndVerify", "64 bytes", faulty{finishEnroll: func(r factor.Request, state, response []byte) (factor.Enrolled, error) {
			e, err := good.FinishEnroll(bg, r, state, response)
			e.Credential.Key = strings.Repeat("k", 65)
			return e, err
		}}},
		"no evidence": {"EnrollAndVerify", "assurance level", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			res.Evidence = factor.Evidence{}
			return res, err
		}}},
		"describes the secret": {"Describe", "contains a secret", faulty{describe: func(c factor.Credential) map[string]any {
			return map[string]any{"data": string(c.Data)}
		}}},
		"description panics": {"Describe", "panicked", faulty{describe: func(c factor.Credential) map[string]any {
			return map[string]any{"first": c.Data[0]}
		}}},
		"error tells the secret": {"WrongAnswers", "contains a secret", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if err != nil {
				err = fmt.Errorf("%w: want %s", err, r.Credentials[0].Data)
			}
			return res, err
		}}},
		"note tells the secret": {"EnrollAndVerify", "Result.Note contains a secret", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			res.Note = string(res.Credential.Data)
			return res, err
		}}},
		"prompt is no JSON": {"Steps", "marshal", faulty{beginVerify: func(factor.Request) (factor.Step, error) {
			return factor.Step{Prompt: func() {}}, nil
		}}},
		"endless tries": {"Steps", "1000 tries", faulty{beginVerify: func(factor.Request) (factor.Step, error) {
			return factor.Step{Tries: 1000}, nil
		}}},
		"garbage state": {"BrokenState", "did not begin", faulty{finishVerify: func(r factor.Request, _, response []byte) (factor.Result, error) {
			return good.FinishVerify(bg, r, nil, response)
		}}},
		"garbage data counts as wrong": {"BrokenData", "nobody notices", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if err != nil {
				err = factor.Reject("something")
			}
			return res, err
		}}},
		"garbage data passes": {"BrokenData", "damage a row", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if err == errFault && len(state) == 0 { //nolint:errorlint // this fake alone makes it
				return factor.Result{Credential: r.Credentials[0]}, nil
			}
			return res, err
		}}},
		"does not look whose": {"OtherCredentials", "removed authenticator", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if s, _, ok := strings.Cut(string(response), "|"); err != nil && ok && len(s) == 27 {
				return factor.Result{}, nil
			}
			return res, err
		}}},
		"changes the request": {"WrongAnswers", "changed its Request", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if len(r.Credentials) > 0 {
				r.Credentials[0].Data[0] ^= 1
			}
			return res, err
		}}},
		"changes the response": {"WrongAnswers", "bytes of its state or response", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if len(response) > 0 {
				response[0] ^= 1
			}
			return res, err
		}}},
		"changes the params": {"Params", "changed its Request", faulty{beginEnroll: func(r factor.Request) (factor.Step, error) {
			maps.DeleteFunc(r.Params, func(string, string) bool { return true })
			return good.BeginEnroll(bg, r)
		}}},
		"keeps state": {"Stateless", "keeps anything itself", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			if _, seen := kept.LoadOrStore(string(response), true); seen {
				return factor.Result{}, factor.ErrReplayed
			}
			return good.FinishVerify(bg, r, state, response)
		}}},
		"shares memory": {"NoSharedMemory", "shares memory", faulty{finishVerify: func(r factor.Request, state, response []byte) (factor.Result, error) {
			res, err := good.FinishVerify(bg, r, state, response)
			if err == nil {
				res.Credential.Data = response
			}
			return res, err
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := failures(t, b.check, Harness{Factor: b.factor, NewAuthenticator: newCounter})
			assert.Contains(t, strings.Join(got, "\n"), b.words)
		})
	}
}

// failures runs one check and returns what it complained of.
func failures(t *testing.T, check string, h Harness) []string {
	t.Helper()
	for _, c := range checks {
		if c.name == check {
			r := &recorder{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				c.run(newSuite(r, h))
			}()
			<-done
			return r.messages
		}
	}
	t.Fatalf("no check named %q", check)
	return nil
}

// recorder is a test that remembers why it failed.
type recorder struct {
	testing.TB
	messages []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }
