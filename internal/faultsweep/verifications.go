package faultsweep

import (
	"context"
	"errors"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// lookups lets recovery codes close after n wrong ones.
func lookups(n int) func(*mfa.Config) { return func(c *mfa.Config) { c.Limits.Lookups = n } }

// verificationFlows begin and finish a verification with every method, and
// answer at once where that is possible. Their budgets are low, so that they show
// what a fault cost.
func verificationFlows() []flow {
	return []flow{
		{name: "begin to verify a code", prepare: func(r *run) step {
			app, _ := r.withTOTP()
			return step{beginVerification(r, totpMethod), func(outcome) { r.right(totpMethod, r.code(app)) }}
		}},
		{name: "begin to verify a key", prepare: func(r *run) step {
			key, _ := r.EnrollKey(r.t, r.signedIn())
			return step{beginVerification(r, keyMethod), func(outcome) { r.VerifyKey(r.t, r.signedIn(), key) }}
		}},
		{name: "begin to verify a recovery code", prepare: func(r *run) step {
			codes := r.withCodes()
			return step{beginVerification(r, lookupMethod), func(outcome) { r.right(lookupMethod, codes[0]) }}
		}},
		{name: "verify a code", config: attempts(3), once: true, raises: true, prepare: func(r *run) step {
			app, _ := r.withTOTP()
			return step{verifyAtOnce(r, totpMethod, r.earlier(app)), func(outcome) { r.budgetOfThree(totpMethod, r.wrong(app), r.code(app)) }}
		}},
		{name: "verify a code by a ceremony", config: attempts(3), once: true, raises: true, prepare: func(r *run) step {
			app, _ := r.withTOTP()
			s := r.signedIn()
			c := r.beginVerify(s, totpMethod)
			return step{finishVerification(r, s, c.ID, r.earlier(app)), func(outcome) { r.budgetOfThree(totpMethod, r.wrong(app), r.code(app)) }}
		}},
		{
			name: "verify a code after two wrong ones", config: attempts(3), once: true, raises: true, throttles: true,
			prepare: verifyAtTheEdge,
		},
		{name: "verify a key", once: true, raises: true, prepare: func(r *run) step {
			key, _ := r.EnrollKey(r.t, r.signedIn())
			return step{answerOf(r, key), func(outcome) { r.VerifyKey(r.t, r.signedIn(), key) }}
		}},
		{name: "verify a key while codes are closed", config: attempts(1), once: true, raises: true, prepare: func(r *run) step {
			app, s := r.withTOTP()
			key, _ := r.EnrollKey(r.t, s)
			r.refused(totpMethod, r.wrong(app))
			r.closed(app)
			return step{answerOf(r, key), func(outcome) {
				r.VerifyKey(r.t, r.signedIn(), key)
				r.right(totpMethod, r.code(app))
			}}
		}},
		{name: "verify a recovery code", config: lookups(4), once: true, raises: true, prepare: func(r *run) step {
			codes := r.withCodes()
			return step{verifyAtOnce(r, lookupMethod, codes[0]), func(o outcome) {
				if !errors.Is(o.again, mfa.ErrRejected) { // a spent code is charged like a wrong one
					r.refused(lookupMethod, noCode)
				}
				r.budgetOfThree(lookupMethod, noCode, codes[1])
			}}
		}},
		{name: "verify a recovery code by a ceremony", config: lookups(3), once: true, raises: true, prepare: func(r *run) step {
			codes := r.withCodes()
			s := r.signedIn()
			c := r.beginVerify(s, lookupMethod)
			return step{finishVerification(r, s, c.ID, codes[0]), func(outcome) { r.budgetOfThree(lookupMethod, noCode, codes[1]) }}
		}},
		{name: "verify a recovery code while codes are closed", config: attempts(1), once: true, raises: true, prepare: func(r *run) step {
			app, s := r.withTOTP()
			codes, _ := r.EnrollCodes(r.t, s)
			r.refused(totpMethod, r.wrong(app))
			r.closed(app)
			return step{verifyAtOnce(r, lookupMethod, []byte(codes[0])), func(outcome) {
				r.right(lookupMethod, []byte(codes[1]))
				r.right(totpMethod, r.code(app))
			}}
		}},
	}
}

func beginVerification(r *run, method string) func(context.Context) (mfa.State, error) {
	s := r.signedIn()
	return func(ctx context.Context) (mfa.State, error) {
		_, err := r.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: method})
		return mfa.State{}, err
	}
}

func finishVerification(r *run, s mfa.State, id string, answer []byte) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) { return r.Manager.FinishVerify(ctx, s, id, answer) }
}

func verifyAtOnce(r *run, method string, answer []byte) func(context.Context) (mfa.State, error) {
	s := r.signedIn()
	return func(ctx context.Context) (mfa.State, error) {
		return r.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: method}, answer)
	}
}

// answerOf begins a verification with a key, which do finishes.
func answerOf(r *run, key *mfatest.Authenticator) func(context.Context) (mfa.State, error) {
	s := r.signedIn()
	c := r.beginVerify(s, keyMethod)
	return finishVerification(r, s, c.ID, key.Assert(r.t, c.Prompt))
}

// withCodes enrols an authenticator app and recovery codes.
func (r *run) withCodes() [][]byte {
	r.t.Helper()
	_, s := r.withTOTP()
	codes, _ := r.EnrollCodes(r.t, s)
	answers := make([][]byte, len(codes))
	for i, code := range codes {
		answers[i] = []byte(code)
	}
	return answers
}

// verifyAtTheEdge verifies where a lost attempt closes the budget: for the ten
// seconds after which the attempt counts as wrong, and the first delay.
func verifyAtTheEdge(r *run) step {
	longest := time.Duration(r.cost()) * 40 * time.Second
	app, _ := r.withTOTP()
	r.refused(totpMethod, r.wrong(app))
	r.refused(totpMethod, r.wrong(app))
	return step{verifyAtOnce(r, totpMethod, r.earlier(app)), func(outcome) {
		if waited := r.patiently(totpMethod, func() []byte { return r.code(app) }); waited > longest {
			r.t.Errorf("locked out for %v, and not %v at most", waited, longest)
		}
	}}
}
