package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-mfa/mfa"
)

// Each of these reads and then writes. It is right as long as it is alone: what
// it loses, it loses between the two statements.

// find returns the credential that a conditional write is about.
func (h hooked) find(ctx context.Context, userID, id string, prev int64) (mfa.Credential, error) {
	all, err := h.Credentials(ctx, userID)
	if err != nil {
		return mfa.Credential{}, err
	}
	for _, c := range all {
		if c.ID == id && c.Version == prev {
			return c, nil
		}
	}
	return mfa.Credential{}, mfa.ErrConflict
}

// findRecord is find for records.
func (h hooked) findRecord(ctx context.Context, key string, prev int64) error {
	r, err := h.Record(ctx, key)
	if errors.Is(err, mfa.ErrNotFound) || err == nil && r.Version != prev {
		return mfa.ErrConflict
	}
	return err
}

type updateAfterRead struct{ hooked }

func (s updateAfterRead) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if _, err := s.find(ctx, c.UserID, c.ID, prev); err != nil {
		return err
	}
	s.between(ctx)
	return overwrite(ctx, s.Store, c)
}

// saveAfterRead inserts what it does not find, as mappers do that only know how
// to save.
type saveAfterRead struct{ hooked }

func (s saveAfterRead) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if _, err := s.find(ctx, c.UserID, c.ID, prev); err != nil {
		return err
	}
	s.between(ctx)
	if err := s.Store.UpdateCredential(ctx, c, prev); !errors.Is(err, mfa.ErrConflict) {
		return err
	}
	return s.Store.CreateCredential(ctx, c)
}

// deleteAndInsert replaces a row in two steps.
type deleteAndInsert struct{ hooked }

func (s deleteAndInsert) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	now, err := s.find(ctx, c.UserID, c.ID, prev)
	if err != nil {
		return err
	}
	c.Method, c.Key, c.CreatedAt = now.Method, now.Key, now.CreatedAt
	s.between(ctx)
	if err := s.Store.DeleteCredential(ctx, c.UserID, c.ID, prev); err != nil {
		return err
	}
	s.between(ctx)
	return s.Store.CreateCredential(ctx, c)
}

// oneDocument writes all credentials of a user whenever one is updated.
type oneDocument struct{ hooked }

func (s oneDocument) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	document, err := s.Credentials(ctx, c.UserID)
	if err != nil {
		return err
	}
	s.between(ctx)
	if err := s.Store.UpdateCredential(ctx, c, prev); err != nil {
		return err
	}
	for _, sibling := range document {
		if sibling.ID == c.ID {
			continue
		}
		if err := overwrite(ctx, s.Store, sibling); err != nil && !errors.Is(err, mfa.ErrConflict) {
			return err
		}
	}
	return nil
}

type insertAfterLook struct{ hooked }

func (s insertAfterLook) CreateCredential(ctx context.Context, c mfa.Credential) error {
	for taken, err := range s.AllCredentials(ctx) {
		if err != nil {
			return err
		}
		if taken.ID == c.ID {
			return mfa.ErrConflict
		}
	}
	s.between(ctx)
	if now, ok := stored(ctx, s.Store, c.UserID, c.ID); ok {
		c.Method, c.Key = now.Method, now.Key
		return overwrite(ctx, s.Store, c)
	}
	return s.Store.CreateCredential(ctx, c)
}

// insertAfterFind has no unique index on method and Key.
type insertAfterFind struct{ hooked }

func (s insertAfterFind) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if _, err := s.FindCredential(ctx, c.Method, c.Key); err == nil {
		return mfa.ErrConflict
	} else if !errors.Is(err, mfa.ErrNotFound) {
		return err
	}
	s.between(ctx)
	return keyPerUser{s.Store}.CreateCredential(ctx, c)
}

type deleteAfterRead struct{ hooked }

func (s deleteAfterRead) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	if _, err := s.find(ctx, userID, id, prev); err != nil {
		return err
	}
	s.between(ctx)
	return deleteAnything{s.Store}.DeleteCredential(ctx, userID, id, prev)
}

// goneIsDeleted does not count the rows.
type goneIsDeleted struct{ hooked }

