package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// CredentialInfo describes a credential to its owner. There is no secret in it.
type CredentialInfo struct {
	ID         string         `json:"id"`
	Method     string         `json:"method"`
	Name       string         `json:"name"`
	CreatedAt  time.Time      `json:"created_at"`
	LastUsedAt *time.Time     `json:"last_used_at"` // nil if never used
	Details    map[string]any `json:"details"`      // from Factor.Describe; nil for a method that is not configured
}

// describe turns a credential, Data opened, into what its owner may see.
func (m *Manager) describe(c Credential) CredentialInfo {
	info := CredentialInfo{ID: c.ID, Method: c.Method, Name: c.Name, CreatedAt: c.CreatedAt}
	if !c.UsedAt.IsZero() {
		at := c.UsedAt
		info.LastUsedAt = &at
	}
	if f := m.factors[c.Method]; f != nil {
		info.Details = f.Describe(c)
	}
	return info
}

// Credentials describes the credentials of a user, oldest first. It asks no
// session: the caller decides who may see them.
func (m *Manager) Credentials(ctx context.Context, userID string) ([]CredentialInfo, error) {
	creds, err := m.credentials(ctx, userID)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(creds, func(a, b Credential) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	infos := make([]CredentialInfo, 0, len(creds))
	for _, c := range creds {
		if c.Method == deviceMethod {
			continue
		}
		opened, err := m.open(c)
		if err != nil {
			return nil, err
		}
		infos = append(infos, m.describe(opened))
	}
	return infos, nil
}

// Rename gives a credential of the session's user another name of 1 to 64
// printable characters. It needs Config.Privileged. Errors: ErrNoSession,
// *StepUpError, ErrNotFound, also for what belongs to others, ErrInvalid for
// a name that cannot be, or a fault.
func (m *Manager) Rename(ctx context.Context, s State, id, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	name = strings.TrimSpace(name)
	if err := checkName(name); err != nil {
		return err
	}
	return m.manage(ctx, s, id, func(ctx context.Context, target Credential, _ []Credential) error {
		target.Name = name
		if err := m.rewrite(ctx, target); err != nil {
			return err
		}
		m.emit(ctx, Event{Kind: EventRenamed, UserID: s.UserID, SessionID: s.ID, Method: target.Method, CredentialID: id})
		return nil
	})
}

// Remove deletes a credential of the session's user. It needs
// Config.Privileged. With the last real one the recovery methods go too; while
// Config.SignIn makes a second factor mandatory the last real one stays, and
// the error wraps ErrConflict. The returned state has the uses of the
// credential removed; every other session that relied on it is lowered at its
// next request. Errors otherwise as for Rename.
func (m *Manager) Remove(ctx context.Context, s State, id string) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := m.manage(ctx, s, id, func(ctx context.Context, target Credential, creds []Credential) error {
		if err := m.remove(ctx, target, creds); err != nil {
			return err
		}
		m.emit(ctx, Event{
			Kind: EventRemoved, UserID: s.UserID, SessionID: s.ID, Method: target.Method, CredentialID: id,
			Name: target.Name, Channel: m.sealedChannel(target),
		})
		return nil
	})
	if err != nil {
		return State{}, err
	}
	if err := m.dropOrphans(ctx, s.UserID); err != nil {
		return State{}, err
	}
	return s.without(id), nil
}

