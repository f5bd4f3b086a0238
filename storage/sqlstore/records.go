package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/go-mfa/mfa"
)

// Record implements mfa.Records.
func (s *Store) Record(ctx context.Context, key string) (mfa.Record, error) {
	r, found, err := s.selectRecord(ctx, key)
	if err != nil {
		return mfa.Record{}, fmt.Errorf("sqlstore: record: %w", err)
	}
	if !found {
		return mfa.Record{}, fmt.Errorf("sqlstore: record: %w", mfa.ErrNotFound)
	}
	return r, nil
}

// PutRecord implements mfa.Records.
func (s *Store) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if prev == 0 {
		return s.swap(ctx, "create record", &s.sql.createRecord, r.Key, blob(r.Data), millis(r.ExpiresAt), r.Version)
	}
	return s.swap(ctx, "update record", &s.sql.updateRecord, blob(r.Data), millis(r.ExpiresAt), r.Version, r.Key, prev)
}

// DeleteRecord implements mfa.Records.
func (s *Store) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return s.swap(ctx, "delete record", &s.sql.deleteRecord, key, prev)
}

// SweepRecords implements mfa.RecordSweeper.
func (s *Store) SweepRecords(ctx context.Context, before time.Time) error {
	if _, err := s.exec(ctx, &s.sql.sweepRecords, before.UnixMilli()); err != nil {
		return fmt.Errorf("sqlstore: sweep records: %w", err)
	}
	return nil
}

func (s *Store) selectRecord(ctx context.Context, key string) (r mfa.Record, found bool, err error) {
	rows, err := s.query(ctx, &s.sql.record, key)
	if err != nil {
		return mfa.Record{}, false, err
	}
	defer closeRows(rows, &err)
	if !rows.Next() {
		return mfa.Record{}, false, rows.Err()
	}
	if err := rows.Scan(&r.Key, &r.Data, millisInto{&r.ExpiresAt}, &r.Version); err != nil {
		return mfa.Record{}, false, err
	}
	return r, true, nil
}
