package mfa

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// The user's mistakes. See package factor for what they promise.
var (
	ErrRejected = factor.ErrRejected
	ErrReplayed = factor.ErrReplayed
	ErrWaiting  = factor.ErrWaiting
)

// Policy: what stands between the caller and what it asked for.
var (
	// ErrNoSession means that nobody is signed in on this session.
	ErrNoSession = errors.New("mfa: no session")
	// ErrNotEnrolled means that the user has no credential of the method
	// that could be used now.
	ErrNotEnrolled = errors.New("mfa: not enrolled")
	// ErrAlreadySatisfied means that the session has the level already.
	// Verifying again needs VerifyOptions.Refresh.
	ErrAlreadySatisfied = errors.New("mfa: already satisfied: set Refresh to verify again")
)

// ErrInvalid means that a request cannot be: a name that is too long, a method
// that is answered in another way. It says nothing about the user.
var ErrInvalid = factor.ErrInvalid

// The contract with a Store.
var (
	// ErrNotFound means that what was asked for does not exist, or belongs to
	// somebody else.
	ErrNotFound = errors.New("mfa: not found")
	// ErrConflict means that a conditional write met something else than it
	// was conditioned on, or that a request contradicts what is stored.
	ErrConflict = errors.New("mfa: conflict")
	// ErrBusy means that the store could not decide: the database was locked,
	// or gave up a deadlock or a serialization. This call of the store has written
	// nothing, and may succeed later. A Store wraps it only where both are
	// certain, after trying again itself for a while. To clients it is 503
	// with Retry-After, never a wrong answer.
	ErrBusy = errors.New("mfa: busy: try again")
)

// ThrottledError means that no answer is judged for the time being, right or
// wrong.
type ThrottledError struct {
	RetryAfter time.Duration // rounded up to seconds where it is shown

	spent bool // a budget is used up, and not only in use at the moment
}

// spent reports whether a budget is used up.
func spent(err error) bool {
	throttled, ok := errors.AsType[*ThrottledError](err)
	return ok && throttled.spent
}

// Error implements error.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("mfa: throttled: try again in %s", e.RetryAfter)
}

// Missing says why a requirement is not met.
type Missing string

// What may be missing.
const (
	MissingFirstFactor  Missing = "first_factor"  // a fresh first factor would do
	MissingSecondFactor Missing = "second_factor" // an enrolled second factor must be used
	MissingEnrollment   Missing = "enrollment"    // nothing the user has enrolled would do
	MissingRecent       Missing = "recent"        // the proof is there, and too old
)

// StepUpError means that a session does not meet a requirement.
type StepUpError struct {
	Have    AAL           // what the session has, live; never HighestAvailable
	Want    AAL           // the level to reach, as what is missing gives it; never HighestAvailable
	Missing Missing       // why Have does not do
	Methods []string      // methods that the user can use now and that would do, strongest first, verified contacts after what is enrolled, recovery last; a hint, the gate judges again
	Enroll  []string      // with MissingEnrollment: methods that would do once enrolled, if not every one would
	MaxAge  time.Duration // how old the proof may be; zero means any age
}

// Error implements error.
func (e *StepUpError) Error() string {
	return fmt.Sprintf("mfa: step-up required: have %s, want %s, missing %s", e.Have, e.Want, e.Missing)
}
