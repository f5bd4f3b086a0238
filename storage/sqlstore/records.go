package sqlstore

import (
	"context"
	"database/sql"
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
		return s.swap(ctx, "create record", &s.sql.createRecord, r.Key, blob(r.Data), micros(r.ExpiresAt), r.Version)
	}
	return s.swap(ctx, "update record", &s.sql.updateRecord, blob(r.Data), micros(r.ExpiresAt), r.Version, r.Key, prev)
}

// DeleteRecord implements mfa.Records.
func (s *Store) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return s.swap(ctx, "delete record", &s.sql.deleteRecord, key, prev)
}

// SweepRecords implements mfa.RecordSweeper.
func (s *Store) SweepRecords(ctx context.Context, before time.Time) error {
	if _, err := s.exec(ctx, &s.sql.sweepRecords, before.UnixMicro()); err != nil {
		return fmt.Errorf("sqlstore: sweep records: %w", err)
	}
	return nil
}

func (s *Store) selectRecord(ctx context.Context, key string) (r mfa.Record, found bool, err error) {
	err = s.query(ctx, &s.sql.record, func(rows *sql.Rows) error {
		if found = rows.Next(); !found {
			return nil
		}
		return rows.Scan(&r.Key, &r.Data, microsInto{&r.ExpiresAt}, &r.Version)
	}, key)
	if err != nil {
		return mfa.Record{}, false, err
	}
	return r, found, nil
}
