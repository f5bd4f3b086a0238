package memory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/go-mfa/mfa"
)

// Store keeps everything in maps. It implements mfa.Store and all of its
// optional parts. What goes in and what comes out are copies. Times are kept
// in UTC, in whole milliseconds, as a database would keep them. A method whose
// context is done does nothing and returns the context's error.
//
// It is safe for concurrent use.
type Store struct {
	mu      sync.RWMutex
	users   map[string][]*mfa.Credential
	ids     map[string]*mfa.Credential
	keys    map[methodKey]*mfa.Credential
	records map[string]mfa.Record
}

type methodKey struct{ method, key string }

var (
	_ mfa.Store            = (*Store)(nil)
	_ mfa.RecordSweeper    = (*Store)(nil)
	_ mfa.UserDeleter      = (*Store)(nil)
	_ mfa.CredentialLister = (*Store)(nil)
)

// New returns an empty Store.
func New() *Store {
	return &Store{
		users:   map[string][]*mfa.Credential{},
		ids:     map[string]*mfa.Credential{},
		keys:    map[methodKey]*mfa.Credential{},
		records: map[string]mfa.Record{},
	}
}

// Credentials implements mfa.Store. The Data of all credentials it returns
// share one buffer, in which none can grow into the next.
func (s *Store) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	stored := s.users[userID]
	if len(stored) == 0 {
		return nil, nil
	}
	size := 0
	for _, c := range stored {
		size += len(c.Data)
	}
	out := make([]mfa.Credential, len(stored))
	buf := make([]byte, 0, size)
	for i, c := range stored {
		out[i] = *c
		start := len(buf)
		buf = append(buf, c.Data...)
		out[i].Data = buf[start:len(buf):len(buf)]
	}
	return out, nil
}

// FindCredential implements mfa.Store.
func (s *Store) FindCredential(ctx context.Context, method, key string) (mfa.Credential, error) {
	if err := ctx.Err(); err != nil {
		return mfa.Credential{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.keys[methodKey{method, key}]
	if !ok {
		return mfa.Credential{}, fmt.Errorf("memory: credential: %w", mfa.ErrNotFound)
	}
	return copied(*c), nil
}

// CreateCredential implements mfa.Store.
func (s *Store) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c = copied(c)
	mk := methodKey{c.Method, c.Key}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[c.ID] != nil || s.keys[mk] != nil {
		return fmt.Errorf("memory: create credential: %w", mfa.ErrConflict)
	}
	s.ids[c.ID], s.keys[mk] = &c, &c
	s.users[c.UserID] = append(s.users[c.UserID], &c)
	return nil
}

// UpdateCredential implements mfa.Store.
func (s *Store) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c = copied(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.ids[c.ID]
	if stored == nil || stored.UserID != c.UserID || stored.Version != prev {
		return fmt.Errorf("memory: update credential: %w", mfa.ErrConflict)
	}
	stored.Name, stored.Data, stored.UsedAt, stored.Version = c.Name, c.Data, c.UsedAt, c.Version
	return nil
}

// DeleteCredential implements mfa.Store.
func (s *Store) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.ids[id]
	if stored == nil || stored.UserID != userID || stored.Version != prev {
		return fmt.Errorf("memory: delete credential: %w", mfa.ErrConflict)
	}
	delete(s.ids, id)
	delete(s.keys, methodKey{stored.Method, stored.Key})
	rest := slices.DeleteFunc(s.users[userID], func(c *mfa.Credential) bool { return c == stored })
	if len(rest) == 0 {
		delete(s.users, userID)
	} else {
		s.users[userID] = rest
	}
	return nil
}

// DeleteUser implements mfa.UserDeleter.
func (s *Store) DeleteUser(ctx context.Context, userID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.users[userID] {
		delete(s.ids, c.ID)
		delete(s.keys, methodKey{c.Method, c.Key})
	}
	delete(s.users, userID)
	return nil
}

// AllCredentials implements mfa.CredentialLister. It holds no lock while the
// caller has the turn.
func (s *Store) AllCredentials(ctx context.Context) iter.Seq2[mfa.Credential, error] {
	return func(yield func(mfa.Credential, error) bool) {
		s.mu.RLock()
		users := make([]string, 0, len(s.users))
		for userID := range s.users {
			users = append(users, userID)
		}
		s.mu.RUnlock()
		for _, userID := range users {
			credentials, err := s.Credentials(ctx, userID)
			if err != nil {
				yield(mfa.Credential{}, err)
				return
			}
			for _, c := range credentials {
				if !yield(c, nil) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(mfa.Credential{}, err)
		}
	}
}

func copied(c mfa.Credential) mfa.Credential {
	c.Data = slices.Clone(c.Data)
	c.CreatedAt, c.UsedAt = stamp(c.CreatedAt), stamp(c.UsedAt)
	return c
}

func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
