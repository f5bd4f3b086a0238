package mfa

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-mfa/mfa/internal/returnto"
)

// maxUserID is the longest user id in bytes.
const maxUserID = 255

// SignIn records that a user has just passed a first factor and saves the
// session under a new identifier. Call it at EVERY place where the app signs a
// user in: password, federated login, password reset, magic link, remember-me,
// impersonation. It is the only hook, and it replaces putting the user's id
// into the session.
//
// If Status.Pending is set the user is not signed in yet: send the browser to
// Config.VerifyURL, or to Config.EnrollURL if Status.SignIn names no methods.
// After an error nobody is signed in by this call.
func (m *Manager) SignIn(w http.ResponseWriter, r *http.Request, userID string, first Method) (Status, error) {
	ctx := withRequest(r)
	prev, err := m.Load(r)
	if err != nil && !errors.Is(err, ErrNoSession) {
		return Status{}, err
	}
	s, creds, err := m.start(ctx, prev, userID, first)
	if err != nil {
		return Status{}, err
	}
	status, err := m.status(ctx, s, creds)
	if err != nil {
		return Status{}, err
	}
	if err := m.cfg.Session.Save(w, r, s); err != nil {
		return Status{}, fmt.Errorf("mfa: saving the session: %w", fault(err))
	}
	m.emit(ctx, Event{Kind: EventSignedIn, UserID: userID, SessionID: s.ID, Method: first.Name, Role: RoleFirst})
	m.announceElevation(ctx, prev, s)
	return status, nil
}

// announceElevation tells of a saved state that reached or refreshed aal2, or
// that is not pending any more.
func (m *Manager) announceElevation(ctx context.Context, prev, next State) {
	before, _ := newestClosing(prev.Methods, AAL2, Requirement{}, m.now())
	after, has := newestClosing(next.Methods, AAL2, Requirement{}, m.now())
	sameUser := prev.UserID == next.UserID
	if has && (!sameUser || after.After(before)) || sameUser && prev.Pending && !next.Pending {
		m.emit(ctx, Event{Kind: EventElevated, UserID: next.UserID, SessionID: next.ID})
	}
}

// SignOut clears the session and renews its identifier.
func (m *Manager) SignOut(w http.ResponseWriter, r *http.Request) error {
	if err := m.cfg.Session.Save(w, r, State{}); err != nil {
		return fmt.Errorf("mfa: clearing the session: %w", fault(err))
	}
	return nil
}

// Start returns the state after a user has passed a first factor. If prev is
// of the same user the use is appended to it; otherwise nothing of prev is
// carried over. The new state is Pending unless it meets Config.SignIn. Start
// saves nothing: it is for apps that cannot use SignIn.
func (m *Manager) Start(ctx context.Context, prev State, userID string, first Method) (State, error) {
	s, _, err := m.start(ctx, prev, userID, first)
	return s, err
}

func (m *Manager) start(ctx context.Context, prev State, userID string, first Method) (State, []Credential, error) {
	switch {
	case userID == "" || len(userID) > maxUserID:
		return State{}, nil, fmt.Errorf("mfa: a user id of %d bytes: give the user's primary key, 1 to %d bytes", len(userID), maxUserID)
	case first.Role != RoleFirst || !methodName.MatchString(first.Name):
		return State{}, nil, errors.New("mfa: that is no first factor: make it with Password, OIDC or FirstFactor, named with a-z, 0-9 and underscore")
	}
	creds, err := m.credentials(ctx, userID)
	if err != nil {
		return State{}, nil, err
	}
	s := prev
	if prev.UserID != userID || prev.ID == "" {
		s = State{ID: newID(), UserID: userID}
	}
	first.At = m.now()
	s = s.with(first)
	s.Pending = true
	s, err = m.settlePending(ctx, s, creds)
	return s, creds, err
}

// settlePending clears Pending if the state meets Config.SignIn.
func (m *Manager) settlePending(ctx context.Context, s State, creds []Credential) (State, error) {
	if !s.Pending {
		return s, nil
	}
	err := m.judge(ctx, s, creds, m.cfg.SignIn)
	if _, ok := errors.AsType[*StepUpError](err); ok {
		return s, nil
	}
	if err != nil {
		return State{}, err
	}
	s.Pending = false
	return s, nil
}

// Update changes the state of the request's session: it loads it, calls do,
// and if do returns another state without an error, saves that under a renewed
// identifier. An elevation is visible only once it is saved. An error of do is
// returned as it is, and nothing is saved.
func (m *Manager) Update(w http.ResponseWriter, r *http.Request, do func(context.Context, State) (State, error)) (State, error) {
	ctx := withRequest(r)
	prev, err := m.Load(r)
	if err != nil {
		return State{}, err
	}
	next, err := do(ctx, prev)
	if err != nil {
		return prev, err
	}
	if next.equal(prev) {
		return prev, nil
	}
	if err := m.cfg.Session.Save(w, r, next); err != nil {
		return prev, fmt.Errorf("mfa: saving the session: %w", fault(err))
	}
	m.announceElevation(ctx, prev, next)
	return next, nil
}

// credentials reads the user's credentials, Data sealed.
func (m *Manager) credentials(ctx context.Context, userID string) ([]Credential, error) {
	creds, err := m.cfg.Store.Credentials(ctx, userID)
	return creds, storeError("reading credentials", err)
}

// ReturnTo returns a path of the same origin to send a browser back to, or
// fallback if raw is none. Use it for the return_to parameter of a login page.
func ReturnTo(raw, fallback string) string {
	if path := returnto.Path(raw); path != "" {
		return path
	}
	return fallback
}
