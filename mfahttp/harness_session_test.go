package mfahttp_test

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"

	"github.com/go-mfa/mfa"
)

const sessionCookie = "session"

// sessions keeps states on the server, named by a cookie. With replayable set
// it behaves like a sealed cookie: identifiers that were replaced still work.
type sessions struct {
	mu         sync.Mutex
	states     map[string]mfa.State
	replayable bool
	saves      int
	fault      func() error
}

func (s *sessions) Load(r *http.Request) (mfa.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return mfa.State{}, mfa.ErrNoSession
	}
	state, ok := s.states[c.Value]
	if !ok {
		return mfa.State{}, mfa.ErrNoSession
	}
	return state, nil
}

func (s *sessions) Save(w http.ResponseWriter, r *http.Request, state mfa.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if s.fault != nil {
		if err := s.fault(); err != nil {
			return err
		}
	}
	if c, err := r.Cookie(sessionCookie); err == nil && !s.replayable {
		delete(s.states, c.Value)
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	if state.UserID != "" {
		s.states[hex.EncodeToString(id)] = state
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: hex.EncodeToString(id), Path: "/", HttpOnly: true})
	return nil
}

func (s *sessions) saved() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saves
}
