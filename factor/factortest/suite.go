package factortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// tick is how far the clock moves after a right answer: longer than any
// period after which an authenticator shows something new.
const tick = 10 * time.Minute

// suite calls one factor and checks at every call what holds for all of them:
// it does not panic, it does not change its arguments, its errors tell nothing.
type suite struct {
	testing.TB
	h       Harness
	info    factor.Info
	now     time.Time
	serial  int
	secrets []string
}

func newSuite(t testing.TB, h Harness) *suite {
	if h.User == (factor.User{}) {
		h.User = factor.User{ID: "user-1", Name: "alice", DisplayName: "Alice", Email: "alice@example.com", Phone: "+15555550100", Locale: "en"}
	}
	if h.Now.IsZero() {
		h.Now = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	}
	return &suite{TB: t, h: h, info: h.Factor.Info(), now: h.Now.UTC()}
}

// request returns what the Manager would ask with, in a ceremony of its own.
func (s *suite) request(p factor.Purpose, credentials ...factor.Credential) factor.Request {
	s.serial++
	r := factor.Request{
		User:        s.h.User,
		Credentials: credentials,
		Purpose:     p,
		Ceremony:    fmt.Sprintf("ceremony-%d", s.serial),
		Now:         s.now,
	}
	if p == factor.PurposeEnroll {
		r.Params = s.h.Params
	}
	return r
}

// stored returns c as the Manager would store it.
func (s *suite) stored(c factor.Credential) factor.Credential {
	s.serial++
	if c.ID == "" {
		c.ID = fmt.Sprintf("credential-%d", s.serial)
	}
	if c.Key == "" {
		c.Key = c.ID
	}
	c.UserID, c.Method, c.Name = s.h.User.ID, s.info.Method, "the one in the drawer"
	c.CreatedAt, c.Version = s.now, int64(s.serial)
	return c
}

// enroll enrols a new authenticator and returns it with its credential and
// the answer that confirmed it.
func (s *suite) enroll() (Authenticator, factor.Credential, []byte) {
	s.Helper()
	a := s.h.NewAuthenticator(s.TB)
	r := s.request(factor.PurposeEnroll)
	step := s.beginEnroll(r)
	answer := s.answer(a, r, step)
	e, err := s.finishEnroll(r, step.State, answer)
	if err != nil {
		s.Fatalf("FinishEnroll refused the right answer: nobody can enrol: %v", err)
	}
	if e.Credential.ID != "" {
		s.Fatalf("FinishEnroll returned the credential ID %q where the user has no credential: a factor may only replace one of Request.Credentials, or it could overwrite a row of somebody else", e.Credential.ID)
	}
	s.secrets = append(s.secrets, a.Secrets()...)
	c := s.stored(e.Credential)
	s.now = s.now.Add(tick)
	return a, c, answer
}

// begin starts a verification with credentials and returns the right answer
// of a to it.
func (s *suite) begin(a Authenticator, credentials ...factor.Credential) (factor.Request, factor.Step, []byte) {
	s.Helper()
	r := s.request(factor.PurposeVerify, credentials...)
	step := s.beginVerify(r)
	return r, step, s.answer(a, r, step)
}

func (s *suite) answer(a Authenticator, r factor.Request, step factor.Step) []byte {
	s.Helper()
	if step.Deliver != nil {
		if err := step.Deliver(context.Background()); err != nil {
			s.Fatalf("Step.Deliver failed: %v", err)
		}
	}
	answer := a.Answer(s.TB, r, step)
	if len(answer) == 0 {
		s.Fatalf("the harness gave no answer")
	}
	return answer
}

func (s *suite) beginEnroll(r factor.Request) factor.Step {
	s.Helper()
	step, err := guard(s, "BeginEnroll", r, nil, nil, func() (factor.Step, error) {
		return s.h.Factor.BeginEnroll(context.Background(), r)
	})
	if err != nil {
		s.Fatalf("BeginEnroll failed on a valid request: nobody can enrol: %v", err)
	}
	return step
}

func (s *suite) beginVerify(r factor.Request) factor.Step {
	s.Helper()
	step, err := guard(s, "BeginVerify", r, nil, nil, func() (factor.Step, error) {
		return s.h.Factor.BeginVerify(context.Background(), r)
	})
	if err != nil {
		s.Fatalf("BeginVerify failed on a valid request: the user is locked out: %v", err)
	}
	return step
}

