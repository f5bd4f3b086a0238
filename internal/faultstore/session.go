package faultstore

import (
	"net/http"

	"github.com/go-mfa/mfa"
)

// Session is an mfa.Session whose calls fail as its Faults say.
type Session struct {
	Faults
	Inner mfa.Session // calls to it are not counted and do not fail
}

// NewSession wraps a session.
func NewSession(inner mfa.Session) *Session { return &Session{Inner: inner} }

// Load implements mfa.Session.
func (s *Session) Load(r *http.Request) (out mfa.State, err error) {
	err = s.run(r.Context(), Call{Op: "Load"}, func() (err error) {
		out, err = s.Inner.Load(r)
		return err
	})
	if err != nil {
		return mfa.State{}, err
	}
	return out, nil
}

// Save implements mfa.Session.
func (s *Session) Save(w http.ResponseWriter, r *http.Request, state mfa.State) error {
	return s.run(r.Context(), Call{Op: "Save", Args: state}, func() error { return s.Inner.Save(w, r, state) })
}
