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
	Timeout time.Duration // of each, 10 s by default, so that the first leaves time for the next
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
		if s == nil {
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
// ErrPermanent only if every one does, and is a [*LaterError] for the soonest
// time that one of them has named.
func (f *Fallback) Send(ctx context.Context, m Message) error {
	var (
		failed    []error
		permanent = true
		soonest   *LaterError
	)
	for _, s := range f.cfg.Senders {
		err := f.try(ctx, s, m)
		if err == nil {
			return nil
		}
		if later, ok := errors.AsType[*LaterError](err); ok && (soonest == nil || later.After < soonest.After) {
			soonest = later
		}
		permanent = permanent && errors.Is(err, ErrPermanent)
		failed = append(failed, err)
		if ctx.Err() != nil {
			permanent = false
			break
		}
	}
	err := errors.Join(failed...)
	switch {
	case permanent:
		return err
	case soonest != nil:
		return &LaterError{After: soonest.After, Err: temporary(err)}
	default:
		return temporary(err)
	}
}

func (f *Fallback) try(ctx context.Context, s Sender, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Timeout)
	defer cancel()
	return s.Send(ctx, m)
}

// temporary keeps what senders have said and not that one of them will never
// deliver.
func temporary(err error) error {
	return errors.New("otpdelivery: no sender has taken the message over: " + err.Error())
}
