package faultsweep

import (
	"context"
	"time"

	"github.com/go-mfa/mfa"
)

// adminFlows are what admins and jobs do. They check no session and run under
// the context that they are given.
func adminFlows() []flow {
	return []flow{
		{name: "reset by an admin", patient: true, prepare: func(r *run) step {
			r.withEverything()
			return step{reset(r), func(outcome) {
				r.left(0)
				r.EnrollTOTP(r.t, r.signedIn())
			}}
		}},
		{name: "reset of one method by an admin", patient: true, prepare: func(r *run) step {
			all := r.withEverything()
			return step{reset(r, totpMethod), func(outcome) {
				r.left(2)
				r.right(lookupMethod, []byte(all.codes[0]))
				r.VerifyKey(r.t, r.signedIn(), all.key)
			}}
		}},
		{name: "reset of the last method by an admin", patient: true, prepare: func(r *run) step {
			r.withCodes()
			return step{reset(r, totpMethod), func(outcome) {
				r.left(0)
				r.EnrollTOTP(r.t, r.signedIn())
			}}
		}},
		{name: "unlock", config: attempts(1), patient: true, prepare: func(r *run) step {
			app, _ := r.withTOTP()
			r.refused(totpMethod, r.wrong(app))
			r.closed(app)
			return step{func(ctx context.Context) (mfa.State, error) {
				return mfa.State{}, r.Manager.Unlock(ctx, "root", r.user, "called us")
			}, func(outcome) { r.right(totpMethod, r.code(app)) }}
		}},
		{name: "forget", config: closedByOne, patient: true, prepare: forget},
		{name: "sweep", config: closedByOne, patient: true, prepare: sweepRecords},
		{name: "reseal", patient: true, prepare: reseal},
	}
}

func reset(r *run, methods ...string) func(context.Context) (mfa.State, error) {
	return func(ctx context.Context) (mfa.State, error) {
		return mfa.State{}, r.Manager.AdminReset(ctx, "root", r.user, "lost", methods...)
	}
}

// closedByOne lets one wrong answer close every budget, that of second factors
// for good.
func closedByOne(c *mfa.Config) { c.Limits.Attempts, c.Limits.Closed, c.Limits.Lookups = 1, 1, 1 }

// forget leaves nothing that a later user with the same id would meet: neither
// credentials nor budgets.
func forget(r *run) step {
	app, s := r.withTOTP()
	r.EnrollCodes(r.t, s)
	r.refused(totpMethod, r.wrong(app))
	r.refused(lookupMethod, noCode)
	return step{func(ctx context.Context) (mfa.State, error) { return mfa.State{}, r.Manager.Forget(ctx, r.user) }, func(outcome) {
		r.left(0)
		app, s := r.EnrollTOTP(r.t, r.signedIn())
		r.EnrollCodes(r.t, s)
		r.refused(totpMethod, r.wrong(app))
		r.refused(lookupMethod, noCode)
	}}
}

// sweepRecords drops a ceremony that has expired, or leaves it to a store where
// that goes by itself, and drops no budget.
func sweepRecords(r *run) step {
	app, s := r.withTOTP()
	key, _ := r.EnrollKey(r.t, s)
	r.beginVerify(r.signedIn(), keyMethod)
	r.refused(totpMethod, r.wrong(app))
	r.Clock.Advance(time.Hour)
	return step{func(ctx context.Context) (mfa.State, error) { return mfa.State{}, r.Manager.Sweep(ctx) }, func(outcome) {
		r.closed(app)
		r.VerifyKey(r.t, r.signedIn(), key)
	}}
}

// reseal seals everything under a new key, so that the former can go. At every
// moment both keys together open everything.
func reseal(r *run) step {
	all, next := r.withEverything(), newKey()
	r.Kit = r.withKeys(next, r.key)
	return step{func(ctx context.Context) (mfa.State, error) { return mfa.State{}, r.Manager.Reseal(ctx) }, func(outcome) {
		r.Kit = r.withKeys(next)
		r.right(totpMethod, r.code(all.app))
		r.right(lookupMethod, []byte(all.codes[0]))
		r.VerifyKey(r.t, r.signedIn(), all.key)
	}}
}
