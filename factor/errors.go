package factor

import (
	"errors"
	"fmt"
)

var (
	// ErrRejected is the one error for an answer that is wrong, expired,
	// spent or malformed. Clients learn no more than that; the text of an
	// error that wraps it goes to events only.
	ErrRejected = errors.New("mfa: rejected")
	// ErrReplayed wraps ErrRejected: the answer was right once and is spent.
	// It costs no attempt.
	ErrReplayed = fmt.Errorf("%w: replayed", ErrRejected)
	// ErrWaiting means that the answer has not been given yet, as with a
	// push to another device. It costs nothing and the ceremony lives on.
	ErrWaiting = errors.New("mfa: waiting for the answer")
	// ErrUnusable is what Begin returns where the user has nothing that the
	// method could be used with: no address to send to, or not the one that
	// the parameters name. It is no fault, and costs nothing.
	ErrUnusable = errors.New("mfa: nothing to use this method with")
	// ErrInvalid is what Begin returns for parameters that cannot be: an
	// address that is none. It says nothing about the user.
	ErrInvalid = errors.New("mfa: invalid")
)

// Reject returns an error that wraps [ErrRejected] with a reason for events.
// The reason must not contain anything the client sent, nor any secret.
func Reject(reason string) error {
	return fmt.Errorf("%w: %s", ErrRejected, reason)
}
