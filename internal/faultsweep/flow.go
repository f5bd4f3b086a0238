package faultsweep

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
)

// flow is one thing that somebody does: one call of a Manager.
type flow struct {
	name   string
	config func(*mfa.Config)
	once   bool // the call succeeds once: what it spends is gone; otherwise it can be repeated
	raises bool // success is aal2, and not pending
	// throttles: the budget is so low that one more attempt closes it for a while.
	throttles bool
	// enrols: after an error there is no credential that was not there before,
	// unless the process died of it.
	enrols bool
	// refuses is the code of the problem that the call is refused with when
	// nothing fails; the credentials stay as they are then.
	refuses string
	// tidies: after the refusal a ceremony that no answer can end well is
	// deleted, and if that fails the refusal stands.
	tidies bool
	// patient calls run under the request's context alone; the others end by
	// themselves.
	patient bool
	// mail: codes are sent to the user's address, which with contact is a
	// second factor that nobody has to enrol.
	mail, contact bool
	prepare       func(r *run) step
}

// step is the call that is made to fail.
type step struct {
	do func(ctx context.Context) (mfa.State, error)
	// after checks that the user gets on; the store is sound again, and do has
	// been repeated.
	after func(o outcome)
}

// outcome is how the failing call and its repetition ended.
type outcome struct{ first, again error }

func (o outcome) done() bool { return o.first == nil || o.again == nil }

const (
	// requestTime is the life of the request, longer than what any call of a
	// ceremony takes.
	requestTime = 30 * time.Second
	// ownTime is how long a call of a ceremony may take when a call of the
	// store hangs: ten seconds, and five for settling.
	ownTime = 15 * time.Second
)

var errPanic = errors.New("faultsweep: panic")

// once runs a flow with its n-th call failing and reports whether there was an
// n-th call.
func once(t *testing.T, store faultstore.Inner, f flow, fault faultstore.Fault, n int) (reached bool) {
	t.Helper()
	r := newRun(t, store, fault, f)
	failed := "without a fault"
	defer func() {
		if t.Failed() {
			t.Log("that was " + failed)
		}
	}()
	s := f.prepare(r)
	r.Clock.Advance(time.Second)
	before := r.snapshot()

	ctx, cancel := context.WithTimeout(t.Context(), requestTime)
	defer cancel()
	r.store.CancelWith(cancel)
	r.store.Fail(n, fault)
	start := time.Now()
	state, err := caught(func() (mfa.State, error) { return s.do(ctx) })
	reached = r.store.Fired() > 0
	took := time.Since(start)
	if reached {
		c := r.store.Calls()[n-1]
		failed = fmt.Sprintf("with call %d: %s %s", n, c.Op, c.Key)
	}
	r.store.Heal()

	v := verdict{run: r, flow: f, reached: reached, before: before, after: r.snapshot()}
	v.check(state, err)
	if fault == faultstore.Hang && !f.patient && took > ownTime {
		t.Errorf("the call took %v with a store that hangs: it ends by itself after %v", took, ownTime)
	}
	state, again := s.do(t.Context())
	v.checkRepetition(state, err, again)
	s.after(outcome{err, again})
	r.forget()
	return reached
}

// caught turns a panic into an error.
func caught(do func() (mfa.State, error)) (s mfa.State, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = mfa.State{}, errPanic
		}
	}()
	return do()
}
