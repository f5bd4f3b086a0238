package otpdelivery

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// FallbackConfig is what a Fallback is made of. Senders is required.
type FallbackConfig struct {
	Senders []Sender      // in the order in which they are tried, two at least
	Timeout time.Duration // of each at most, 10 s by default; they share a deadline that comes before
}

// Fallback is a Sender that tries several until one takes the message over.
// One that failed may have sent it nevertheless: it can arrive twice.
type Fallback struct{ cfg FallbackConfig }

// NewFallback makes a Fallback. It refuses a FallbackConfig that is wrong with
// one sentence that says how to mend it.
func NewFallback(cfg FallbackConfig) (*Fallback, error) {
	if len(cfg.Senders) < 2 {
		return nil, errors.New("otpdelivery: FallbackConfig.Senders has fewer than two: give the one to try first and those to try after it")
	}
	for i, s := range cfg.Senders {
		if missing(s) {
			return nil, fmt.Errorf("otpdelivery: FallbackConfig.Senders[%d] is nil: check the error of its constructor", i)
		}
	}
	if cfg.Timeout < 0 {
		return nil, errors.New("otpdelivery: FallbackConfig.Timeout is negative: leave it zero for the default of 10 s")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	cfg.Senders = append([]Sender(nil), cfg.Senders...)
	return &Fallback{cfg: cfg}, nil
}

// Send implements [Sender]. Its error is what all have said; it wraps
// ErrPermanent only if every one does. It is a [*LaterError], for the soonest
// time that one of them has named, if no other may take the message before.
func (f *Fallback) Send(ctx context.Context, m Message) error {
	var (
		failed  []error
		soonest *LaterError
		soon    bool // trying again may help at any moment
	)
	for i, s := range f.cfg.Senders {
		err := f.try(ctx, s, m, len(f.cfg.Senders)-i)
		if err == nil {
			return nil
		}
		failed = append(failed, err)
		later, isLater := errors.AsType[*LaterError](err)
		switch {
		case isLater && (soonest == nil || later.After < soonest.After):
			soonest = later
		case !isLater && !errors.Is(err, ErrPermanent):
			soon = true
		}
		if ctx.Err() != nil {
			soon = true
			break
		}
	}
	err := errors.Join(failed...)
	switch {
	case soon:
		return temporary(err)
	case soonest != nil:
		return &LaterError{After: soonest.After, Err: temporary(err)}
	default:
		return err
	}
}

// try gives a sender its share of the time, of which left senders have to do.
func (f *Fallback) try(ctx context.Context, s Sender, m Message, left int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	timeout := f.cfg.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)/time.Duration(left))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.Send(ctx, m)
}

// temporary keeps what senders have said and not that one of them will never
// deliver.
func temporary(err error) error {
	return errors.New("otpdelivery: no sender has taken the message over: " + err.Error())
}
