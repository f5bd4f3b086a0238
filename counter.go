package mfa

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/go-mfa/mfa/internal/wire"
)

const (
	// leaseLife is how long an attempt may be judged: the life of a
	// ceremony's call. A lease that was never settled counts as wrong.
	leaseLife = 10 * time.Second
	// settleTime is how long settling may take, whatever became of the
	// request.
	settleTime = 5 * time.Second
	firstDelay = 30 * time.Second
	maxDelay   = time.Hour
	maxSwaps   = 16
	// firstLife is how long guesses at first factors are remembered after the
	// last. Anybody can make them, at names that nobody has, too, so there has
	// to be an end; a day of silence costs more guesses than it gives.
	firstLife = maxDelay + 24*time.Hour
)

// counter is one user's budget of attempts: how many were wrong in a row, when
// the next one may be made, and which are being judged. It is reserved before
// an answer is judged, so that any number of parallel guesses gets no more
// than the budget.
type counter struct {
	failures int
	until    time.Time
	open     []lease
}

type lease struct {
	id   uint64
	ends time.Time
}

const counterVersion = 1

func (c *counter) empty() bool { return c.failures == 0 && c.until.IsZero() && len(c.open) == 0 }

func (c *counter) encode() []byte {
	b := wire.AppendUint([]byte{counterVersion}, uint64(max(0, c.failures)))
	b = wire.AppendTime(b, c.until)
	b = wire.AppendUint(b, uint64(len(c.open)))
	for _, l := range c.open {
		b = wire.AppendUint(b, l.id)
		b = wire.AppendTime(b, l.ends)
	}
	return b
}

func decodeCounter(b []byte) (counter, error) {
	r := wire.NewReader(b)
	if r.Byte() != counterVersion {
		return counter{}, errors.New("mfa: unknown version of a counter")
	}
	n := r.Uint()
	if n > 1<<30 {
		r.Fail()
	}
	c := counter{failures: int(n), until: r.Time()}
	for range r.Len() {
		c.open = append(c.open, lease{id: r.Uint(), ends: r.Time()})
	}
	return c, r.Done()
}

// repair settles leases that ended, or that a clock set back would keep open
// for ever, as wrong, and brings a delay into its bounds. It reports whether
// anything changed. The clocks of several servers may differ by skew.
func (c *counter) repair(now time.Time, attempts int) bool {
	changed := false
	c.open = slices.DeleteFunc(c.open, func(l lease) bool {
		if l.ends.After(now) && !l.ends.After(now.Add(leaseLife+skew)) {
			return false
		}
		changed = true
		c.fail(now, attempts)
		return true
	})
	if c.until.After(now.Add(maxDelay)) {
		c.until = now.Add(c.delay(attempts))
		changed = true
	}
	return changed
}

func (c *counter) fail(now time.Time, attempts int) {
	c.failures++
	if c.failures >= attempts {
		c.until = now.Add(c.delay(attempts))
	}
}

func (c *counter) delay(attempts int) time.Duration {
	return min(firstDelay<<min(max(0, c.failures-attempts), 7), maxDelay)
}

// admit returns nil if one more attempt may be judged now.
func (c *counter) admit(now time.Time, limits Limits) error {
	switch {
	case c.failures >= limits.Closed:
		return &ThrottledError{RetryAfter: maxDelay, spent: true}
	case c.failures+len(c.open) < limits.Attempts:
		return nil
	case now.Before(c.until):
		return &ThrottledError{RetryAfter: c.until.Sub(now), spent: true}
	case len(c.open) > 0:
		return &ThrottledError{RetryAfter: time.Second}
	default:
		return nil
	}
}

// verdict is how an attempt ended.
type verdict int

const (
	neutral verdict = iota // not judged, or right and already spent: costs nothing
	wrong
	right
)

// attempt is a reserved attempt of a counter.
type attempt struct {
	m      *Manager
	id     uint64
	rec    Record
	c      counter
	limits Limits
}

// reserveAttempt takes one attempt of the counter with this key, or returns a
// *ThrottledError. It must be settled.
func (m *Manager) reserveAttempt(ctx context.Context, key string, limits Limits) (*attempt, error) {
	a := &attempt{m: m, id: newLeaseID(), rec: Record{Key: key}, limits: limits}
	now := m.now()
	a.c.open = []lease{{id: a.id, ends: now.Add(leaseLife)}}
	err := a.put(ctx, 0)
	if !errors.Is(err, ErrConflict) {
		return a, err
	}
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return nil, err
		}
		prev, err := a.read(ctx)
		if err != nil {
			return nil, err
		}
		now = m.now()
		repaired := a.c.repair(now, limits.Attempts)
		refusal := a.c.admit(now, limits)
		if refusal == nil {
			a.c.open = append(a.c.open, lease{id: a.id, ends: now.Add(leaseLife)})
		} else if !repaired {
			return nil, refusal
		}
		switch err = a.put(ctx, prev); {
		case errors.Is(err, ErrConflict):
			continue
		case err != nil:
			return nil, err
		default:
			return a, refusal
		}
	}
	return nil, &ThrottledError{RetryAfter: time.Second}
}

