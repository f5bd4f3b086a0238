package factortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-mfa/mfa/factor"
)

// checkSignIn is for factors that people can sign in with (Info.FirstFactor).
func checkSignIn(s *suite) {
	if !s.info.FirstFactor {
		return
	}
	a, c, _ := s.enroll()
	r, step, answer := s.signIn(a, c)
	s.sane("BeginVerify", step)
	s.tellsNothing("the prompt of a sign-in", s.encode("the prompt of a sign-in", step.Prompt))
	for _, wrong := range wrongAnswers {
		_, err := s.finishVerify(r, step.State, wrong)
		s.rejected(err, fmt.Sprintf("a sign-in answered with %.40q (%d bytes)", wrong, len(wrong)), "anybody signs in as anybody")
	}
	for _, state := range broken(step.State) {
		if s.info.Promptless && len(state) == 0 {
			continue // that is how a promptless factor is answered at once
		}
		_, err := s.finishVerify(r, state, answer)
		s.fault(err, fmt.Sprintf("a sign-in with the broken state %.40q", state), "a ceremony that the factor did not begin is completed")
	}
	res := s.mustVerify(r, step.State, answer)
	if res.Credential.ID != "" {
		c = s.used(c, res)
	}

	for _, p := range []factor.Purpose{factor.PurposeSignIn, factor.PurposeVerify} {
		later := s.request(p, c)
		next := s.beginVerify(later)
		_, err := s.finishVerify(later, next.State, answer)
		s.rejected(err, "the answer to a sign-in in another ceremony", "whoever has seen an answer can use it again")
	}
	verify := s.request(factor.PurposeVerify, c)
	begun := s.beginVerify(verify)
	answer = s.answer(a, verify, begun)
	later := s.request(factor.PurposeSignIn, c)
	next := s.beginVerify(later)
	_, err := s.finishVerify(later, next.State, answer)
	s.rejected(err, "the answer to a verification in a sign-in", "what was asked for one purpose serves another")
}

// checkDecoys is for factors that people can sign in with: a name that nobody
// has looks like one that somebody has.
func checkDecoys(s *suite) {
	if !s.info.FirstFactor {
		return
	}
	a, c, _ := s.enroll()
	somebody, answer := [2]factor.Step{}, []byte(nil)
	for i := range somebody {
		_, somebody[i], answer = s.signIn(a, c)
	}
	for n := range byte(8) {
		name := bytes.Repeat([]byte{n * 36}, 32)
		var (
			r      factor.Request
			nobody [2]factor.Step
		)
		for i := range nobody {
			r = s.decoy(name)
			nobody[i] = s.beginVerify(r)
			s.alike(somebody[i], nobody[i])
			if nobody[i].Deliver == nil {
				continue
			}
			if err := nobody[i].Deliver(context.Background()); err != nil {
				s.Errorf("Step.Deliver of a decoy failed: the operator is told of a fault for every name that is mistyped: %v", err)
			}
		}
		s.asStable(somebody, nobody)
		for _, response := range append(wrongAnswers, answer) {
			_, err := s.finishVerify(r, nobody[1].State, response)
			s.rejected(err, fmt.Sprintf("the sign-in of a decoy answered with %.40q (%d bytes)", response, len(response)), "somebody signs in as nobody")
		}
	}
}

// checkBeginAgain checks what a client gets that asks for another message.
func checkBeginAgain(s *suite) {
	if s.info.Promptless {
		return // the answer is not of the step, but of the authenticator
	}
	a, c, _ := s.enroll()
	purposes := []factor.Purpose{factor.PurposeVerify}
	if s.info.FirstFactor {
		purposes = append(purposes, factor.PurposeSignIn)
	}
	for _, p := range purposes {
		r := s.request(p, c)
		older := s.answer(a, r, s.beginVerify(r))
		again := s.beginVerify(r)
		_, err := s.finishVerify(r, again.State, older)
		s.rejected(err, "the answer to a step after the same ceremony was begun again", "a message that was sent first and lost stays good beside the second")
		s.mustVerify(r, again.State, s.answer(a, r, again))
	}
}

