package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/go-mfa/mfa"
)

// stored returns the credential with an id of a user, as it is now.
func stored(ctx context.Context, s mfa.Store, userID, id string) (mfa.Credential, bool) {
	all, err := s.Credentials(ctx, userID)
	if err != nil {
		return mfa.Credential{}, false
	}
	for _, c := range all {
		if c.ID == id {
			return c, true
		}
	}
	return mfa.Credential{}, false
}

// owner finds an id over all users.
func owner(ctx context.Context, s mfa.Store, id string) string {
	for c, err := range s.(mfa.CredentialLister).AllCredentials(ctx) {
		if err == nil && c.ID == id {
			return c.UserID
		}
	}
	return ""
}

// overwrite writes c whatever the version is.
func overwrite(ctx context.Context, s mfa.Store, c mfa.Credential) error {
	for {
		now, ok := stored(ctx, s, c.UserID, c.ID)
		if !ok {
			return mfa.ErrConflict
		}
		if err := s.UpdateCredential(ctx, c, now.Version); !errors.Is(err, mfa.ErrConflict) {
			return err
		}
	}
}

type updateAnything struct{ mfa.Store }

func (s updateAnything) UpdateCredential(ctx context.Context, c mfa.Credential, _ int64) error {
	return overwrite(ctx, s.Store, c)
}

type updateAnyUser struct{ mfa.Store }

func (s updateAnyUser) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if user := owner(ctx, s.Store, c.ID); user != "" {
		c.UserID = user
	}
	return s.Store.UpdateCredential(ctx, c, prev)
}

type upsert struct{ mfa.Store }

func (s upsert) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if _, ok := stored(ctx, s.Store, c.UserID, c.ID); !ok && ctx.Err() == nil {
		return s.CreateCredential(ctx, c)
	}
	return s.Store.UpdateCredential(ctx, c, prev)
}

type swallowing struct{ mfa.Store }

func (s swallowing) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if err := s.Store.UpdateCredential(ctx, c, prev); !errors.Is(err, mfa.ErrConflict) {
		return err
	}
	return nil
}

type forgetsVersion struct{ mfa.Store }

func (s forgetsVersion) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	c.Version = prev
	return s.Store.UpdateCredential(ctx, c, prev)
}

// floats compares versions as JSON numbers or Lua scripts do.
type floats struct{ mfa.Store }

func (s floats) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if now, ok := stored(ctx, s.Store, c.UserID, c.ID); ok && float64(now.Version) == float64(prev) {
		prev = now.Version
	}
	return s.Store.UpdateCredential(ctx, c, prev)
}

func (s floats) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if now, err := s.Record(ctx, r.Key); err == nil && float64(now.Version) == float64(prev) {
		prev = now.Version
	}
	return s.Store.PutRecord(ctx, r, prev)
}

// skipsZeros updates only what has a value, as some mappers do with a struct.
type skipsZeros struct{ mfa.Store }

func (s skipsZeros) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if now, ok := stored(ctx, s.Store, c.UserID, c.ID); ok && c.Name == "" {
		c.Name = now.Name
	}
	return s.Store.UpdateCredential(ctx, c, prev)
}

// reusesVersions behaves as a store that counts versions itself: what was
// deleted and created anew has the version of what was there before.
type reusesVersions struct{ mfa.Store }

func (s reusesVersions) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if now, ok := stored(ctx, s.Store, c.UserID, c.ID); ok && string(now.Data) == "another secret" {
		prev = now.Version
	}
	return s.Store.UpdateCredential(ctx, c, prev)
}

type overwritingCreate struct{ mfa.Store }

func (s overwritingCreate) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if _, ok := stored(ctx, s.Store, c.UserID, c.ID); ok {
		return overwrite(ctx, s.Store, c)
	}
	return s.Store.CreateCredential(ctx, c)
}

type keyPerUser struct{ mfa.Store }

func (s keyPerUser) CreateCredential(ctx context.Context, c mfa.Credential) error {
	taken, err := s.FindCredential(ctx, c.Method, c.Key)
	if err == nil && taken.UserID != c.UserID && taken.ID != c.ID {
		c.Key += c.ID // the row is stored beside the other
	}
	return s.Store.CreateCredential(ctx, c)
}

// halfCreates writes an entry for the Key before it looks at the id, and leaves
// it there.
type halfCreates struct {
	mfa.Store
	keys sync.Map
}

func (s *halfCreates) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if _, taken := s.keys.LoadOrStore([2]string{c.Method, c.Key}, true); taken {
		return mfa.ErrConflict
	}
	return s.Store.CreateCredential(ctx, c)
}

type deleteAnything struct{ mfa.Store }

func (s deleteAnything) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	if now, ok := stored(ctx, s.Store, userID, id); ok {
		prev = now.Version
	}
	return s.Store.DeleteCredential(ctx, userID, id, prev)
}

type deleteAnyUser struct{ mfa.Store }

func (s deleteAnyUser) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	if user := owner(ctx, s.Store, id); user != "" {
		userID = user
	}
	return s.Store.DeleteCredential(ctx, userID, id, prev)
}

type putsOver struct{ mfa.Store }

func (s putsOver) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if now, err := s.Record(ctx, r.Key); err == nil && prev == 0 {
		prev = now.Version
	}
	return s.Store.PutRecord(ctx, r, prev)
}
