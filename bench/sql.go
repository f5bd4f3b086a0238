package main

import (
	"context"
	"database/sql"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// newStore returns a store over a database, and makes its tables.
func newStore(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) (*sqlstore.Store, error) {
	store, err := sqlstore.New(db, dialect, sqlstore.Config{})
	if err != nil {
		return nil, err
	}
	return store, store.Migrate(ctx)
}

// sqlPairs are the verifications that are database writes, each beside one
// compare-and-set on the same database. ratio is their limit.
func sqlPairs(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect, name string, ratio float64) ([]pair, error) {
	store, err := newStore(ctx, db, dialect)
	if err != nil {
		return nil, err
	}
	p, err := newPerson(store, fixed{new(mfa.State)})
	if err != nil {
		return nil, err
	}
	s, err := newSwap(ctx, db, dialect, store, p)
	if err != nil {
		return nil, err
	}
	swapPrepared, err := s.prepared(ctx)
	if err != nil {
		return nil, err
	}
	var pairs []pair
	for _, ours := range []struct {
		name    string
		prepare func() (func() error, error)
	}{
		{"a TOTP verification on ", func() (func() error, error) {
			p.pass()
			return p.totp(ctx)
		}},
		{"a recovery code on ", func() (func() error, error) { return p.recovery(ctx) }},
	} {
		pairs = append(pairs, pair{
			name: ours.name + name, primitive: "one compare-and-set, `db.ExecContext`", n: 500,
			raw: timed(func() error { return s.plain(ctx) }), ours: prepared(ours.prepare), ratio: ratio,
		})
		if dialect == sqlstore.SQLite { // the driver of PostgreSQL prepares by itself
			pairs = append(pairs, pair{primitive: "the same, prepared once", n: 500, raw: timed(swapPrepared), ours: prepared(ours.prepare)})
		}
	}
	return pairs, nil
}