// signIn starts a sign-in with credentials and returns the right answer of a.
func (s *suite) signIn(a Authenticator, credentials ...factor.Credential) (factor.Request, factor.Step, []byte) {
	s.Helper()
	r := s.request(factor.PurposeSignIn, credentials...)
	step := s.beginVerify(r)
	return r, step, s.answer(a, r, step)
}

// decoy returns what the Manager would ask with where nobody has a name.
func (s *suite) decoy(name []byte) factor.Request {
	r := s.request(factor.PurposeSignIn)
	r.User, r.Decoy = factor.User{ID: fmt.Sprintf("decoy-%x", name[:4])}, bytes.Clone(name)
	return r
}

// alike requires that two steps cannot be told apart by what a client sees.
func (s *suite) alike(somebody, nobody factor.Step) {
	s.Helper()
	const harm = "whoever asks learns which names exist"
	if somebody.TTL != nobody.TTL || somebody.Tries != nobody.Tries {
		s.Errorf("a decoy has %d tries in %v where a user has %d in %v: %s", nobody.Tries, nobody.TTL, somebody.Tries, somebody.TTL, harm)
	}
	if (somebody.Deliver == nil) != (nobody.Deliver == nil) {
		s.Errorf("Step.Deliver is set for a user or for a decoy, but not for both: %s by how long it takes", harm)
	}
	if a, b := budgets(somebody.Charges), budgets(nobody.Charges); a != b {
		s.Errorf("a decoy is charged to the budgets %s where a user is charged to %s: %s by when it is throttled", b, a, harm)
	}
	if a, b := shape(s.decoded(somebody.Prompt)), shape(s.decoded(nobody.Prompt)); !reflect.DeepEqual(a, b) {
		s.Errorf("the prompt of a decoy is like %v where that of a user is like %v: %s", b, a, harm)
	}
}

// asStable requires that whatever stays the same in the prompts of a user does
// so in those of a decoy.
func (s *suite) asStable(somebody, nobody [2]factor.Step) {
	s.Helper()
	var leaves [4]map[string]any
	for i, step := range append(somebody[:], nobody[:]...) {
		leaves[i] = map[string]any{}
		addLeaves(leaves[i], "", s.decoded(step.Prompt))
	}
	for path, was := range leaves[0] {
		if leaves[1][path] == was && leaves[2][path] != leaves[3][path] {
			s.Errorf("%s in the prompt of a decoy changes from one ceremony to the next, in that of a user it does not: whoever asks twice learns which names exist", path)
		}
	}
}

func addLeaves(leaves map[string]any, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			addLeaves(leaves, path+"."+k, v[k])
		}
	case []any:
		for i := range v {
			addLeaves(leaves, fmt.Sprintf("%s[%d]", path, i), v[i])
		}
	default:
		leaves[path] = v
	}
}

func budgets(charges []factor.Charge) string {
	var b strings.Builder
	for _, c := range charges {
		fmt.Fprintf(&b, "[%d in %v]", c.N, c.Per)
	}
	return b.String()
}

// decoded returns a prompt as a client gets it.
func (s *suite) decoded(prompt any) (v any) {
	s.Helper()
	if err := json.Unmarshal([]byte(s.encode("a prompt", prompt)), &v); err != nil {
		s.Fatalf("a prompt is no JSON: %v", err)
	}
	return v
}

// shape returns v with every value replaced by what it is, and of lists only
// the first: two users do not have the same number of credentials.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		shapes := map[string]any{}
		for k := range v {
			shapes[k] = shape(v[k])
		}
		return shapes
	case []any:
		if len(v) > 1 {
			v = v[:1]
		}
		shapes := []any{}
		for i := range v {
			shapes = append(shapes, shape(v[i]))
		}
		return shapes
	}
	return fmt.Sprintf("%T", v)
}
