package factortest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-mfa/mfa/factor"
)

func checkInfo(s *suite) {
	i := s.info
	if i.Method == "" || strings.Trim(i.Method, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		s.Errorf("Info.Method is %q: it must be of lower-case letters, digits and underscores, for it appears in URLs, JSON and rows", i.Method)
	}
	if i.Method == "device" {
		s.Errorf("Info.Method is %q, which is reserved for trusted devices: they would be taken for a factor", i.Method)
	}
	if i.Category != factor.Knowledge && i.Category != factor.Possession && i.Category != factor.Inherence {
		s.Errorf("Info.Category is %v: without it a policy cannot tell whether two factors are of different kinds", i.Category)
	}
	if i.Recovery && i.FirstFactor {
		s.Errorf("Info says both Recovery and FirstFactor: a way to recover would be a way in by itself")
	}
	if again := s.h.Factor.Info(); again != i {
		s.Errorf("Info is not constant: %+v, then %+v: the Manager reads it once", i, again)
	}
}

func checkEnrollAndVerify(s *suite) {
	a, c, _ := s.enroll()
	if len(c.Key) > 64 || strings.ContainsFunc(c.Key, func(r rune) bool { return r < ' ' || r > '~' }) {
		s.Errorf("Credential.Key %q is longer than 64 bytes or not printable ASCII: some databases would cut it or compare it loosely, and two users could share it", c.Key)
	}
	for range 3 {
		r, step, answer := s.begin(a, c)
		res := s.mustVerify(r, step.State, answer)
		c = s.used(c, res)
	}
	if !s.info.Promptless {
		return
	}
	r, _, answer := s.begin(a, c)
	r.Ceremony = ""
	s.used(c, s.mustVerify(r, nil, answer))
}

// used checks the outcome of a verification with c alone and returns c as it
// must now be stored.
func (s *suite) used(c factor.Credential, res factor.Result) factor.Credential {
	s.Helper()
	got, want := res.Credential, c
	got.Data, want.Data = nil, nil
	if !reflect.DeepEqual(got, want) {
		s.Fatalf("Result.Credential is not the credential that was passed in with other Data: the Manager would store the outcome in a wrong row, or lose what it keeps there")
	}
	if res.Evidence.Category != s.info.Category {
		s.Errorf("Evidence.Category is %v where Info.Category is %v: the assurance level is computed from the evidence", res.Evidence.Category, s.info.Category)
	}
	c.Data = res.Credential.Data
	return c
}

func checkEnrollAgain(s *suite) {
	_, first, _ := s.enroll()
	a := s.h.NewAuthenticator(s.TB)
	r := s.request(factor.PurposeEnroll, first)
	step := s.beginEnroll(r)
	e, err := s.finishEnroll(r, step.State, s.answer(a, r, step))
	if err != nil {
		s.Fatalf("FinishEnroll refused the right answer of a second authenticator: a user can never renew or add one: %v", err)
	}
	if e.Credential.ID != "" && e.Credential.ID != first.ID {
		s.Fatalf("FinishEnroll returned the credential ID %q, which was not among those passed in: a row of somebody else would be overwritten", e.Credential.ID)
	}
	s.secrets = append(s.secrets, a.Secrets()...)
	second := s.stored(e.Credential)
	s.now = s.now.Add(tick)
	all := []factor.Credential{first, second}
	if second.ID == first.ID {
		all = all[1:]
	}
	r, step, answer := s.begin(a, all...)
	if res := s.mustVerify(r, step.State, answer); res.Credential.ID != second.ID {
		s.Errorf("FinishVerify named credential %q where %q answered: use and replay would be recorded for the wrong one", res.Credential.ID, second.ID)
	}
}

