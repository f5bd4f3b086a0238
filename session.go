package mfa

import (
	"net/http"

	"github.com/go-mfa/mfa/factor"
)

// Session is the app's own session, as far as the library needs it: one value,
// loaded and saved whole. Take an adapter of package session, or write one and
// run sessiontest.Run on it. It must be safe for concurrent use.
type Session interface {
	// Load returns the state of the request's session. If there is none, or
	// if the app's own idea of who is signed in is not State.UserID (somebody
	// else, or nobody while the state is not Pending), it returns an error
	// wrapping ErrNoSession. Every other error is a fault.
	Load(r *http.Request) (State, error)
	// Save replaces the state and MUST renew the session's identifier, so
	// that the one before is worth nothing afterwards. While s.Pending is
	// set, the user's id must not be where the app looks for it. The zero
	// State clears everything. After an error nothing may have been elevated.
	Save(w http.ResponseWriter, r *http.Request, s State) error
}

// Names of package factor, for those who only use the Manager.
type (
	Factor     = factor.Factor
	Credential = factor.Credential
	User       = factor.User
	Evidence   = factor.Evidence
)

// EmailChannel names the channel of an e-mail address. See Evidence.Channel.
func EmailChannel(address string) string { return factor.EmailChannel(address) }

// PhoneChannel names the channel of a phone number in E.164 form. See
// Evidence.Channel.
func PhoneChannel(number string) string { return factor.PhoneChannel(number) }
