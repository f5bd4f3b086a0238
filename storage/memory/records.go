package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-mfa/mfa"
)

// Made once: not finding a record is the usual case of a counter.
var (
	errNoRecord       = fmt.Errorf("memory: no such record: %w", mfa.ErrNotFound)
	errRecordConflict = fmt.Errorf("memory: the record is another: %w", mfa.ErrConflict)
)

// Record implements mfa.Records.
func (s *Store) Record(ctx context.Context, key string) (mfa.Record, error) {
	if err := ctx.Err(); err != nil {
		return mfa.Record{}, err
	}
	s.mu.RLock()
	r, ok := s.records[key]
	s.mu.RUnlock()
	if !ok {
		return mfa.Record{}, errNoRecord
	}
	r.Data = slices.Clone(r.Data) // what is stored is replaced, never changed
	return r, nil
}

// PutRecord implements mfa.Records.
func (s *Store) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Data, r.ExpiresAt = slices.Clone(r.Data), stamp(r.ExpiresAt)
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.records[r.Key]
	if ok != (prev != 0) || (ok && stored.Version != prev) {
		return errRecordConflict
	}
	s.records[r.Key] = r
	return nil
}

// DeleteRecord implements mfa.Records.
func (s *Store) DeleteRecord(ctx context.Context, key string, prev int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.records[key]
	if !ok || stored.Version != prev {
		return errRecordConflict
	}
	delete(s.records, key)
	return nil
}

// SweepRecords implements mfa.RecordSweeper.
func (s *Store) SweepRecords(ctx context.Context, before time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, r := range s.records {
		if !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(before) {
			delete(s.records, key)
		}
	}
	return nil
}