func checkSteps(s *suite) {
	a := s.h.NewAuthenticator(s.TB)
	r := s.request(factor.PurposeEnroll)
	step := s.beginEnroll(r)
	s.encode("the prompt of an enrolment", step.Prompt)
	s.sane("BeginEnroll", step)
	e, err := s.finishEnroll(r, step.State, s.answer(a, r, step))
	if err != nil {
		s.Fatalf("FinishEnroll refused the right answer: %v", err)
	}
	s.secrets = append(s.secrets, a.Secrets()...)
	step = s.beginVerify(s.request(factor.PurposeVerify, s.stored(e.Credential)))
	s.tellsNothing("the prompt of a verification", s.encode("the prompt of a verification", step.Prompt))
	s.sane("BeginVerify", step)
}

func (s *suite) sane(name string, step factor.Step) {
	s.Helper()
	if step.Tries < 0 || s.info.Guessable && step.Tries > 10 {
		s.Errorf("%s allows %d tries: NIST SP 800-63B-4, section 3.2.2, wants guesses to be few", name, step.Tries)
	}
	if step.TTL < 0 || step.TTL > time.Hour {
		s.Errorf("%s lets the ceremony live for %v: an abandoned one must die soon", name, step.TTL)
	}
	for _, c := range step.Charges {
		if c.Key == "" || c.N <= 0 || c.Per <= 0 {
			s.Errorf("%s charges an empty budget %+v: it would be open to all, or closed for ever", name, c)
		}
	}
}

func checkDescribe(s *suite) {
	_, c, _ := s.enroll()
	for _, data := range append(broken(c.Data), c.Data) {
		d := c
		d.Data = bytes.Clone(data)
		details, err := guard(s, "Describe", factor.Request{Credentials: []factor.Credential{d}}, nil, nil, func() (map[string]any, error) {
			return s.h.Factor.Describe(d), nil
		})
		if err != nil {
			s.Fatal(err)
		}
		s.tellsNothing("Describe", s.encode("what Describe returns", details)+fmt.Sprintf("%v", details))
	}
}

func checkWrongAnswers(s *suite) {
	a, c, _ := s.enroll()
	for _, wrong := range wrongAnswers {
		r, step, _ := s.begin(a, c)
		_, err := s.finishVerify(r, step.State, wrong)
		s.rejected(err, fmt.Sprintf("a verification answered with %.40q (%d bytes)", wrong, len(wrong)), "anybody passes the factor")
		if s.info.Promptless {
			r.Ceremony = ""
			_, err = s.finishVerify(r, nil, wrong)
			s.rejected(err, fmt.Sprintf("a promptless verification answered with %.40q (%d bytes)", wrong, len(wrong)), "anybody passes the factor")
		}
		r = s.request(factor.PurposeEnroll)
		step = s.beginEnroll(r)
		_, err = s.finishEnroll(r, step.State, wrong)
		s.rejected(err, fmt.Sprintf("an enrolment answered with %.40q (%d bytes)", wrong, len(wrong)), "a credential becomes active that its user cannot use")
	}
	r, step, answer := s.begin(a, c)
	s.mustVerify(r, step.State, answer)
}

var wrongAnswers = [][]byte{
	nil, {}, {0}, []byte(" "), []byte("\n"), []byte("0"), []byte("-1"), []byte("1e5"), []byte("null"), []byte("true"),
	[]byte(`""`), []byte("[]"), []byte("{}"), []byte(`{"id":null,"rawId":1,"type":[],"response":{"clientDataJSON":""}}`),
	[]byte("\xff\xfe\xfd"), []byte("１２３４５６"), []byte("12345\x00"), []byte("' OR 1=1 --"), []byte(strings.Repeat("[", 10_000)),
	bytes.Repeat([]byte("7"), 1<<20), bytes.Repeat([]byte("-"), 1<<20), []byte(`{"a":"` + strings.Repeat("A", 1<<20) + `"}`),
}

