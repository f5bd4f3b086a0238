package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

func openSQLite(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func sqlitePairs(dir string) ([]pair, error) {
	ctx := context.Background()
	db, err := openSQLite(filepath.Join(dir, "bench.db"))
	if err != nil {
		return nil, err
	}
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx); err != nil {
		return nil, err
	}
	s, err := newSetup(store, fixed{new(mfa.State)})
	if err != nil {
		return nil, err
	}
	swap, swapPrepared, err := compareAndSet(ctx, db)
	if err != nil {
		return nil, err
	}
	totp := func() (func() error, error) {
		s.clock.Add(period.Milliseconds())
		code, err := s.code()
		return func() error {
			_, err := s.m.Verify(ctx, s.first, mfa.VerifyOptions{Method: "totp"}, code)
			return err
		}, err
	}
	lookup := func() (func() error, error) {
		if len(s.codes) == 0 {
			if err := s.refresh(ctx); err != nil {
				return nil, err
			}
		}
		code := s.codes[0]
		s.codes = s.codes[1:]
		return func() error {
			_, err := s.m.Verify(ctx, s.first, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(code))
			return err
		}, nil
	}
	const (
		beside         = "one compare-and-set, `db.ExecContext`"
		besidePrepared = "the same, prepared once"
	)
	return []pair{
		{name: "a TOTP verification on SQLite", primitive: beside, n: 500, raw: timed(swap), ours: prepared(totp), ratio: 5},
		{name: "", primitive: besidePrepared, n: 500, raw: timed(swapPrepared), ours: prepared(totp)},
		{name: "a recovery code on SQLite", primitive: beside, n: 500, raw: timed(swap), ours: prepared(lookup), ratio: 5},
		{name: "", primitive: besidePrepared, n: 500, raw: timed(swapPrepared), ours: prepared(lookup)},
	}, nil
}

// compareAndSet returns one conditional update of a credential's row on the
// same database under a deadline, as a request has one: the way an app sends
// it, and through a statement that was prepared once, as the store does.
func compareAndSet(ctx context.Context, db *sql.DB) (plain, prepared func() error, err error) {
	const row = `FROM mfa_credentials WHERE method = 'totp'`
	var (
		data    []byte
		version int64
	)
	if err := db.QueryRowContext(ctx, `SELECT data, version `+row).Scan(&data, &version); err != nil {
		return nil, nil, err
	}
	// A row of its own, so that the two sides do not meet.
	if _, err := db.ExecContext(ctx, `INSERT INTO mfa_credentials SELECT 'bench', 'bench', method, 'bench', name, data, created_at, used_at, version `+row); err != nil {
		return nil, nil, err
	}
	const update = `UPDATE mfa_credentials SET name = ?, data = ?, used_at = ?, version = ? WHERE user_id = 'bench' AND id = 'bench' AND version = ?`
	stmt, err := db.PrepareContext(ctx, update)
	if err != nil {
		return nil, nil, err
	}
	swap := func(exec func(ctx context.Context, args ...any) (sql.Result, error)) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		res, err := exec(ctx, "totp", data, version, version+1, version)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("the swap affected %d rows: %w", n, err)
		}
		version++
		return nil
	}
	plain = func() error {
		return swap(func(ctx context.Context, args ...any) (sql.Result, error) {
			return db.ExecContext(ctx, update, args...)
		})
	}
	prepared = func() error { return swap(stmt.ExecContext) }
	return plain, prepared, nil
}

// refresh makes the session privileged again and renews the recovery codes.
func (s *setup) refresh(ctx context.Context) error {
	s.clock.Add(period.Milliseconds())
	code, err := s.code()
	if err != nil {
		return err
	}
	if s.aal2, err = s.m.Verify(ctx, s.aal2, mfa.VerifyOptions{Method: "totp", Refresh: true}, code); err != nil {
		return err
	}
	return s.renewCodes(ctx)
}