func (s goneIsDeleted) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	if _, err := s.find(ctx, userID, id, prev); err != nil {
		return err
	}
	s.between(ctx)
	if err := s.Store.DeleteCredential(ctx, userID, id, prev); !errors.Is(err, mfa.ErrConflict) {
		return err
	}
	return nil
}

// deleteByKey finds the row by its id and deletes it by its Key.
type deleteByKey struct{ hooked }

func (s deleteByKey) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	now, err := s.find(ctx, userID, id, prev)
	if err != nil {
		return err
	}
	s.between(ctx)
	victim, err := s.FindCredential(ctx, now.Method, now.Key)
	if err != nil {
		return mfa.ErrConflict
	}
	return s.Store.DeleteCredential(ctx, victim.UserID, victim.ID, victim.Version)
}

// deletesAsRead deletes the rows of a user in the versions that it has read.
type deletesAsRead struct{ hooked }

func (s deletesAsRead) DeleteUser(ctx context.Context, userID string) error {
	all, err := s.Credentials(ctx, userID)
	if err != nil {
		return err
	}
	for _, c := range all {
		s.between(ctx)
		if err := s.Store.DeleteCredential(ctx, userID, c.ID, c.Version); err != nil && !errors.Is(err, mfa.ErrConflict) {
			return err
		}
	}
	return nil
}

type putAfterLook struct{ hooked }

func (s putAfterLook) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if _, err := s.Record(ctx, r.Key); prev != 0 || err == nil {
		return s.hooked.PutRecord(ctx, r, prev)
	}
	s.between(ctx)
	return putsOver{s.Store}.PutRecord(ctx, r, 0)
}

type putAfterRead struct{ hooked }

func (s putAfterRead) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if prev == 0 {
		return s.hooked.PutRecord(ctx, r, prev)
	}
	if err := s.findRecord(ctx, r.Key, prev); err != nil {
		return err
	}
	s.between(ctx)
	for {
		now, err := s.Record(ctx, r.Key)
		if err != nil {
			return mfa.ErrConflict
		}
		if err := s.Store.PutRecord(ctx, r, now.Version); !errors.Is(err, mfa.ErrConflict) {
			return err
		}
	}
}

// spendsTwice looks, then deletes, and takes "gone already" for success.
type spendsTwice struct{ hooked }

func (s spendsTwice) DeleteRecord(ctx context.Context, key string, prev int64) error {
	if err := s.findRecord(ctx, key, prev); err != nil {
		return err
	}
	s.between(ctx)
	if err := s.Store.DeleteRecord(ctx, key, prev); !errors.Is(err, mfa.ErrConflict) {
		return err
	}
	return nil
}

// dropRecord deletes a record whatever its version is.
func dropRecord(ctx context.Context, s mfa.Records, key string) error {
	for {
		r, err := s.Record(ctx, key)
		if err != nil {
			return mfa.ErrConflict
		}
		if err := s.DeleteRecord(ctx, key, r.Version); !errors.Is(err, mfa.ErrConflict) {
			return err
		}
	}
}

type spendsByKey struct{ hooked }

func (s spendsByKey) DeleteRecord(ctx context.Context, key string, prev int64) error {
	if err := s.findRecord(ctx, key, prev); err != nil {
		return err
	}
	s.between(ctx)
	return dropRecord(ctx, s.Store, key)
}

// sweepsByKey selects what has expired, and then deletes what has those keys.
type sweepsByKey struct {
	hooked
	keys *sync.Map
}

func (s sweepsByKey) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	err := s.hooked.PutRecord(ctx, r, prev)
	if err == nil {
		s.keys.Store(r.Key, true)
	}
	return err
}

func (s sweepsByKey) SweepRecords(ctx context.Context, before time.Time) error {
	var over []string
	for key := range s.keys.Range {
		switch r, err := s.Record(ctx, key.(string)); {
		case errors.Is(err, mfa.ErrNotFound):
		case err != nil:
			return err
		case !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(before):
			over = append(over, r.Key)
		}
	}
	for _, key := range over {
		s.between(ctx)
		if err := dropRecord(ctx, s.Store, key); err != nil && !errors.Is(err, mfa.ErrConflict) {
			return err
		}
	}
	return nil
}