func checkPrefixes(s *suite) {
	a, c, _ := s.enroll()
	r, step, answer := s.begin(a, c)
	for n := 0; n < len(answer); n += 1 + len(answer)/100 {
		_, err := s.finishVerify(r, step.State, answer[:n:n])
		s.rejected(err, fmt.Sprintf("the first %d of the %d bytes of an answer", n, len(answer)), "a part of the answer is enough, so guessing is cheaper than it should be")
	}
	s.mustVerify(r, step.State, answer)
}

func checkSingleUse(s *suite) {
	a, c, _ := s.enroll()
	r, step, answer := s.begin(a, c)
	s.secrets = append(s.secrets, string(answer))
	c = s.used(c, s.mustVerify(r, step.State, answer))
	const harm = "whoever has seen an answer can use it again"

	later := s.request(factor.PurposeVerify, c)
	next := s.beginVerify(later)
	_, err := s.finishVerify(later, next.State, answer)
	s.rejected(err, "the answer of an earlier ceremony in a new one", harm)
	if !s.info.Promptless {
		return
	}
	// Without a ceremony to delete, the credential alone must remember, and
	// the same moment is the hardest.
	for _, at := range []time.Time{r.Now, r.Now.Add(-time.Minute), r.Now.Add(time.Minute), s.now} {
		again := s.request(factor.PurposeVerify, c)
		again.Ceremony, again.Now = "", at
		_, err := s.finishVerify(again, nil, answer)
		s.rejected(err, "an answer that the returned credential had spent already", harm)
	}
}

func checkEnrollmentAnswer(s *suite) {
	_, c, answer := s.enroll()
	r := s.request(factor.PurposeVerify, c)
	r.Now = s.now.Add(-tick)
	step := s.beginVerify(r)
	_, err := s.finishVerify(r, step.State, answer)
	s.rejected(err, "the answer that confirmed the enrolment as a verification", "one observed answer is used twice")
}

func checkOtherCredentials(s *suite) {
	_, first, _ := s.enroll()
	b, second, _ := s.enroll()
	r, step, answer := s.begin(b, second)
	r.Credentials = []factor.Credential{first}
	_, err := s.finishVerify(r, step.State, answer)
	s.rejected(err, "the answer of an authenticator that is not among Request.Credentials", "a removed authenticator, or that of another user, still passes")
	r.Credentials = nil
	_, err = s.finishVerify(r, step.State, answer)
	s.rejected(err, "an answer where the user has no credential", "a user without the factor passes it")
}

func checkBrokenState(s *suite) {
	a, c, _ := s.enroll()
	const harm = "a ceremony that the factor did not begin is completed"
	r := s.request(factor.PurposeEnroll)
	step := s.beginEnroll(r)
	answer := s.answer(s.h.NewAuthenticator(s.TB), r, step)
	for _, state := range broken(step.State) {
		_, err := s.finishEnroll(r, state, answer)
		s.fault(err, fmt.Sprintf("an enrolment with the broken state %.40q", state), harm)
	}
	r, step, answer = s.begin(a, c)
	for _, state := range broken(step.State) {
		if s.info.Promptless && len(state) == 0 {
			continue // that is how a promptless factor is answered at once
		}
		_, err := s.finishVerify(r, state, answer)
		s.fault(err, fmt.Sprintf("a verification with the broken state %.40q", state), harm)
	}
}

func checkBrokenData(s *suite) {
	a, c, _ := s.enroll()
	r, step, answer := s.begin(a, c)
	for _, data := range broken(c.Data) {
		d := c
		d.Data = data
		damaged := r
		damaged.Credentials = []factor.Credential{d}
		_, err := s.finishVerify(damaged, step.State, answer)
		s.fault(err, fmt.Sprintf("a credential with the broken Data %.40q", data), "whoever can damage a row, or empties a secret, passes the factor")
		for _, p := range []factor.Purpose{factor.PurposeEnroll, factor.PurposeVerify} {
			damaged = s.request(p, d)
			// A fault or not: only a panic is wrong here, and guard sees it.
			_, _ = guard(s, "Begin", damaged, nil, nil, func() (factor.Step, error) {
				if p == factor.PurposeEnroll {
					return s.h.Factor.BeginEnroll(context.Background(), damaged)
				}
				return s.h.Factor.BeginVerify(context.Background(), damaged)
			})
		}
	}
	s.mustVerify(r, step.State, answer)
}

