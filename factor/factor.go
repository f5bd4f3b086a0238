package factor

import (
	"context"
	"time"
)

// Factor is one way to authenticate: it builds what the client is asked and
// judges what the client answers. A Factor is stateless. It never stores
// anything; the Manager stores what it returns. All methods must be safe for
// concurrent use.
//
// Errors: an answer that is wrong, expired, spent or malformed is an error
// wrapping [ErrRejected] (see [Reject]); one that was right once and is spent
// is an error wrapping [ErrReplayed]; one that has not been given yet, with
// the client still waiting, is [ErrWaiting]. Begin returns an error wrapping
// [ErrUnusable] where there is nothing to begin with, and one wrapping
// [ErrInvalid] for parameters that cannot be. Every other error is a fault: the
// Manager refuses, and the user is told to try again later.
//
// The conformance suite factortest.Run checks a Factor against this contract.
type Factor interface {
	// Info describes the factor. It is read once, when the Manager is made.
	Info() Info
	// Describe returns details of a credential that its owner may see. It
	// never returns a secret. The keys become JSON names.
	Describe(c Credential) map[string]any
	// BeginEnroll starts the enrolment of a new credential, or the
	// replacement of the one the user has, where a factor allows only one.
	BeginEnroll(ctx context.Context, r Request) (Step, error)
	// FinishEnroll judges the answer to an enrolment. state is Step.State as
	// BeginEnroll returned it.
	FinishEnroll(ctx context.Context, r Request, state, response []byte) (Enrolled, error)
	// BeginVerify starts a verification of one of r.Credentials.
	BeginVerify(ctx context.Context, r Request) (Step, error)
	// FinishVerify judges an answer. state is nil when a promptless factor is
	// answered at once. On success the returned credential, if it has an ID,
	// is one of r.Credentials, as it must be stored from now on. A promptless
	// factor changes it so that the same answer is never judged right again;
	// otherwise the end of the ceremony sees to that.
	FinishVerify(ctx context.Context, r Request, state, response []byte) (Result, error)
}

// Info describes a factor.
type Info struct {
	Method   string   // the AMR name, unique in a Manager: "totp", "webauthn"
	Category Category // what a use of the factor proves

	FirstFactor bool // can be used as a first factor too
	Recovery    bool // stands in for a lost factor: never the only one, never makes a second factor available
	Promptless  bool // has an empty challenge: may be answered without a ceremony
	Guessable   bool // answers are short enough to guess: attempts are limited per user
	Restricted  bool // can be intercepted, as SMS can (NIST SP 800-63B-4, section 3.2.9): asked for after others, never offered alone
}

// Purpose says what a request is for.
type Purpose string

// The purposes of a ceremony.
const (
	PurposeEnroll Purpose = "enroll"
	PurposeVerify Purpose = "verify"
	PurposeSignIn Purpose = "sign_in"
)

// Request is what a factor is asked with.
type Request struct {
	User        User
	Credentials []Credential      // the user's credentials of this method that may be used, Data opened
	Params      map[string]string // parameters of the client, for this method; never trusted
	Purpose     Purpose
	Ceremony    string    // the ceremony's id; empty when a promptless factor is answered at once
	Now         time.Time // UTC, from the Manager's clock
	Expires     time.Time // of the ceremony, where it is begun again or judged; zero where it is begun

	// Decoy is set when someone signs in by a name that nobody has, or whose user
	// has nothing to sign in with by this method: 32 bytes, stable per name or
	// user. The factor builds a Step like a real one from it, and Deliver sends
	// nothing.
	Decoy []byte
}

// Step is the beginning of a ceremony.
type Step struct {
	Prompt any           // encoded as JSON for the client; nil for none
	State  []byte        // kept on the server, sealed, until Finish
	TTL    time.Duration // how long the ceremony lives; zero means the Manager's default
	Tries  int           // how many answers may be wrong before the ceremony ends, the last included; zero means 1

	// Charges are budgets that the Manager reserves before Deliver is called.
	Charges []Charge
	// Deliver, if not nil, is called once the ceremony is stored. Its error
	// is a fault.
	Deliver func(context.Context) error
}

// Charge takes one unit of a budget of N units per window of length Per. Key
// names the budget; it is hashed before it reaches the store.
//
// Whoever signs in is not told that a budget is used up, because that would say
// something about somebody: nothing is delivered. Only the budget of their own
// ceremony is told.
type Charge struct {
	Key      string
	N        int
	Per      time.Duration
	Ceremony bool // of this ceremony alone
}

// Enrolled is the outcome of a successful enrolment.
type Enrolled struct {
	// Credential to store. With an empty ID a new one is created; otherwise
	// the ID is that of one of Request.Credentials and that one is replaced.
	// The factor sets Key (optional) and Data, nothing else.
	Credential Credential
	// Evidence of what the enrolment itself proved; nil where enrolling
	// proves nothing.
	Evidence *Evidence
}

// Result is the outcome of a successful verification.
type Result struct {
	Credential Credential // as it must be stored from now on; an empty ID means that none was used
	Evidence   Evidence
	Note       string // for events only; never shown to the client
}
