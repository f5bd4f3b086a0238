package faultsweep

import (
	"context"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/mfatest"
)

// attempts lets a budget of guesses close after n wrong ones.
func attempts(n int) func(*mfa.Config) { return func(c *mfa.Config) { c.Limits.Attempts = n } }

// enrolmentFlows begin and finish the enrolment of every method.
func enrolmentFlows() []flow {
	return []flow{
		{name: "begin to enrol an authenticator", prepare: func(r *run) step {
			s := r.signedIn()
			return step{beginEnrolment(r, s, totpMethod), func(outcome) { r.EnrollTOTP(r.t, s) }}
		}},
		{name: "begin to enrol a key", prepare: func(r *run) step {
			s := r.signedIn()
			return step{beginEnrolment(r, s, keyMethod), func(outcome) { r.EnrollKey(r.t, s) }}
		}},
		{name: "begin to make recovery codes", prepare: func(r *run) step {
			_, s := r.withTOTP()
			return step{beginEnrolment(r, s, lookupMethod), func(outcome) { r.EnrollCodes(r.t, s) }}
		}},
		{name: "enrol an authenticator", config: attempts(2), once: true, raises: true, enrols: true, prepare: enrolTOTP},
		{name: "enrol a first key", once: true, raises: true, enrols: true, prepare: func(r *run) step {
			return enrolKey(r, r.signedIn())
		}},
		{name: "enrol a first key while signing in", config: mandatory, once: true, raises: true, enrols: true, prepare: func(r *run) step {
			return enrolKey(r, r.signedIn())
		}},
		{name: "enrol another key", once: true, raises: true, enrols: true, prepare: func(r *run) step {
			app, s := r.withTOTP()
			st := enrolKey(r, s)
			after := st.after
			st.after = func(o outcome) {
				after(o)
				r.right(totpMethod, r.code(app))
			}
			return st
		}},
		{name: "make recovery codes", once: true, enrols: true, prepare: func(r *run) step {
			_, s := r.withTOTP()
			codes, do := newCodes(r, s)
			return step{do, func(o outcome) {
				if o.done() {
					r.left(2)
				}
				if len(r.stored()) == 2 {
					r.right(lookupMethod, codes[0])
				}
				r.EnrollCodes(r.t, s)
				r.left(2)
			}}
		}},
		{name: "make new recovery codes", once: true, enrols: true, prepare: replaceCodes},
	}
}

func beginEnrolment(r *run, s mfa.State, method string) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) {
		_, err := r.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: method})
		return mfa.State{}, err
	}
}

func finishEnrolment(r *run, s mfa.State, id string, answer []byte) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) {
		_, next, err := r.Manager.FinishEnroll(ctx, s, id, answer)
		return next, err
	}
}

func enrolTOTP(r *run) step {
	s := r.signedIn()
	c := r.beginEnroll(s, totpMethod)
	app := mfatest.NewTOTP(r.t, c.Prompt)
	return step{finishEnrolment(r, s, c.ID, r.code(app)), func(o outcome) {
		if o.done() {
			r.left(1)
		}
		if len(r.stored()) == 0 {
			app, _ = r.EnrollTOTP(r.t, r.signedIn())
		}
		r.Clock.Advance(app.Period())
		r.right(totpMethod, r.code(app))
	}}
}

// enrolKey enrols a key beside what the user has.
func enrolKey(r *run, s mfa.State) step {
	had := len(r.stored())
	c := r.beginEnroll(s, keyMethod)
	key := mfatest.NewAuthenticator(r.RPID, r.Origin)
	return step{finishEnrolment(r, s, c.ID, key.Register(r.t, c.Prompt)), func(o outcome) {
		if o.done() {
			r.left(had + 1)
		}
		if len(r.stored()) == had {
			key, _ = r.EnrollKey(r.t, s)
		}
		r.VerifyKey(r.t, r.signedIn(), key)
	}}
}

// newCodes begins to make recovery codes, which do confirms.
func newCodes(r *run, s mfa.State) (codes [][]byte, do func(context.Context) (mfa.State, error)) {
	c := r.beginEnroll(s, lookupMethod)
	prompt, ok := c.Prompt.(lookup.Prompt)
	if !ok {
		r.t.Fatalf("the prompt of recovery codes is a %T", c.Prompt)
	}
	for _, code := range prompt.Codes {
		codes = append(codes, []byte(code))
	}
	return codes, finishEnrolment(r, s, c.ID, []byte(lookup.Saved))
}

// replaceCodes makes new recovery codes. The user has seen both sets, and one
// of them is good.
func replaceCodes(r *run) step {
	_, s := r.withTOTP()
	former, _ := r.EnrollCodes(r.t, s)
	codes, do := newCodes(r, s)
	return step{do, func(o outcome) {
		r.left(2)
		if err := r.verify(lookupMethod, codes[0]); err == nil {
			r.refused(lookupMethod, []byte(former[0]))
		} else if o.done() {
			r.t.Errorf("the new codes do not work: %v", err)
		} else {
			r.right(lookupMethod, []byte(former[0]))
		}
		r.EnrollCodes(r.t, s)
	}}
}
