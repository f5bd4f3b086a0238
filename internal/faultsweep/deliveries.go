package faultsweep

import (
	"context"
	"errors"
	"time"

	"github.com/go-mfa/mfa"
)

// deliveryFlows enrol, verify and sign in with codes that are sent.
func deliveryFlows() []flow {
	const rejected = "rejected"
	return []flow{
		{name: "begin to enrol an address", mail: true, prepare: func(r *run) step {
			s := r.signedIn()
			return step{func(ctx context.Context) (mfa.State, error) {
				_, err := r.Manager.BeginEnroll(ctx, s, r.addressOptions())
				return mfa.State{}, err
			}, func(outcome) { r.enrolAddress(s) }}
		}},
		{name: "enrol an address", mail: true, once: true, raises: true, enrols: true, prepare: func(r *run) step {
			s := r.signedIn()
			c := r.beginAddress(s)
			return step{finishEnrolment(r, s, c.ID, []byte(r.mailed(c.ID))), func(o outcome) {
				if o.done() {
					r.left(1)
				}
				if len(r.stored()) == 0 {
					r.enrolAddress(r.signedIn())
				}
				r.mailRight()
			}}
		}},
		{name: "send another code to enrol", mail: true, prepare: func(r *run) step {
			s := r.signedIn()
			c := r.beginAddress(s)
			older := r.mailed(c.ID)
			return step{sendAgain(r, s, c.ID), func(outcome) {
				if _, _, err := r.Manager.FinishEnroll(r.t.Context(), s, c.ID, []byte(older)); !errors.Is(err, mfa.ErrRejected) {
					r.t.Errorf("the older code: %v", err)
				}
				_, _, err := r.Manager.FinishEnroll(r.t.Context(), s, c.ID, []byte(r.mailedLast(c.ID)))
				r.must("enrolling with the newest code", err)
			}}
		}},
		{name: "begin to verify an address", mail: true, prepare: func(r *run) step {
			r.enrolAddress(r.signedIn())
			return step{beginVerification(r, emailMethod), func(outcome) { r.mailRight() }}
		}},
		{name: "verify an address", config: attempts(3), mail: true, once: true, raises: true, prepare: func(r *run) step {
			r.enrolAddress(r.signedIn())
			return verifyMailed(r)
		}},
		{name: "begin to verify an address that the app knows", mail: true, contact: true, prepare: func(r *run) step {
			return step{beginVerification(r, emailMethod), func(outcome) { r.mailRight() }}
		}},
		{name: "verify an address that the app knows", config: attempts(3), mail: true, contact: true, once: true, raises: true, prepare: verifyMailed},
		{name: "send another code to verify", mail: true, contact: true, prepare: func(r *run) step {
			s, id := r.mailBegun()
			older := r.mailed(id)
			return step{sendAgain(r, s, id), func(outcome) {
				if _, err := r.Manager.FinishVerify(r.t.Context(), s, id, []byte(older)); !errors.Is(err, mfa.ErrRejected) {
					r.t.Errorf("the older code: %v", err)
				}
				_, err := r.Manager.FinishVerify(r.t.Context(), s, id, []byte(r.mailedLast(id)))
				r.must("verifying with the newest code", err)
			}}
		}},
		{name: "guess a code that was sent", config: attempts(20), mail: true, contact: true, refuses: rejected, tidies: true, prepare: func(r *run) step {
			s, id := r.mailBegun()
			code := r.mailed(id)
			wrong := finishVerification(r, s, id, otherThan(code))
			return step{wrong, func(o outcome) { triesOfFive(r, o, wrong, finishVerification(r, s, id, []byte(code))) }}
		}},
		{name: "begin to sign in by a code", mail: true, prepare: func(r *run) step {
			return step{beginToSignIn(r, r.user), func(outcome) { signInAnew(r) }}
		}},
		{name: "sign in by a code", config: attempts(3), mail: true, once: true, prepare: func(r *run) step {
			c := r.beginSignIn(r.user)
			return step{finishSignIn(r, c.ID, []byte(r.mailed(c.ID))), func(outcome) {
				for range 2 - r.cost() {
					guessSignIn(r)
				}
				signInAnew(r)
			}}
		}},
		{name: "send another code to sign in", mail: true, prepare: func(r *run) step {
			c := r.beginSignIn(r.user)
			older := r.mailed(c.ID)
			return step{sendSignInAgain(r, c.ID), func(outcome) {
				if _, err := finishSignIn(r, c.ID, []byte(older))(r.t.Context()); !errors.Is(err, mfa.ErrRejected) {
					r.t.Errorf("the older code: %v", err)
				}
				_, err := finishSignIn(r, c.ID, []byte(r.mailedLast(c.ID)))(r.t.Context())
				r.must("signing in with the newest code", err)
			}}
		}},
		{name: "guess while signing in by a code", config: attempts(20), mail: true, refuses: rejected, tidies: true, prepare: func(r *run) step {
			c := r.beginSignIn(r.user)
			code := r.mailed(c.ID)
			wrong := finishSignIn(r, c.ID, otherThan(code))
			return step{wrong, func(o outcome) { triesOfFive(r, o, wrong, finishSignIn(r, c.ID, []byte(code))) }}
		}},
		{name: "guess at sign-ins until they wait", config: attempts(3), mail: true, refuses: rejected, prepare: guessAtSignIns},
		{name: "begin to sign in as nobody", mail: true, prepare: func(r *run) step {
			return step{beginToSignIn(r, "nobody"), func(outcome) { r.nothingMailed() }}
		}},
		{name: "sign in as nobody", mail: true, refuses: rejected, tidies: true, prepare: func(r *run) step {
			c := r.beginSignIn("nobody")
			return step{finishSignIn(r, c.ID, []byte("000000")), func(outcome) { r.nothingMailed() }}
		}},
		{name: "send nobody another code", mail: true, prepare: func(r *run) step {
			return step{sendSignInAgain(r, r.beginSignIn("nobody").ID), func(outcome) { r.nothingMailed() }}
		}},
	}
}

