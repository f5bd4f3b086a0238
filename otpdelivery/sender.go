package otpdelivery

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sender hands a message to whoever delivers it. Send must be safe for
// concurrent use, must end when ctx is done, and must have a timeout of its
// own, because whoever asked for a code waits for it (see [Queue] for how not
// to). It must not keep or log what the message says.
//
// A nil error means that the message was taken over, not that it arrived. An
// error wraps [ErrPermanent] where trying again cannot help, and is a
// [*LaterError] where the provider says when to; after any other one the
// message may be sent again, and so may arrive twice. Errors carry neither the
// addressee nor the text.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// SenderFunc is a function that is a Sender.
type SenderFunc func(ctx context.Context, m Message) error

// Send implements [Sender].
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// missing reports whether there is no sender, or one that would panic.
func missing(s Sender) bool {
	switch s := s.(type) {
	case nil:
		return true
	case SenderFunc:
		return s == nil
	case *Queue:
		return s == nil
	case *Fallback:
		return s == nil
	default:
		return false
	}
}

// panicked is the error of a Sender that panicked. It says nothing of the value,
// which may have anything in it.
func panicked(value any) error {
	return fmt.Errorf("%w: the sender panicked with a %T", ErrPermanent, value)
}

// ErrPermanent means that a message cannot be delivered, however often it is
// tried: the address does not exist, the number cannot receive text, the
// credentials of the provider are wrong.
var ErrPermanent = errors.New("otpdelivery: the message cannot be delivered")

// LaterError means that a provider took nothing over and says when to try
// again.
type LaterError struct {
	After time.Duration // from now; zero if it does not say
	Err   error         // what it said
}

// Error implements error.
func (e *LaterError) Error() string { return fmt.Sprintf("try again in %v: %v", e.After, e.Err) }

// Unwrap returns what the provider said.
func (e *LaterError) Unwrap() error { return e.Err }
