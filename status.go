package mfa

import (
	"context"
	"errors"
	"time"
)

// Status is what a session is worth now, computed from the credentials that
// exist now. Its JSON is the public session document of the HTTP API.
type Status struct {
	ID               string         `json:"id"`               // State.ID
	Active           bool           `json:"active"`           // signed in: the session is not Pending
	AuthenticatedAt  *time.Time     `json:"authenticated_at"` // of the newest use that closes AAL; nil if that is not known
	AAL              AAL            `json:"authenticator_assurance_level"`
	Completed        []StatusMethod `json:"authentication_methods"`
	AMR              []string       `json:"amr"` // RFC 8176
	HighestAvailable AAL            `json:"highest_available_aal"`

	UserID  string         `json:"-"`
	Pending bool           `json:"-"`
	SignIn  *StepUpError   `json:"-"` // what keeps a pending session from being signed in; nil otherwise
	Methods []MethodStatus `json:"-"` // the configured methods, strongest first, recovery last
}

// StatusMethod is one completed use that still counts.
type StatusMethod struct {
	Method      string    `json:"method"`
	AAL         AAL       `json:"aal"`                   // AAL2 if this use closes aal2, else AAL1
	CompletedAt time.Time `json:"completed_at,omitzero"` // zero for a session from before the library
}

// MethodStatus is what a configured method is to a session.
type MethodStatus struct {
	Method      string `json:"method"`
	Enrolled    int    `json:"enrolled"`     // how many credentials the user has of it
	Usable      bool   `json:"usable"`       // can be verified with now, to raise the session or, with Refresh, to renew it
	FirstFactor bool   `json:"first_factor"` // can be a first factor too
	Recovery    bool   `json:"recovery"`
	Restricted  bool   `json:"restricted"` // can be intercepted, as SMS can
	Promptless  bool   `json:"promptless"` // may be answered without a ceremony
	Enrollable  bool   `json:"enrollable"` // another can be enrolled, if the session is privileged
}

// Status returns what a state is worth now. It reads the user's credentials.
// Without a session the error is ErrNoSession; others are faults.
func (m *Manager) Status(ctx context.Context, s State) (Status, error) {
	if s.UserID == "" {
		return Status{}, ErrNoSession
	}
	creds, err := m.credentials(ctx, s.UserID)
	if err != nil {
		return Status{}, err
	}
	return m.status(ctx, s, creds)
}

func (m *Manager) status(ctx context.Context, s State, creds []Credential) (Status, error) {
	methods := m.live(s.Methods, creds)
	level := Level(methods)
	highest, err := m.highest(ctx, s, methods, creds)
	if err != nil {
		return Status{}, err
	}
	st := Status{
		ID: s.ID, Active: !s.Pending, AAL: level, Completed: []StatusMethod{}, AMR: AMR(methods), HighestAvailable: highest,
		UserID: s.UserID, Pending: s.Pending,
	}
	for i := range methods {
		done := StatusMethod{Method: methods[i].Name, AAL: AAL1, CompletedAt: methods[i].At}
		if completesAAL2(methods, i) {
			done.AAL = AAL2
		}
		st.Completed = append(st.Completed, done)
	}
	if at, closed := newestClosing(methods, level, Requirement{}, m.now()); closed && !at.IsZero() {
		st.AuthenticatedAt = &at
	}
	if s.Pending {
		if err := m.allow(ctx, s, creds, Requirement{}); !errors.As(err, &st.SignIn) {
			return Status{}, err
		}
	}
	st.Methods, err = m.methodStatus(ctx, s, methods, creds)
	return st, err
}

func (m *Manager) methodStatus(ctx context.Context, s State, methods []Method, creds []Credential) ([]MethodStatus, error) {
	available, err := m.available(ctx, s, methods, creds)
	if err != nil {
		return nil, err
	}
	want := AAL2
	if Level(methods) >= AAL2 {
		want = AAL1
	}
	list := make([]MethodStatus, 0, len(m.order))
	for _, name := range m.byStrength() {
		info := m.infos[name]
		ms := MethodStatus{Method: name, FirstFactor: info.FirstFactor, Recovery: info.Recovery, Restricted: info.Restricted, Promptless: info.Promptless}
		for i := range creds {
			if creds[i].Method == name {
				ms.Enrolled++
			}
		}
		if ms.Usable, err = m.canUse(ctx, s, methods, creds, name, want); err != nil {
			return nil, err
		}
		ms.Enrollable = (info.Recovery || ms.Enrolled < m.cfg.Limits.Credentials) &&
			(!info.Recovery || m.hasReal(creds)) && !(s.Pending && available)
		list = append(list, ms)
	}
	return list, nil
}
