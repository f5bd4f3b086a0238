package mfa

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// Budgets, none of which shares with another.
const (
	budgetFirst  = KeepPrefix + "first"  // guessable first factors, per user, whom anybody may name: it never closes for good
	budgetSecond = KeepPrefix + "second" // guessable second factors and their enrolment, per user
	budgetLookup = KeepPrefix + "lookup" // recovery codes, per user: a window, open while the other is closed
	budgetSend   = KeepPrefix + "send"   // what a factor charges
	budgetClient = KeepPrefix + "client" // beginnings of sign-ins, per client address: a window
)

const (
	lookupWindow = time.Hour
	clientWindow = time.Hour
)

// budget is what one answer has reserved, if its method needs it.
type budget struct {
	m       *Manager
	userID  string
	attempt *attempt
	unit    *unit
	resets  bool // a right answer sets the attempts of the user to zero
}

// reserve takes what judging one answer costs, before it is judged.
func (m *Manager) reserve(ctx context.Context, userID string, info factor.Info, purpose factor.Purpose) (*budget, error) {
	b := &budget{m: m, userID: userID, resets: purpose == factor.PurposeVerify && (info.Recovery || !info.Guessable)}
	var err error
	switch {
	case !info.Guessable:
	case purpose == factor.PurposeSignIn:
		limits := m.cfg.Limits
		limits.Closed = math.MaxInt
		b.attempt, err = m.reserveAttempt(ctx, recordKey(budgetFirst, userID), limits)
	case !info.Recovery:
		b.attempt, err = m.reserveAttempt(ctx, recordKey(budgetSecond, userID), m.cfg.Limits)
	case purpose == factor.PurposeVerify:
		b.unit, err = m.reserveUnit(ctx, recordKey(budgetLookup, userID), m.cfg.Limits.Lookups, lookupWindow)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// settle closes what was reserved by how judging ended: nil is right,
// ErrRejected is wrong, everything else costs nothing. It returns the error
// of the judgement, or its own.
func (b *budget) settle(ctx context.Context, ev Event, judgement error) error {
	v := neutral
	switch {
	case judgement == nil:
		v = right
	case errors.Is(judgement, ErrRejected) && !errors.Is(judgement, ErrReplayed):
		v = wrong
	}
	if err := b.close(ctx, ev, v); err != nil {
		return errors.Join(fault(err), hidden(judgement))
	}
	return judgement
}

// hidden keeps the text of a judgement and not its identity: a fault while
// settling must not be read as a verdict.
func hidden(judgement error) error {
	if judgement == nil {
		return nil
	}
	return fault(judgement)
}

func (b *budget) close(ctx context.Context, ev Event, v verdict) error {
	if b.attempt != nil {
		failures, err := b.attempt.settle(ctx, v)
		if err != nil {
			return err
		}
		if failures >= b.m.cfg.Limits.Attempts {
			b.tell(ctx, ev, v, failures)
		}
	}
	if b.unit != nil && v != wrong {
		if err := b.unit.giveBack(ctx); err != nil {
			return err
		}
	}
	if b.resets && v == right {
		return b.m.resetAttempts(ctx, recordKey(budgetSecond, b.userID))
	}
	return nil
}

// tell emits what a user should hear of guesses that have begun a delay.
func (b *budget) tell(ctx context.Context, ev Event, v verdict, failures int) {
	ev.Reason = fmt.Sprintf("%d wrong answers in a row", failures)
	switch v {
	case wrong:
		ev.Kind, ev.Outcome = EventLocked, OutcomeThrottled
	case right:
		ev.Kind = EventSuspicious
	case neutral:
		return
	}
	b.m.emit(ctx, ev)
}

// charge reserves what a step charges before it is delivered: all of it or
// nothing.
func (m *Manager) charge(ctx context.Context, charges []factor.Charge) error {
	reserved := make([]*unit, 0, len(charges))
	for _, c := range charges {
		u, err := m.reserveUnit(ctx, recordKey(budgetSend, c.Key), c.N, c.Per)
		if err == nil {
			reserved = append(reserved, u)
			continue
		}
		for _, u := range reserved {
			if back := u.giveBack(ctx); back != nil {
				return errors.Join(back, hidden(err))
			}
		}
		return err
	}
	return nil
}
