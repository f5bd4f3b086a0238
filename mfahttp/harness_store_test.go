package mfahttp_test

import (
	"context"
	"sync"

	"github.com/go-mfa/mfa"
)

// faultyStore asks fault before every call of the store. The name of the call
// is that of the method.
type faultyStore struct {
	mfa.Store
	mu     sync.Mutex
	fault  func(call string) error
	writes int
}

func (s *faultyStore) set(fault func(call string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *faultyStore) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *faultyStore) before(call string, write bool) error {
	s.mu.Lock()
	fault := s.fault
	if write {
		s.writes++
	}
	s.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(call)
}

func (s *faultyStore) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	if err := s.before("Credentials", false); err != nil {
		return nil, err
	}
	return s.Store.Credentials(ctx, userID)
}

func (s *faultyStore) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if err := s.before("CreateCredential", true); err != nil {
		return err
	}
	return s.Store.CreateCredential(ctx, c)
}

func (s *faultyStore) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if err := s.before("UpdateCredential", true); err != nil {
		return err
	}
	return s.Store.UpdateCredential(ctx, c, prev)
}

func (s *faultyStore) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	if err := s.before("DeleteCredential", true); err != nil {
		return err
	}
	return s.Store.DeleteCredential(ctx, userID, id, prev)
}

func (s *faultyStore) Record(ctx context.Context, key string) (mfa.Record, error) {
	if err := s.before("Record", false); err != nil {
		return mfa.Record{}, err
	}
	return s.Store.Record(ctx, key)
}

func (s *faultyStore) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if err := s.before("PutRecord", true); err != nil {
		return err
	}
	return s.Store.PutRecord(ctx, r, prev)
}

func (s *faultyStore) DeleteRecord(ctx context.Context, key string, prev int64) error {
	if err := s.before("DeleteRecord", true); err != nil {
		return err
	}
	return s.Store.DeleteRecord(ctx, key, prev)
}
