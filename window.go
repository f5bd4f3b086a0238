package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-mfa/mfa/internal/wire"
)

// window is a budget of n units per span of time that begins with its first
// use.
type window struct {
	n    uint64
	from time.Time
}

const windowVersion = 1

func (w window) encode() []byte {
	return wire.AppendTime(wire.AppendUint([]byte{windowVersion}, w.n), w.from)
}

func decodeWindow(b []byte) (window, error) {
	r := wire.NewReader(b)
	if r.Byte() != windowVersion {
		return window{}, errors.New("mfa: unknown version of a window")
	}
	w := window{n: r.Uint(), from: r.Time()}
	return w, r.Done()
}

// unit is one reserved unit of a window.
type unit struct {
	m   *Manager
	rec Record
	w   window
	per time.Duration
}

// reserveUnit takes one of n units of the window with this key, or returns a
// *ThrottledError. The unit stays taken unless it is given back.
func (m *Manager) reserveUnit(ctx context.Context, key string, n int, per time.Duration) (*unit, error) {
	u := &unit{m: m, rec: Record{Key: key}, per: per}
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return nil, err
		}
		prev, err := u.read(ctx)
		if err != nil {
			return nil, err
		}
		now := m.now().Truncate(time.Millisecond) // as it is stored
		// A clock that was set back gives nothing back: the window begins anew
		// with all that is taken, so that it ends.
		setBack := prev != 0 && now.Before(u.w.from.Add(-skew))
		switch {
		case prev == 0 || !now.Before(u.w.from.Add(per)):
			u.w = window{from: now}
		case setBack:
			u.w.from = now
		}
		var refusal error
		if u.w.n < uint64(max(0, n)) {
			u.w.n++
		} else {
			refusal = &ThrottledError{RetryAfter: u.w.from.Add(per).Sub(now), spent: true}
		}
		if refusal != nil && !setBack {
			return nil, refusal
		}
		switch err := u.put(ctx, prev); {
		case errors.Is(err, ErrConflict):
			continue
		case err != nil:
			return nil, err
		default:
			return u, refusal
		}
	}
	return nil, &ThrottledError{RetryAfter: time.Second}
}

// giveBack returns the unit, unless its window is over.
func (u *unit) giveBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	prev, from := u.rec.Version, u.w.from
	for i := 0; ; i++ {
		if !u.w.from.Equal(from) || u.w.n == 0 {
			return nil
		}
		u.w.n--
		err := u.put(ctx, prev)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrBusy) {
			return err
		}
		if prev, err = u.readAgain(ctx, i); err != nil || prev == 0 {
			return err
		}
	}
}

// readAgain reads after a pause, and again while the store is busy.
func (u *unit) readAgain(ctx context.Context, i int) (prev int64, err error) {
	for ; ; i++ {
		if err := pause(ctx, min(i+1, maxSwaps)); err != nil {
			return 0, err
		}
		if prev, err = u.read(ctx); !errors.Is(err, ErrBusy) {
			return prev, err
		}
	}
}

func (u *unit) read(ctx context.Context) (prev int64, err error) {
	rec, err := u.m.cfg.Store.Record(ctx, u.rec.Key)
	if errors.Is(err, ErrNotFound) {
		u.w = window{}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("mfa: reading a window: %w", fault(err))
	}
	u.w, err = decodeWindow(rec.Data)
	return rec.Version, err
}

func (u *unit) put(ctx context.Context, prev int64) error {
	var err error
	if u.w.n == 0 {
		err = u.m.cfg.Store.DeleteRecord(ctx, u.rec.Key, prev)
	} else {
		u.rec.Data, u.rec.Version, u.rec.ExpiresAt = u.w.encode(), newVersion(), u.w.from.Add(u.per)
		err = u.m.cfg.Store.PutRecord(ctx, u.rec, prev)
	}
	if err == nil || errors.Is(err, ErrConflict) {
		return err
	}
	return fmt.Errorf("mfa: writing a window: %w", fault(err))
}