// manage checks that the session may manage and repeats do, with the
// credential and all credentials of the user as they are now, while it meets
// conflicts.
func (m *Manager) manage(ctx context.Context, s State, id string, do func(context.Context, Credential, []Credential) error) error {
	if s.UserID == "" {
		return ErrNoSession
	}
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		creds, err := m.credentials(ctx, s.UserID)
		if err != nil {
			return err
		}
		if err := m.mayManage(ctx, s, creds); err != nil {
			return err
		}
		at := slices.IndexFunc(creds, func(c Credential) bool { return c.ID == id && c.Method != deviceMethod })
		if at < 0 {
			return ErrNotFound
		}
		if err := do(ctx, creds[at], creds); err != ErrConflict { //nolint:errorlint // only the bare conflict of a lost swap
			return err
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

// remove deletes a credential. One that leaves a real one behind first
// rewrites that survivor, so that of two removals at once the later one sees
// that the other went. A lost swap is the bare ErrConflict.
func (m *Manager) remove(ctx context.Context, target Credential, creds []Credential) error {
	if m.real(&target) {
		survivor := slices.IndexFunc(creds, func(c Credential) bool { return c.ID != target.ID && m.real(&c) })
		switch {
		case survivor >= 0:
			if err := m.rewrite(ctx, creds[survivor]); err != nil {
				return err
			}
		case m.cfg.SignIn.AAL == AAL2:
			return fmt.Errorf("%w: signing in needs a second factor, and this is the last one", ErrConflict)
		default:
			if err := m.deleteRecovery(ctx, creds); err != nil {
				return err
			}
		}
	}
	return m.deleteCredential(ctx, target)
}

// rewrite stores a sealed credential in place of the version it was read at,
// under the first key if it opens.
func (m *Manager) rewrite(ctx context.Context, c Credential) error {
	if !m.ring.Current(c.Data) {
		if opened, err := m.open(c); err == nil {
			return m.updateCredential(ctx, opened)
		}
	}
	prev := c.Version
	c.Version = newVersion()
	return storeError("writing a credential", m.cfg.Store.UpdateCredential(ctx, c, prev))
}

// deleteRecovery deletes the recovery methods of a user, because the last real
// credential goes.
func (m *Manager) deleteRecovery(ctx context.Context, creds []Credential) error {
	for _, c := range creds {
		if !m.infos[c.Method].Recovery {
			continue
		}
		if err := m.deleteCredential(ctx, c); err != nil {
			return err
		}
		m.emit(ctx, Event{
			Kind: EventRemoved, UserID: c.UserID, Method: c.Method, CredentialID: c.ID, Name: c.Name,
			Reason: "no other second factor is left",
		})
	}
	return nil
}

func (m *Manager) deleteCredential(ctx context.Context, c Credential) error {
	return storeError("deleting a credential", m.cfg.Store.DeleteCredential(ctx, c.UserID, c.ID, c.Version))
}

// dropOrphans deletes recovery methods that were enrolled while the last real
// credential was being removed.
func (m *Manager) dropOrphans(ctx context.Context, userID string) error {
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		creds, err := m.credentials(ctx, userID)
		if err != nil {
			return err
		}
		if m.hasReal(creds) {
			return nil
		}
		if err := m.deleteRecovery(ctx, creds); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

// Resend repeats the beginning of a ceremony whose factor sends something: the
// factor begins again with the same id and parameters, and its new step
// replaces the old one. The tries left and the expiry stay. Errors: ErrNotFound
// where nothing is sent, ErrRejected for an unknown or expired ceremony,
// a *ThrottledError, or a fault.
func (m *Manager) Resend(ctx context.Context, s State, id string) (*Ceremony, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if s.UserID == "" {
		return nil, ErrNoSession
	}
	creds, err := m.credentials(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	c, err := m.ceremonyOf(ctx, s, id, creds, factor.PurposeEnroll, factor.PurposeVerify)
	if err != nil {
		return nil, m.refused(ctx, Event{UserID: s.UserID, SessionID: s.ID}, err)
	}
	step, err := m.beginAgain(ctx, s, c, id, creds)
	if err != nil {
		return nil, err
	}
	again, err := m.sendAgain(ctx, c, id, step)
	if err != nil {
		return nil, m.refused(ctx, Event{UserID: s.UserID, SessionID: s.ID, Method: c.method}, err)
	}
	return again, nil
}

// sendAgain has a ceremony go on with another step.
func (m *Manager) sendAgain(ctx context.Context, c *ceremony, id string, step factor.Step) (*Ceremony, error) {
	if step.Deliver == nil {
		return nil, fmt.Errorf("%w: %s sends nothing", ErrNotFound, c.method)
	}
	if err := m.deliver(ctx, c, step); err != nil {
		return nil, err
	}
	return &Ceremony{ID: id, Method: c.method, ExpiresAt: c.expires, Prompt: step.Prompt}, nil
}

func (m *Manager) beginAgain(ctx context.Context, s State, c *ceremony, id string, creds []Credential) (factor.Step, error) {
	if c.purpose == factor.PurposeEnroll {
		e := &enrollment{m: m, s: s, method: c.method, params: c.params, id: id, ceremony: c}
		return e.begin(ctx, creds)
	}
	v := &verification{m: m, s: s, purpose: c.purpose, method: c.method, refresh: c.refresh, params: c.params, id: id, ceremony: c}
	return v.begin(ctx, creds)
}
