package mfatest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-mfa/mfa"
)

// SessionCookie is the name of the cookie of a [Session].
const SessionCookie = "session"

// Session is an mfa.Session that keeps states in memory, named by a cookie
// that every Save renews. It is safe for concurrent use. It has no expiry, and
// its cookie is not marked Secure: it is for tests only.
type Session struct {
	mu     sync.Mutex
	states map[string][]byte
}

var _ mfa.Session = (*Session)(nil)

// NewSession returns a Session without anybody signed in.
func NewSession() *Session { return &Session{states: map[string][]byte{}} }

// Load implements mfa.Session.
func (s *Session) Load(r *http.Request) (mfa.State, error) {
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		return mfa.State{}, mfa.ErrNoSession
	}
	s.mu.Lock()
	data := s.states[c.Value]
	s.mu.Unlock()
	var state mfa.State
	if err := state.UnmarshalBinary(data); err != nil || state.UserID == "" {
		return mfa.State{}, mfa.ErrNoSession
	}
	return state, nil
}

// Save implements mfa.Session. The cookie that the request has, and one that
// an earlier Save has set on the same response, are worth nothing afterwards.
func (s *Session) Save(w http.ResponseWriter, r *http.Request, state mfa.State) error {
	c, err := s.Cookie(state)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, err := r.Cookie(SessionCookie); err == nil {
		delete(s.states, old.Value)
	}
	set := w.Header()["Set-Cookie"]
	w.Header().Del("Set-Cookie")
	for _, line := range set {
		if old, err := http.ParseSetCookie(line); err == nil && old.Name == SessionCookie {
			delete(s.states, old.Value)
			continue
		}
		w.Header().Add("Set-Cookie", line)
	}
	http.SetCookie(w, c)
	return nil
}

// Cookie begins a session with this state and returns its cookie; for the zero
// State, one that deletes the cookie.
func (s *Session) Cookie(state mfa.State) (*http.Cookie, error) {
	data, err := state.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("mfatest: %w", err)
	}
	c := &http.Cookie{Name: SessionCookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if len(data) == 0 {
		c.MaxAge = -1
		return c, nil
	}
	c.Value = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[c.Value] = data
	return c, nil
}

// UserID returns whom an app takes for the user who is signed in: "" for
// nobody, and while the sign-in is pending.
func (s *Session) UserID(r *http.Request) string {
	state, err := s.Load(r)
	if err != nil || state.Pending {
		return ""
	}
	return state.UserID
}
