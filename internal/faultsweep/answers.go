package faultsweep

import (
	"errors"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// code is the code of now, and earlier the one before it.
func (r *run) code(app *mfatest.TOTP) []byte { return []byte(app.Code(r.Clock.Now())) }

func (r *run) earlier(app *mfatest.TOTP) []byte {
	return []byte(app.Code(r.Clock.Now().Add(-app.Period())))
}

func (r *run) wrong(app *mfatest.TOTP) []byte { return []byte(app.Wrong(r.Clock.Now())) }

// noCode is no recovery code of anybody.
var noCode = []byte("none")

// verify answers at once, on a new session.
func (r *run) verify(method string, answer []byte) error {
	r.t.Helper()
	s, err := r.Manager.Verify(r.t.Context(), r.signedIn(), mfa.VerifyOptions{Method: method}, answer)
	if err == nil && s.Pending {
		r.t.Errorf("verified with %s, and still pending", method)
	}
	return err
}

// right checks that an answer is judged and found right.
func (r *run) right(method string, answer []byte) {
	r.t.Helper()
	r.must("verifying with "+method, r.verify(method, answer))
}

// refused checks that an answer is judged and found wrong.
func (r *run) refused(method string, answer []byte) {
	r.t.Helper()
	if err := r.verify(method, answer); !errors.Is(err, mfa.ErrRejected) {
		r.t.Errorf("a wrong answer to %s is not judged: %v", method, err)
	}
}

// closed checks that not even a right code is judged.
func (r *run) closed(app *mfatest.TOTP) {
	r.t.Helper()
	err := r.verify(totpMethod, r.code(app))
	if _, throttled := errors.AsType[*mfa.ThrottledError](err); !throttled {
		r.t.Errorf("codes are not closed: %v", err)
	}
}

// guesses counts the wrong answers that are judged until none is.
func (r *run) guesses(method string, wrong []byte) (judged int) {
	r.t.Helper()
	for ; judged < mostCalls; judged++ {
		err := r.verify(method, wrong)
		if _, throttled := errors.AsType[*mfa.ThrottledError](err); throttled {
			return judged
		}
		if !errors.Is(err, mfa.ErrRejected) {
			r.t.Fatalf("a wrong answer to %s: %v", method, err)
		}
	}
	r.t.Fatalf("%s has no budget", method)
	return judged
}

// patiently verifies with a right answer as often as the budget says to come
// back, and returns how long that took.
func (r *run) patiently(method string, answer func() []byte) (waited time.Duration) {
	r.t.Helper()
	for waited < 2*time.Hour {
		err := r.verify(method, answer())
		throttled, ok := errors.AsType[*mfa.ThrottledError](err)
		if !ok {
			r.must("verifying after "+waited.String(), err)
			return waited
		}
		r.Clock.Advance(throttled.RetryAfter)
		waited += throttled.RetryAfter
	}
	r.t.Fatalf("locked out: throttled for %v and no end", waited)
	return waited
}

// budgetOfThree checks that of three attempts no more are gone than the fault
// may cost: wrong answers are judged, and a right one after them.
func (r *run) budgetOfThree(method string, wrong, right []byte) {
	r.t.Helper()
	for range 2 - r.cost() {
		r.refused(method, wrong)
	}
	r.right(method, right)
}

// threeGuesses checks that of three attempts every guess that was judged has
// cost one, and the fault no more than it may.
func (r *run) threeGuesses(o outcome, method string, wrong []byte) {
	r.t.Helper()
	judged := 1 + r.guesses(method, wrong) // the repetition was judged
	first := errors.Is(o.first, mfa.ErrRejected)
	if first {
		judged++
	}
	if judged > 3 || judged < 3 && (first || judged < 3-r.cost()) {
		r.t.Errorf("%d guesses were judged, the first of them %v, and the budget is three", judged, first)
	}
}
