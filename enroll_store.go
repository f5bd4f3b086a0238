package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// store creates the credential or replaces the one it names. The answer is
// spent by then, so a conflict is judged again with the ceremony held in memory,
// and a busy store is asked again.
func (e *enrollment) store(ctx context.Context) (Credential, error) {
	for i := range maxSwaps {
		creating := e.result.Credential.ID == ""
		c, err := e.write(ctx)
		busy := errors.Is(err, ErrBusy)
		if !busy && !errors.Is(err, ErrConflict) {
			return c, err
		}
		if err := pause(ctx, i); err != nil {
			return Credential{}, err
		}
		if busy {
			continue
		}
		if _, err := e.load(ctx); err != nil {
			return Credential{}, err
		}
		if err := e.judge(ctx, e.ceremony.state); err != nil {
			return Credential{}, err
		}
		if creating && e.result.Credential.ID == "" {
			// Taken, by whomever, and not to be replaced.
			return Credential{}, factor.Reject("a credential with this key exists already")
		}
	}
	return Credential{}, &ThrottledError{RetryAfter: time.Second}
}

func (e *enrollment) write(ctx context.Context) (Credential, error) {
	if e.result.Credential.ID == "" {
		return e.create(ctx)
	}
	c := e.sealed[e.index(e.result.Credential.ID)]
	c.Name, c.Data, c.UsedAt = e.ceremony.name, e.result.Credential.Data, time.Time{}
	return c, e.m.updateCredential(ctx, c)
}

// create stores a new credential.
func (e *enrollment) create(ctx context.Context) (Credential, error) {
	c := Credential{
		ID: newID(), UserID: e.s.UserID, Method: e.method, Name: e.ceremony.name, Key: e.result.Credential.Key,
		Data: e.result.Credential.Data, CreatedAt: e.request.Now.Truncate(time.Millisecond), Version: newVersion(),
	}
	if c.Key == "" {
		c.Key = c.ID
	}
	sealed, err := e.m.seal(c)
	if err != nil {
		return Credential{}, err
	}
	err = storeError("creating a credential", e.m.cfg.Store.CreateCredential(ctx, sealed))
	if err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrBusy) {
		// It may be there all the same, and nobody would have checked it.
		return Credential{}, errors.Join(err, hidden(e.withdraw(ctx, sealed, "its creation failed", true)))
	}
	return sealed, err
}

// settled rereads the user's credentials after a write and withdraws one that
// was created and may not stay. It does so even if the request is gone.
func (e *enrollment) settled(ctx context.Context, before []Credential, stored Credential) ([]Credential, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	after, err := e.m.credentialsSettling(ctx, e.s.UserID)
	if e.result.Credential.ID != "" {
		return after, err
	}
	if err != nil {
		return nil, errors.Join(err, hidden(e.withdraw(ctx, stored, "it could not be checked", true)))
	}
	if reason, always := e.mustWithdraw(before, after, stored); reason != "" {
		if err := e.withdraw(ctx, stored, reason, always); err != nil {
			return nil, err
		}
	}
	return after, nil
}

// credentialsSettling reads the user's credentials, again while the store is
// busy: what depends on it has been written already.
func (m *Manager) credentialsSettling(ctx context.Context, userID string) ([]Credential, error) {
	for i := 0; ; i++ {
		creds, err := m.credentials(ctx, userID)
		if !errors.Is(err, ErrBusy) {
			return creds, err
		}
		if err := pause(ctx, min(i+1, maxSwaps)); err != nil {
			return nil, err
		}
	}
}

// mustWithdraw says why a credential that was just created may not stay, and
// whether that holds even if a removal has counted on it since.
func (e *enrollment) mustWithdraw(before, after []Credential, created Credential) (reason string, always bool) {
	has := func(creds []Credential, id string) bool {
		return slices.ContainsFunc(creds, func(c Credential) bool { return c.ID == id })
	}
	ofMethod, appeared := 0, false
	for i := range after {
		c := &after[i]
		if c.Method == e.method {
			ofMethod++
		}
		appeared = appeared || c.ID != created.ID && !has(before, c.ID) && e.m.real(c)
	}
	switch {
	case ofMethod > e.m.cfg.Limits.Credentials:
		return "too many credentials of the method", true
	case appeared && Level(e.m.live(e.s.Methods, before)) < AAL2:
		return "another second factor was enrolled at the same moment", true
	case e.info.Recovery && !e.m.hasReal(after):
		return "the last second factor was removed at the same moment", true
	case !has(after, created.ID):
		return "it was removed at the same moment", true
	case slices.ContainsFunc(before, func(c Credential) bool { return c.Method != deviceMethod && !has(after, c.ID) }):
		return "a credential was removed at the same moment", false
	}
	return "", false
}

// withdraw deletes a credential that was just created and returns ErrConflict.
// Unless always is set it returns nil, and the credential stays, if somebody
// has written it since: a removal that keeps it as the user's other factor.
func (e *enrollment) withdraw(ctx context.Context, c Credential, reason string, always bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for i := 0; ; i++ {
		err := storeError("withdrawing a credential", e.m.cfg.Store.DeleteCredential(ctx, c.UserID, c.ID, c.Version))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrBusy) {
			return err
		}
		if err := pause(ctx, min(i+1, maxSwaps)); err != nil {
			return err
		}
		creds, err := e.m.credentialsSettling(ctx, c.UserID)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(creds, func(now Credential) bool { return now.ID == c.ID })
		if at < 0 {
			break
		}
		if !always {
			return nil
		}
		c = creds[at]
	}
	ev := e.event()
	ev.Kind, ev.CredentialID, ev.Reason = EventWithdrawn, c.ID, reason
	e.m.emit(ctx, ev)
	return fmt.Errorf("%w: %s", ErrConflict, reason)
}
