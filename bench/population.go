package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// population is a database of many users, and those people among them who
// can verify.
type population struct {
	db     *sql.DB
	users  int
	bytes  int64 // of tables and indexes
	people []*person
}

// engine is a kind of database. fill makes one of the crowd and others, and
// says how many bytes it takes.
type engine struct {
	name    string
	dialect sqlstore.Dialect
	fill    func(ctx context.Context, c *crowd, users int) (db *sql.DB, bytes int64, err error)
}

func sqliteEngine(dir string) engine {
	return engine{"SQLite", sqlstore.SQLite, func(ctx context.Context, c *crowd, users int) (*sql.DB, int64, error) {
		path := filepath.Join(dir, fmt.Sprintf("%d.db", users))
		if err := fillSQLite(ctx, path, c.among(users)); err != nil {
			return nil, 0, err
		}
		file, err := os.Stat(path)
		if err != nil {
			return nil, 0, err
		}
		db, err := openSQLite(path)
		return db, file.Size(), err
	}}
}

func postgreSQLEngine(server *testenv.Server) engine {
	return engine{"PostgreSQL", sqlstore.PostgreSQL, func(ctx context.Context, c *crowd, users int) (*sql.DB, int64, error) {
		db, err := openPostgreSQL(ctx, server, fmt.Sprintf("users_%d", users), 1)
		if err != nil {
			return nil, 0, err
		}
		var bytes int64
		err = fillPostgreSQL(ctx, db, c.among(users))
		if err == nil {
			err = db.QueryRowContext(ctx, "SELECT pg_total_relation_size('mfa_credentials') + pg_total_relation_size('mfa_records')").Scan(&bytes)
		}
		if err != nil {
			return nil, 0, errors.Join(err, db.Close())
		}
		return db, bytes, nil
	}}
}

// populate makes a database of each size. Those that it returns have to be
// closed, even if it fails.
func (e engine) populate(ctx context.Context, c *crowd, sizes []int) ([]population, error) {
	var all []population
	for _, users := range sizes {
		db, bytes, err := e.fill(ctx, c, users)
		if err != nil {
			return all, err
		}
		all = append(all, population{db: db, users: users, bytes: bytes})
		store, err := sqlstore.New(db, e.dialect, sqlstore.Config{})
		if err != nil {
			return all, err
		}
		a, err := newApp(store, fixed{new(mfa.State)}, c.app.now())
		if err != nil {
			return all, err
		}
		all[len(all)-1].people = c.in(a)
	}
	return all, nil
}

func closeAll(all []population) error {
	var errs []error
	for _, p := range all {
		errs = append(errs, p.db.Close())
	}
	return errors.Join(errs...)
}