// verifyMailed verifies with a code that was sent. Of three attempts no more
// are gone in the end than the fault may cost.
func verifyMailed(r *run) step {
	s, id := r.mailBegun()
	return step{finishVerification(r, s, id, []byte(r.mailed(id))), func(outcome) {
		for range 2 - r.cost() {
			r.mailWrong()
		}
		r.mailRight()
	}}
}

// coolDown is longer than what has to lie between two messages.
const coolDown = time.Minute

func sendAgain(r *run, s mfa.State, id string) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) {
		r.Clock.Advance(coolDown)
		_, err := r.Manager.Resend(ctx, s, id)
		return mfa.State{}, err
	}
}

func sendSignInAgain(r *run, id string) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) {
		r.Clock.Advance(coolDown)
		_, err := r.Manager.ResendSignIn(ctx, browser, id)
		return mfa.State{}, err
	}
}

func beginToSignIn(r *run, name string) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) {
		_, err := r.Manager.BeginSignIn(ctx, mfa.SignInOptions{Method: emailMethod, Name: name, Binding: browser})
		return mfa.State{}, err
	}
}

// finishSignIn returns a state of who has signed in, and by what.
func finishSignIn(r *run, id string, answer []byte) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) {
		userID, first, err := r.Manager.FinishSignIn(ctx, browser, id, answer)
		if err != nil {
			return mfa.State{UserID: userID}, err
		}
		if userID != r.user || first.Name != emailMethod || first.Role != mfa.RoleFirst {
			r.t.Errorf("%q has signed in by %s in role %v", userID, first.Name, first.Role)
		}
		return mfa.State{UserID: userID, Methods: []mfa.Method{first}}, nil
	}
}

func signInAnew(r *run) {
	r.t.Helper()
	c := r.beginSignIn(r.user)
	_, err := finishSignIn(r, c.ID, []byte(r.mailed(c.ID)))(r.t.Context())
	r.must("signing in by a new code", err)
}

func guessSignIn(r *run) {
	r.t.Helper()
	c := r.beginSignIn(r.user)
	if _, err := finishSignIn(r, c.ID, otherThan(r.mailed(c.ID)))(r.t.Context()); !errors.Is(err, mfa.ErrRejected) {
		r.t.Errorf("a wrong code is not judged: %v", err)
	}
}

// triesOfFive checks that after five answers that were judged and found wrong a
// ceremony takes none any more, however the first of them failed.
func triesOfFive(r *run, o outcome, wrong, right func(context.Context) (mfa.State, error)) {
	r.t.Helper()
	judged := 1 // the repetition
	if errors.Is(o.first, mfa.ErrRejected) {
		judged++
	}
	for ; judged < 5; judged++ {
		if _, err := wrong(r.t.Context()); !errors.Is(err, mfa.ErrRejected) {
			r.t.Errorf("a wrong code is not judged: %v", err)
		}
	}
	if _, err := right(r.t.Context()); !errors.Is(err, mfa.ErrRejected) {
		r.t.Errorf("the right code after five wrong ones: %v", err)
	}
}

// guessAtSignIns closes the budget of sign-ins for a while. That of second
// factors is not touched, and neither is closed for good (J09).
func guessAtSignIns(r *run) step {
	app, _ := r.withTOTP()
	c := r.beginSignIn(r.user)
	code := r.mailed(c.ID)
	wrong := finishSignIn(r, c.ID, otherThan(code))
	return step{wrong, func(outcome) {
		guesses := 1 // the repetition
		for before := r.unjudged(); guesses < mostCalls && r.unjudged() == before; guesses++ {
			other := r.beginSignIn(r.user)
			_, err := finishSignIn(r, other.ID, otherThan(r.mailed(other.ID)))(r.t.Context())
			if inUse, ok := errors.AsType[*mfa.ThrottledError](err); ok { // by what the fault has left behind
				r.Clock.Advance(inUse.RetryAfter)
			} else if !errors.Is(err, mfa.ErrRejected) {
				r.t.Errorf("a wrong code is not rejected: %v", err)
			}
		}
		if guesses--; guesses > 3 {
			r.t.Fatalf("%d guesses were judged, and the budget is three", guesses)
		}
		r.right(totpMethod, r.code(app))
		r.signInPatiently()
	}}
}

// unjudged counts the answers that were refused without being judged, of which
// only the operator is told.
func (r *run) unjudged() (n int) {
	for _, e := range r.Events.All() {
		if e.Kind == mfa.EventRefused && e.Outcome == mfa.OutcomeThrottled {
			n++
		}
	}
	return n
}

// signInPatiently signs in once the longest delay is over: at the second time, if
// what the fault has left behind counts from the first.
func (r *run) signInPatiently() {
	r.t.Helper()
	var err error
	for range 2 {
		r.Clock.Advance(time.Hour)
		c := r.beginSignIn(r.user)
		before := r.unjudged()
		if _, err = finishSignIn(r, c.ID, []byte(r.mailed(c.ID)))(r.t.Context()); r.unjudged() == before {
			break
		}
	}
	r.must("signing in after two hours at most", err)
}