// settle closes the lease with a verdict. It does so even if the request is
// gone. If it fails, the lease is settled as wrong when it ends. It returns how
// many attempts in a row were wrong: with this one if it was wrong, before it if
// it was right.
func (a *attempt) settle(ctx context.Context, v verdict) (failures int, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	prev := a.rec.Version
	for i := 0; ; i++ {
		held := slices.ContainsFunc(a.c.open, func(l lease) bool { return l.id == a.id })
		a.c.open = slices.DeleteFunc(a.c.open, func(l lease) bool { return l.id == a.id })
		failures = a.c.failures
		switch {
		case v == right:
			a.c.failures, a.c.until = 0, time.Time{}
		case !held:
			return failures, nil // was settled as wrong, or the budget was reset
		case v == wrong:
			a.c.fail(a.m.now(), a.limits.Attempts)
			failures++
		}
		err := a.put(ctx, prev)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrBusy) {
			return failures, err
		}
		if prev, err = a.readAgain(ctx, i); err != nil {
			return 0, err
		}
	}
}

// readAgain reads after a pause, and again while the store is busy: what has to
// be settled would otherwise count as wrong.
func (a *attempt) readAgain(ctx context.Context, i int) (prev int64, err error) {
	for ; ; i++ {
		if err := pause(ctx, min(i+1, maxSwaps)); err != nil {
			return 0, err
		}
		if prev, err = a.read(ctx); !errors.Is(err, ErrBusy) {
			return prev, err
		}
	}
}

// read loads the counter and returns its version, 0 if there is none.
func (a *attempt) read(ctx context.Context) (prev int64, err error) {
	rec, err := a.m.cfg.Store.Record(ctx, a.rec.Key)
	if errors.Is(err, ErrNotFound) {
		a.c = counter{}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("mfa: reading a counter: %w", fault(err))
	}
	a.c, err = decodeCounter(rec.Data)
	if !rec.ExpiresAt.IsZero() && !a.m.now().Before(rec.ExpiresAt) {
		a.c = counter{}
	}
	return rec.Version, err
}

// put writes the counter, or deletes it when it holds nothing.
func (a *attempt) put(ctx context.Context, prev int64) error {
	var err error
	switch {
	case !a.c.empty():
		a.rec.Data, a.rec.Version = a.c.encode(), newVersion()
		if strings.HasPrefix(a.rec.Key, budgetFirst) {
			a.rec.ExpiresAt = a.m.now().Add(firstLife)
		}
		err = a.m.cfg.Store.PutRecord(ctx, a.rec, prev)
	case prev != 0:
		err = a.m.cfg.Store.DeleteRecord(ctx, a.rec.Key, prev)
	}
	if err == nil || errors.Is(err, ErrConflict) {
		return err
	}
	return fmt.Errorf("mfa: writing a counter: %w", fault(err))
}

// resetAttempts sets the failures of a counter to zero. Attempts that are
// being judged stay reserved. A busy store is asked again, because the answer
// that resets is spent.
func (m *Manager) resetAttempts(ctx context.Context, key string) error {
	a := &attempt{m: m, rec: Record{Key: key}}
	var err error
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		err = a.reset(ctx)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrBusy) {
			return err
		}
	}
	if errors.Is(err, ErrBusy) {
		return err
	}
	return &ThrottledError{RetryAfter: time.Second}
}

func (a *attempt) reset(ctx context.Context) error {
	prev, err := a.read(ctx)
	if err != nil || a.c.failures == 0 && a.c.until.IsZero() {
		return err
	}
	a.c.failures, a.c.until = 0, time.Time{}
	return a.put(ctx, prev)
}

func newLeaseID() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.LittleEndian.Uint64(b[:])
}

// pause waits a random while before try i of a swap, longer with each try; not
// at all before the first.
func pause(ctx context.Context, i int) error {
	if i == 0 {
		return ctx.Err()
	}
	longest := time.Millisecond << min(i, 6)
	timer := time.NewTimer(mathrand.N(longest))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
