package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

// duel is a call during which a rival comes.
type duel struct {
	call, rival move
	refused     bool                          // the call must conflict even if no rival comes
	both        func(t *testing.T, p promise) // expects what is stored where both win; nil: they cannot
}

// newDuel returns a duel of which one can win, except that a rival that only
// reads is in nobody's way.
func newDuel(call, rival move) *duel {
	d := &duel{call: call, rival: rival}
	if rival.left == nil {
		d.both = call.left
	}
	return d
}

// bothWin returns a duel over different things.
func bothWin(call, rival move) *duel {
	lefts := []func(*testing.T, promise){call.left, rival.left}
	call.left, rival.left = nil, nil
	return &duel{call: call, rival: rival, both: func(t *testing.T, p promise) {
		for _, left := range lefts {
			left(t, p)
		}
	}}
}

// duelTest makes duels over things that nobody else uses. set returns nil where
// the store lacks an optional method.
type duelTest[S any] struct {
	name    string
	promise promise
	set     func(t *testing.T, store S) *duel
}

// runDuels reports false if between is wired so that no duel can be fought.
func runDuels[S any](t *testing.T, wait time.Duration, newStore func(t *testing.T, between func(ctx context.Context)) S, groups ...[]duelTest[S]) bool {
	t.Helper()
	for _, group := range groups {
		for _, c := range group {
			wired := true
			t.Run(c.name, func(t *testing.T) {
				var strangers atomic.Int32
				store := newStore(t, func(ctx context.Context) {
					if m, ok := ctx.Value(momentKey{}).(*moment); ok {
						m.pass()
					} else {
						strangers.Add(1)
					}
				})
				wired = c.fight(t, store, wait, &strangers)
			})
			if !wired {
				return false
			}
		}
	}
	return true
}

// fight fights the duel again and again: the rival comes before the first
// statement, before the second, and so on until there is none. It reports false
// if between is wired so that this cannot be done. strangers counts the calls
// of between with foreign contexts.
func (c duelTest[S]) fight(t *testing.T, store S, wait time.Duration, strangers *atomic.Int32) (wired bool) {
	const most = 32 // a method may send one statement for each of very many rows
	for nth := range most {
		d := c.set(t, store)
		if d == nil {
			t.Log("the store does not have the method: nothing to check")
			return true
		}
		m := newMoment(t, nth, wait, d.rival)
		before := strangers.Load()
		err := patiently(context.WithValue(t.Context(), momentKey{}, m), d.call.do)
		if !m.came() {
			d.expectAlone(t, c.promise, err)
			if err == nil && nth == 0 {
				unwired(t, d.call.what, strangers.Load() > before)
				return false
			}
			return true
		}
		late, rivalErr := m.result()
		if late {
			t.Errorf("%s, which came before statement %d of %s, had not come to its end after %v: "+
				"call between while the store holds no lock and no connection, and open more than one connection; "+
				"a lock that is held here would not keep other processes out anyway", d.rival.what, nth+1, d.call.what, wait)
			return false
		}
		d.judge(t, c.promise, fmt.Sprintf("%s came before statement %d of %s", d.rival.what, nth+1, d.call.what), err, rivalErr)
	}
	return true
}

func unwired(t *testing.T, what string, strangers bool) {
	t.Helper()
	if strangers {
		t.Errorf("%s called between with a context that is not made from the one that it was given: pass that one on", what)
	} else {
		t.Errorf("%s wrote and never called between: have the store call the between that it is built with before every statement that writes", what)
	}
}

// expectAlone checks what a call returned that nobody disturbed.
func (d duel) expectAlone(t *testing.T, p promise, err error) {
	t.Helper()
	if d.refused {
		expectConflict(t, p, d.call.what+" alone", err)
	} else {
		expectNil(t, p, d.call.what+" alone", err)
	}
}

// judge checks who won, and what is stored.
func (d duel) judge(t *testing.T, p promise, seen string, err, rivalErr error) {
	t.Helper()
	seen += fmt.Sprintf(", and they returned: %s %v, %s %v", d.rival.what, rivalErr, d.call.what, err)
	var left func(t *testing.T, p promise)
	switch won, rivalWon := err == nil, rivalErr == nil; {
	case won && rivalWon:
		left = d.both
	case won:
		left = d.call.left
	case rivalWon:
		left = d.rival.left
	}
	answer := func(err error) bool { return err == nil || errors.Is(err, mfa.ErrConflict) }
	if left == nil || !answer(err) || !answer(rivalErr) {
		p.brokenf(t, "%s", seen)
		return
	}
	left(t, p)
	if t.Failed() {
		t.Log(seen)
	}
}

// moment is when the rival comes: before one statement of a call. It travels
// in the context of the call.
type moment struct {
	ctx   context.Context // of the rival: without the moment
	wait  time.Duration
	rival func(ctx context.Context) error
	ahead atomic.Int32 // how many statements go before; negative once the rival has come
	done  chan struct{}
	err   error // of the rival, once it is done
	late  atomic.Bool
}

type momentKey struct{}

func newMoment(t *testing.T, nth int, wait time.Duration, rival move) *moment {
	t.Helper()
	m := &moment{ctx: t.Context(), wait: wait, rival: rival.do, done: make(chan struct{})}
	m.ahead.Store(int32(nth))
	return m
}

// pass lets the rival run to its end if this is the moment.
func (m *moment) pass() {
	if m.ahead.Add(-1) != -1 {
		return
	}
	ctx, cancel := context.WithTimeout(m.ctx, m.wait)
	defer cancel()
	go func() {
		defer close(m.done)
		m.err = patiently(ctx, m.rival)
	}()
	select {
	case <-m.done:
	case <-ctx.Done():
	}
	m.late.Store(ctx.Err() != nil)
}

func (m *moment) came() bool { return m.ahead.Load() < 0 }

// result waits for the rival, which nothing holds up any more. It says whether
// something did, and what the rival returned.
func (m *moment) result() (late bool, err error) {
	<-m.done
	return m.late.Load(), m.err
}