func (s *suite) finishEnroll(r factor.Request, state, response []byte) (factor.Enrolled, error) {
	s.Helper()
	return guard(s, "FinishEnroll", r, state, response, func() (factor.Enrolled, error) {
		return s.h.Factor.FinishEnroll(context.Background(), r, state, response)
	})
}

func (s *suite) finishVerify(r factor.Request, state, response []byte) (factor.Result, error) {
	s.Helper()
	res, err := guard(s, "FinishVerify", r, state, response, func() (factor.Result, error) {
		return s.h.Factor.FinishVerify(context.Background(), r, state, response)
	})
	if err == nil {
		s.tellsNothing("Result.Note", res.Note)
	}
	return res, err
}

// mustVerify is finishVerify of an answer that is right.
func (s *suite) mustVerify(r factor.Request, state, response []byte) factor.Result {
	s.Helper()
	res, err := s.finishVerify(r, state, response)
	if err != nil {
		s.Fatalf("FinishVerify refused the right answer: the user is locked out: %v", err)
	}
	s.now = s.now.Add(tick)
	return res
}

// guard makes one call of the factor under the rules that hold for every call.
func guard[T any](s *suite, name string, r factor.Request, state, response []byte, call func() (T, error)) (v T, err error) {
	s.Helper()
	defer func() {
		s.Helper()
		if p := recover(); p != nil {
			s.Fatalf("%s panicked (%v) on state %.40q, response %.40q: whoever can send that takes requests down", name, p, state, response)
		}
	}()
	before, stateBefore, responseBefore := copyRequest(r), bytes.Clone(state), bytes.Clone(response)
	v, err = call()
	if !reflect.DeepEqual(before, r) {
		s.Errorf("%s changed its Request: the Manager judges again with the same request after a conflict, and would then judge something else", name)
	}
	if !bytes.Equal(stateBefore, state) || !bytes.Equal(responseBefore, response) {
		s.Errorf("%s changed the bytes of its state or response: the Manager judges again with the same bytes after a conflict", name)
	}
	if err != nil {
		s.tellsNothing("the error of "+name, err.Error())
	}
	return v, err
}

// rejected requires that err is the user's mistake.
func (s *suite) rejected(err error, what, harm string) {
	s.Helper()
	switch {
	case err == nil:
		s.Errorf("accepted %s: %s", what, harm)
	case !errors.Is(err, factor.ErrRejected):
		s.Errorf("%s is not answered with an error wrapping ErrRejected but with %q: a fault costs no attempt, so guesses would be free, and the user is told that the server is broken", what, err)
	}
}

// fault requires that err is not the user's mistake.
func (s *suite) fault(err error, what, harm string) {
	s.Helper()
	switch {
	case err == nil:
		s.Errorf("accepted %s: %s", what, harm)
	case errors.Is(err, factor.ErrRejected), errors.Is(err, factor.ErrWaiting):
		s.Errorf("%s is answered with %q: damage on the server must be a fault, or it is charged to the user as a wrong answer and nobody notices it", what, err)
	}
}

// tellsNothing requires that text contains none of the secrets.
func (s *suite) tellsNothing(where, text string) {
	s.Helper()
	for _, secret := range s.secrets {
		if secret != "" && strings.Contains(text, secret) {
			s.Errorf("%s contains a secret of the authenticator: whoever reads logs, events or pages can answer in the user's place", where)
			return
		}
	}
}

// encode returns v as JSON.
func (s *suite) encode(where string, v any) string {
	s.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		s.Errorf("%s does not marshal to JSON, so no client can read it: %v", where, err)
	}
	return string(b)
}

func copyRequest(r factor.Request) factor.Request {
	r.Params, r.Decoy = maps.Clone(r.Params), bytes.Clone(r.Decoy)
	if r.Credentials != nil {
		r.Credentials = append([]factor.Credential{}, r.Credentials...)
	}
	for i := range r.Credentials {
		r.Credentials[i].Data = bytes.Clone(r.Credentials[i].Data)
	}
	return r
}
