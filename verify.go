package mfa

import (
	"context"
	"fmt"

	"github.com/go-mfa/mfa/factor"
)

// VerifyOptions says what to verify with.
type VerifyOptions struct {
	Method string
	// Refresh verifies although the session has AAL2 already, to make the
	// proof fresh, and allows every credential of the method. Without it a
	// session that has AAL2 gets ErrAlreadySatisfied.
	Refresh bool
	Params  map[string]string // for the factor
}

// BeginVerify starts a verification with one of the user's credentials of a
// method. Errors: ErrNoSession, ErrAlreadySatisfied, ErrNotEnrolled, a
// *ThrottledError if the factor may not send now, or a fault.
func (m *Manager) BeginVerify(ctx context.Context, s State, o VerifyOptions) (*Ceremony, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if s.UserID == "" {
		return nil, ErrNoSession
	}
	creds, err := m.credentials(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	if err := checkParams(o.Params); err != nil {
		return nil, err
	}
	id := newID()
	c := &ceremony{
		purpose: factor.PurposeVerify, method: o.Method, userID: s.UserID, session: s.ID,
		digest: credentialDigest(s.UserID, creds), refresh: o.Refresh, params: o.Params,
	}
	v := &verification{m: m, s: s, purpose: factor.PurposeVerify, method: o.Method, refresh: o.Refresh, params: o.Params, id: id}
	step, err := v.begin(ctx, creds)
	if err != nil {
		return nil, err
	}
	return m.begin(ctx, c, id, step)
}

// FinishVerify has the answer to a ceremony judged, ends the ceremony if it is
// right, and returns the state with the use appended, which the caller must
// save (Update does). Errors: ErrRejected for whatever is wrong with the
// answer or the ceremony, ErrWaiting, a *ThrottledError, what BeginVerify
// returns, or a fault, after which the answer may be spent.
func (m *Manager) FinishVerify(ctx context.Context, s State, id string, response []byte) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if s.UserID == "" {
		return State{}, ErrNoSession
	}
	creds, err := m.credentials(ctx, s.UserID)
	if err != nil {
		return State{}, err
	}
	c, err := m.ceremonyOf(ctx, s, id, creds, factor.PurposeVerify)
	if err != nil {
		return State{}, m.refused(ctx, Event{UserID: s.UserID, SessionID: s.ID}, err)
	}
	v := &verification{
		m: m, s: s, purpose: c.purpose, method: c.method, refresh: c.refresh, params: c.params, id: id, ceremony: c, response: response,
	}
	return v.finish(ctx, creds)
}

// Verify has an answer judged at once, without a ceremony. It is for
// promptless methods: TOTP and recovery codes. See FinishVerify.
func (m *Manager) Verify(ctx context.Context, s State, o VerifyOptions, response []byte) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if s.UserID == "" {
		return State{}, ErrNoSession
	}
	if info, ok := m.infos[o.Method]; ok && !info.Promptless {
		return State{}, fmt.Errorf("%w: method %s is answered through BeginVerify", ErrInvalid, o.Method)
	}
	creds, err := m.credentials(ctx, s.UserID)
	if err != nil {
		return State{}, err
	}
	v := &verification{
		m: m, s: s, purpose: factor.PurposeVerify, method: o.Method, refresh: o.Refresh, params: o.Params, response: response,
	}
	return v.finish(ctx, creds)
}
