package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-mfa/mfa/internal/seal"
)

// AdminReset deletes the credentials of a user, those of the named methods or
// all of them, and opens the user's budget of attempts again. If no real
// credential is left the recovery methods go too. Every session that relied on
// them is lowered at its next request. It asks no session: the app decides who
// is an admin, and actor and reason go into the events. Errors: ErrInvalid if
// actor, user or reason is empty or a method is none that is configured,
// retired or held by the user; a *ThrottledError; or a fault.
func (m *Manager) AdminReset(ctx context.Context, actor, userID, reason string, methods ...string) error {
	if err := checkAdmin(actor, userID, reason); err != nil {
		return err
	}
	if err := m.checkMethods(ctx, userID, methods); err != nil {
		return err
	}
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		creds, err := m.credentials(ctx, userID)
		if err != nil {
			return err
		}
		gone := m.resetTargets(creds, methods)
		if len(gone) == 0 {
			return m.Unlock(ctx, actor, userID, reason)
		}
		for _, c := range gone {
			if err = m.deleteCredential(ctx, c); err != nil {
				break
			}
			m.emit(ctx, Event{
				Kind: EventReset, UserID: userID, Method: c.Method, CredentialID: c.ID, Actor: actor, Reason: reason,
				Name: c.Name, Channel: m.sealedChannel(c),
			})
		}
		if err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

// resetTargets returns the credentials to delete, recovery methods first.
func (m *Manager) resetTargets(creds []Credential, methods []string) []Credential {
	named := func(c Credential) bool { return len(methods) == 0 || slices.Contains(methods, c.Method) }
	realLeft := slices.ContainsFunc(creds, func(c Credential) bool { return m.real(&c) && !named(c) })
	var first, then []Credential
	for _, c := range creds {
		switch recovery := m.infos[c.Method].Recovery; {
		case recovery && (named(c) || !realLeft):
			first = append(first, c)
		case !recovery && named(c):
			then = append(then, c)
		}
	}
	return append(first, then...)
}

// checkAdmin refuses what would leave an event that says nothing, or that
// means nobody.
func checkAdmin(actor, userID, reason string) error {
	if actor == "" || userID == "" || reason == "" {
		return fmt.Errorf("%w: name the admin, the user and the reason", ErrInvalid)
	}
	return nil
}

// checkMethods refuses a method that means nothing, so that a slip of the pen
// does not pass for a reset.
func (m *Manager) checkMethods(ctx context.Context, userID string, methods []string) error {
	if len(methods) == 0 {
		return nil
	}
	creds, err := m.credentials(ctx, userID)
	if err != nil {
		return err
	}
	for _, name := range methods {
		held := slices.ContainsFunc(creds, func(c Credential) bool { return c.Method == name })
		if m.factors[name] == nil && !slices.Contains(m.cfg.Retired, name) && !held {
			return fmt.Errorf("%w: there is no method %q", ErrInvalid, name)
		}
	}
	return nil
}

// Unlock opens a user's budgets of attempts again, for an admin: those of first
// and of second factors. Errors as for AdminReset.
func (m *Manager) Unlock(ctx context.Context, actor, userID, reason string) error {
	if err := checkAdmin(actor, userID, reason); err != nil {
		return err
	}
	for _, budget := range []string{budgetFirst, budgetSecond} {
		if err := m.resetAttempts(ctx, recordKey(budget, userID)); err != nil {
			return err
		}
	}
	m.emit(ctx, Event{Kind: EventUnlocked, UserID: userID, Actor: actor, Reason: reason})
	return nil
}

// Forget deletes everything that is kept of a user: the account is gone. Call
// it after the user's sessions have ended. A later user with the same id would
// start clean, though ids must not be reused. Budgets for sends, which hold no
// user id, expire by themselves.
func (m *Manager) Forget(ctx context.Context, userID string) error {
	if userID == "" {
		return fmt.Errorf("%w: name the user", ErrInvalid)
	}
	if err := m.deleteUser(ctx, userID); err != nil {
		return err
	}
	for _, budget := range []string{budgetFirst, budgetSecond, budgetLookup} {
		if err := m.dropRecord(ctx, recordKey(budget, userID)); err != nil {
			return err
		}
	}
	m.emit(ctx, Event{Kind: EventForgotten, UserID: userID})
	return nil
}

func (m *Manager) deleteUser(ctx context.Context, userID string) error {
	if d, ok := m.cfg.Store.(UserDeleter); ok {
		return storeError("deleting a user", d.DeleteUser(ctx, userID))
	}
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		creds, err := m.credentials(ctx, userID)
		if err != nil || len(creds) == 0 {
			return err
		}
		for _, c := range m.resetTargets(creds, nil) {
			if err := m.deleteCredential(ctx, c); err != nil && !errors.Is(err, ErrConflict) {
				return err
			}
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

func (m *Manager) dropRecord(ctx context.Context, key string) error {
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		rec, err := m.cfg.Store.Record(ctx, key)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return storeError("reading a record", err)
		}
		err = storeError("deleting a record", m.cfg.Store.DeleteRecord(ctx, key, rec.Version))
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

// Sweep deletes expired records. Call it now and then; nothing depends on it,
// because expiry is judged when a record is read. The store must implement
// RecordSweeper.
func (m *Manager) Sweep(ctx context.Context) error {
	sweeper, ok := m.cfg.Store.(RecordSweeper)
	if !ok {
		return errors.New("mfa: Sweep: the store does not implement RecordSweeper: add the method, or let the store expire records by itself")
	}
	return storeError("sweeping records", sweeper.SweepRecords(ctx, m.now()))
}

// Reseal seals every credential under the first of Config.Keys that is under
// another, so that the others can be retired. It may be interrupted, repeated,
// and run beside everything else, also by several processes: it goes on with
// what is left. The store must implement CredentialLister. Credentials that
// cannot be opened stay as they are; the error counts them and names the first
// ten.
func (m *Manager) Reseal(ctx context.Context) error {
	lister, ok := m.cfg.Store.(CredentialLister)
	if !ok {
		return errors.New("mfa: Reseal: the store does not implement CredentialLister: add the method")
	}
	var (
		failed []error
		n      int
	)
	for c, err := range lister.AllCredentials(ctx) {
		if err != nil {
			return storeError("listing credentials", err)
		}
		if m.ring.Current(c.Data) {
			continue
		}
		switch err := m.resealOne(ctx, c); {
		case errors.Is(err, seal.ErrUnknownKey), errors.Is(err, seal.ErrOpen):
			if n++; n <= namedFailures {
				failed = append(failed, err)
			}
		case err != nil:
			return err
		}
	}
	if n > 0 {
		return fmt.Errorf("mfa: Reseal: %d credentials do not open: %w", n, errors.Join(failed...))
	}
	return nil
}

// namedFailures is how many credentials an error of Reseal names: a missing key
// can concern all of them.
const namedFailures = 10

// resealOne seals a credential under the first key, whoever else writes it.
func (m *Manager) resealOne(ctx context.Context, c Credential) error {
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		opened, err := m.open(c)
		if err != nil {
			return err
		}
		if err := m.updateCredential(ctx, opened); !errors.Is(err, ErrConflict) {
			return err
		}
		c, err = m.cfg.Store.FindCredential(ctx, c.Method, c.Key)
		if errors.Is(err, ErrNotFound) || err == nil && m.ring.Current(c.Data) {
			return nil
		}
		if err != nil {
			return storeError("reading a credential", err)
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}
