package factortest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-mfa/mfa/factor"
)

// posting is a sound first factor that posts a code. Whether anybody has
// credentials does not matter to it.
type posting struct {
	challenging
	box    *string
	code   func(r factor.Request) string                     // nil: another one in each step
	step   func(r factor.Request, step *factor.Step)         // changes a step
	finish func(r factor.Request, response []byte) (ok bool) // true: accepted whatever it is
}

func (posting) Info() factor.Info {
	return factor.Info{Method: "posting", Category: factor.Knowledge, FirstFactor: true}
}

func (p posting) BeginVerify(_ context.Context, r factor.Request) (factor.Step, error) {
	code := "v" + rand.Text()
	if p.code != nil {
		code = p.code(r)
	}
	step := factor.Step{
		Prompt: map[string]any{"length": 27, "to": []string{"your mailbox"}, "nonce": rand.Text()}, State: []byte(code), Tries: 3,
		Charges: []factor.Charge{{Key: "user", N: 10, Per: time.Hour}},
		Deliver: func(context.Context) error {
			if r.Decoy == nil {
				*p.box = code
			}
			return nil
		},
	}
	if p.step != nil {
		p.step(r, &step)
	}
	return step, nil
}

func (p posting) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	accepted := p.finish != nil && p.finish(r, response)
	if !accepted && (len(state) != 27 || state[0] != 'v') {
		return factor.Result{}, errFault
	}
	if !accepted && (len(r.Credentials) == 0 || !bytes.Equal(state, response)) {
		return factor.Result{}, factor.Reject("wrong")
	}
	res := factor.Result{Evidence: factor.Evidence{Category: factor.Knowledge}}
	if len(r.Credentials) > 0 {
		res.Credential = r.Credentials[0]
	}
	return res, nil
}

// letterbox answers for posting.
type letterbox struct {
	knower
	box *string
}

func (l *letterbox) Answer(t testing.TB, r factor.Request, step factor.Step) []byte {
	if r.Purpose == factor.PurposeEnroll {
		return l.knower.Answer(t, r, step)
	}
	return []byte(*l.box)
}

func (l *letterbox) Secrets() []string { return []string{l.secret} }

func (p posting) harness() Harness {
	p.box = new(string)
	return Harness{Factor: p, NewAuthenticator: func(testing.TB) Authenticator { return &letterbox{box: p.box} }}
}

var signInChecks = []string{"SignIn", "Decoys", "BeginAgain"}

func TestN01_RunPassesASoundFirstFactor(t *testing.T) {
	for _, check := range signInChecks {
		assert.Empty(t, failures(t, check, posting{}.harness()), check)
	}
}

// TestN01_RunFailsBrokenFirstFactors breaks one promise at a time: the check
// named must fail, with a message that contains the words.
func TestN01_RunFailsBrokenFirstFactors(t *testing.T) {
	decoys := func(change func(step *factor.Step)) posting {
		return posting{step: func(r factor.Request, step *factor.Step) {
			if r.Decoy != nil {
				change(step)
			}
		}}
	}
	codes := func(key func(r factor.Request) string) posting {
		return posting{code: func(r factor.Request) string {
			sum := sha256.Sum256([]byte(key(r)))
			return "v" + base32.StdEncoding.EncodeToString(sum[:])[:26]
		}}
	}
	for name, b := range map[string]struct {
		check, words string
		factor       posting
	}{
		"signs anybody in": {"SignIn", "anybody signs in", posting{finish: func(r factor.Request, _ []byte) bool {
			return r.Purpose == factor.PurposeSignIn
		}}},
		"a state is not looked at": {"SignIn", "did not begin", posting{finish: func(r factor.Request, response []byte) bool {
			return r.Purpose == factor.PurposeSignIn && len(response) == 27
		}}},
		"one code for every ceremony": {"SignIn", "use it again", codes(func(r factor.Request) string {
			return string(r.Purpose)
		})},
		"one code for every purpose": {"SignIn", "serves another", codes(func(r factor.Request) string {
			return r.User.ID
		})},
		"the prompt tells": {"SignIn", "prompt of a sign-in contains a secret", posting{step: func(r factor.Request, step *factor.Step) {
			if r.Purpose == factor.PurposeSignIn {
				step.Prompt = string(r.Credentials[0].Data)
			}
		}}},
		"endless tries":                {"SignIn", "tries", posting{step: func(_ factor.Request, step *factor.Step) { step.Tries = -1 }}},
		"other tries for nobody":       {"Decoys", "tries", decoys(func(step *factor.Step) { step.Tries = 1 })},
		"another life for nobody":      {"Decoys", "tries", decoys(func(step *factor.Step) { step.TTL = time.Minute })},
		"nothing delivered to nobody":  {"Decoys", "Step.Deliver is set", decoys(func(step *factor.Step) { step.Deliver = nil })},
		"delivering to nobody fails":   {"Decoys", "mistyped", decoys(func(step *factor.Step) { step.Deliver = failing })},
		"nobody is free of charge":     {"Decoys", "throttled", decoys(func(step *factor.Step) { step.Charges = nil })},
		"another prompt for nobody":    {"Decoys", "which names exist", decoys(func(step *factor.Step) { step.Prompt = map[string]any{"length": 27} })},
		"no list for nobody":           {"Decoys", "is like", decoys(func(step *factor.Step) { postTo(step, []string{}) })},
		"nobody has something new":     {"Decoys", ".to[0] in the prompt of a decoy changes", decoys(func(step *factor.Step) { postTo(step, []string{rand.Text()}) })},
		"signs in as nobody":           {"Decoys", "as nobody", posting{finish: func(r factor.Request, _ []byte) bool { return r.Decoy != nil }}},
		"the older code is good still": {"BeginAgain", "sent first and lost", codes(func(r factor.Request) string { return r.Ceremony })},
	} {
		t.Run(name, func(t *testing.T) {
			got := failures(t, b.check, b.factor.harness())
			assert.Contains(t, strings.Join(got, "\n"), b.words)
		})
	}
}

func failing(context.Context) error { return errors.New("nobody lives there") }

func postTo(step *factor.Step, to []string) {
	step.Prompt = map[string]any{"length": 27, "to": to, "nonce": rand.Text()}
}