// broken returns what might be found in place of b and is not b.
func broken(b []byte) [][]byte {
	all := [][]byte{
		nil, {}, {0}, {1}, {0xff}, []byte("garbage"), []byte("{}"), bytes.Repeat([]byte{0xff}, 300), make([]byte, 300),
	}
	if len(b) > 0 {
		all = append(all, append(bytes.Clone(b), 0))
	}
	for n := 1; n < len(b); n += 1 + len(b)/50 {
		all = append(all, b[:n:n])
	}
	kept := all[:0]
	for _, x := range all {
		if !bytes.Equal(x, b) {
			kept = append(kept, x)
		}
	}
	return kept
}

func checkStateless(s *suite) {
	a, c, _ := s.enroll()
	r, step, answer := s.begin(a, c)
	const users = 16
	errs := make([]error, users)
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			own := copyRequest(r)
			s.h.Factor.Describe(own.Credentials[0])
			if _, err := s.h.Factor.BeginVerify(context.Background(), own); err != nil {
				errs[i] = err
				return
			}
			_, errs[i] = s.h.Factor.FinishVerify(context.Background(), own, bytes.Clone(step.State), bytes.Clone(answer))
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			s.Fatalf("one request judged %d times at once was refused: %v: a factor that keeps anything itself forgets it in the other processes, and refuses the retry after a conflict", users, err)
		}
	}
}

func checkNoSharedMemory(s *suite) {
	a := s.h.NewAuthenticator(s.TB)
	r := s.request(factor.PurposeEnroll)
	step := s.beginEnroll(r)
	state, answer := bytes.Clone(step.State), s.answer(a, r, step)
	e, err := s.finishEnroll(r, state, answer)
	if err != nil {
		s.Fatalf("FinishEnroll refused the right answer: %v", err)
	}
	kept := bytes.Clone(e.Credential.Data)
	clear(state)
	clear(answer)
	const harm = "the Manager wipes and reuses its buffers, and would store what is in them by then"
	if !bytes.Equal(kept, e.Credential.Data) {
		s.Fatalf("Enrolled.Credential.Data shares memory with the state or the response: %s", harm)
	}
	c := s.stored(e.Credential)
	s.now = s.now.Add(tick)
	r, step, answer = s.begin(a, c)
	state = bytes.Clone(step.State)
	res, err := s.finishVerify(r, state, answer)
	if err != nil {
		s.Fatalf("FinishVerify refused the right answer: %v", err)
	}
	kept = bytes.Clone(res.Credential.Data)
	clear(state)
	clear(answer)
	if !bytes.Equal(kept, res.Credential.Data) {
		s.Errorf("Result.Credential.Data shares memory with the state or the response: %s", harm)
	}
}

func checkParams(s *suite) {
	for _, params := range []map[string]string{nil, {}, {"": ""}, {"secret": "AAAA", "codes": "1", "state": "x", "now": "0", "\x00": strings.Repeat("x", 1<<16)}} {
		for _, p := range []factor.Purpose{factor.PurposeEnroll, factor.PurposeVerify} {
			r := s.request(p)
			r.Params = params
			// Whether they are refused is the factor's affair: only a panic
			// or a changed map is wrong here, and guard sees both.
			_, _ = guard(s, "Begin", r, nil, nil, func() (factor.Step, error) {
				if p == factor.PurposeEnroll {
					return s.h.Factor.BeginEnroll(context.Background(), r)
				}
				return s.h.Factor.BeginVerify(context.Background(), r)
			})
		}
	}
}
