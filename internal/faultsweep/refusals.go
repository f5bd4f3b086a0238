package faultsweep

import (
	"context"
	"errors"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// refusalFlows are refused when nothing fails. A fault changes none of that,
// and makes no guess free.
func refusalFlows() []flow {
	const rejected = "rejected"
	return []flow{
		{name: "guess a code", config: attempts(3), refuses: rejected, prepare: func(r *run) step {
			app, _ := r.withTOTP()
			return step{verifyAtOnce(r, totpMethod, r.wrong(app)), func(o outcome) {
				r.threeGuesses(o, totpMethod, r.wrong(app))
				r.patiently(totpMethod, func() []byte { return r.code(app) })
			}}
		}},
		{name: "guess a recovery code", config: lookups(3), refuses: rejected, prepare: func(r *run) step {
			codes := r.withCodes()
			return step{verifyAtOnce(r, lookupMethod, noCode), func(o outcome) {
				r.threeGuesses(o, lookupMethod, noCode)
				r.patiently(lookupMethod, func() []byte { return codes[0] })
			}}
		}},
		{name: "guess on the last try of a ceremony", config: attempts(20), refuses: rejected, tidies: true, prepare: guessOnTheLastTry},
		{name: "guess while enrolling an authenticator", config: attempts(3), refuses: rejected, prepare: func(r *run) step {
			s := r.signedIn()
			c := r.beginEnroll(s, totpMethod)
			app := mfatest.NewTOTP(r.t, c.Prompt)
			return step{finishEnrolment(r, s, c.ID, r.wrong(app)), func(outcome) {
				r.left(0)
				_, _, err := r.Manager.FinishEnroll(r.t.Context(), s, c.ID, r.code(app))
				r.must("enrolling with the right code", err)
			}}
		}},
		{name: "answer with a key on another site", refuses: rejected, tidies: true, prepare: func(r *run) step {
			key, _ := r.EnrollKey(r.t, r.signedIn())
			key.Origin = "https://elsewhere.test"
			do := answerOf(r, key)
			key.Origin = r.Origin
			return step{do, func(outcome) { r.VerifyKey(r.t, r.signedIn(), key) }}
		}},
		{name: "finish a ceremony that is void", refuses: rejected, prepare: func(r *run) step {
			app, s := r.withTOTP()
			pending := r.signedIn()
			c := r.beginVerify(pending, totpMethod)
			r.EnrollKey(r.t, s)
			return step{finishVerification(r, pending, c.ID, r.earlier(app)), func(outcome) { r.right(totpMethod, r.code(app)) }}
		}},
		{name: "begin to enrol without the right to", refuses: "step_up_required", prepare: func(r *run) step {
			app, _ := r.withTOTP()
			return step{beginEnrolment(r, r.signedIn(), keyMethod), func(outcome) { r.right(totpMethod, r.code(app)) }}
		}},
		{name: "remove the last one that is mandatory", config: mandatory, refuses: "conflict", prepare: func(r *run) step {
			app, s := r.withTOTP()
			return step{remove(r, s, app.CredentialID), func(outcome) { r.right(totpMethod, r.code(app)) }}
		}},
	}
}

// guessOnTheLastTry leaves a ceremony that no answer can end well, whether the
// guess was judged, counted or neither: the repetition is another.
func guessOnTheLastTry(r *run) step {
	const tries = 5
	app, _ := r.withTOTP()
	s := r.signedIn()
	c := r.beginVerify(s, totpMethod)
	do := finishVerification(r, s, c.ID, r.wrong(app))
	for range tries - 1 {
		if _, err := do(r.t.Context()); !errors.Is(err, mfa.ErrRejected) {
			r.t.Fatalf("a wrong code: %v", err)
		}
	}
	return step{do, func(outcome) {
		if _, err := r.Manager.FinishVerify(r.t.Context(), s, c.ID, r.code(app)); !errors.Is(err, mfa.ErrRejected) {
			r.t.Errorf("a code after the last try: %v", err)
		}
		r.right(totpMethod, r.code(app))
	}}
}

func remove(r *run, s mfa.State, id string) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) {
		_, err := r.Manager.Remove(ctx, s, id)
		return mfa.State{}, err
	}
}
