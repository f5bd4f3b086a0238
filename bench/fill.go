package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// fillSQLite makes a file with these credentials, in one transaction without a
// journal.
func fillSQLite(ctx context.Context, path string, all iter.Seq[mfa.Credential]) (err error) {
	db, err := openSQLiteWith(path, "journal_mode(OFF)", "synchronous(OFF)", "cache_size(-2000000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := newStore(ctx, db, sqlstore.SQLite); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	placeholders := strings.Repeat(", ?", len(columns))[2:]
	insert, err := tx.PrepareContext(ctx, "INSERT INTO mfa_credentials ("+strings.Join(columns, ", ")+") VALUES ("+placeholders+")") //nolint:gosec // constants
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	for c := range all {
		if _, err := insert.ExecContext(ctx, row(c)...); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// fillPostgreSQL makes the tables with these credentials, and leaves them as
// they are when the server has had time to tidy up.
func fillPostgreSQL(ctx context.Context, db *sql.DB, all iter.Seq[mfa.Credential]) (err error) {
	if _, err := newStore(ctx, db, sqlstore.PostgreSQL); err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = conn.Raw(func(c any) error {
		driver, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the connection is a %T", c)
		}
		return copyTo(ctx, driver.Conn(), all)
	})
	if err != nil {
		return err
	}
	for _, statement := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func copyTo(ctx context.Context, conn *pgx.Conn, all iter.Seq[mfa.Credential]) error {
	next, stop := iter.Pull(all)
	defer stop()
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"mfa_credentials"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		c, ok := next()
		if !ok {
			return nil, nil
		}
		return row(c), nil
	}))
	return err
}

// columns are those of a row.
var columns = []string{"user_id", "id", "method", "credential_key", "name", "data", "created_at", "used_at", "version"}

func row(c mfa.Credential) []any {
	return []any{[]byte(c.UserID), []byte(c.ID), c.Method, c.Key, c.Name, c.Data, micros(c.CreatedAt), micros(c.UsedAt), c.Version}
}

func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
