package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// swap is the primitive of a verification: a conditional update of one
// credential's row, which nobody else uses.
type swap struct {
	db   *sql.DB
	text string
	row  mfa.Credential
}

// newSwap copies the row of a person's authenticator.
func newSwap(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect, store mfa.Store, p *person) (*swap, error) {
	all, err := store.Credentials(ctx, p.id)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c mfa.Credential) bool { return c.Method == "totp" })
	if i < 0 {
		return nil, fmt.Errorf("%s has no authenticator", p.id)
	}
	c := all[i]
	c.ID = rand.Text()
	c.UserID, c.Key = c.ID, c.ID
	text := placeholders(dialect, `UPDATE mfa_credentials SET name = ?, data = ?, used_at = ?, version = ? WHERE user_id = ? AND id = ? AND version = ?`)
	return &swap{db: db, text: text, row: c}, store.CreateCredential(ctx, c)
}

// placeholders numbers the question marks for PostgreSQL.
func placeholders(d sqlstore.Dialect, text string) string {
	for i := 1; d == sqlstore.PostgreSQL && strings.Contains(text, "?"); i++ {
		text = strings.Replace(text, "?", "$"+strconv.Itoa(i), 1)
	}
	return text
}

// plain swaps the way an app sends it.
func (s *swap) plain(ctx context.Context) error {
	return s.do(ctx, func(ctx context.Context, args ...any) (sql.Result, error) {
		return s.db.ExecContext(ctx, s.text, args...)
	})
}

// prepared returns a swap through a statement that is prepared once, as the
// store does it where that makes a difference.
func (s *swap) prepared(ctx context.Context) (func() error, error) {
	stmt, err := s.db.PrepareContext(ctx, s.text)
	return func() error { return s.do(ctx, stmt.ExecContext) }, err
}

// do swaps under a deadline, as a request has one.
func (s *swap) do(ctx context.Context, exec func(ctx context.Context, args ...any) (sql.Result, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	res, err := exec(ctx, s.row.Name, s.row.Data, s.row.UsedAt.UnixMicro(), s.row.Version+1, []byte(s.row.UserID), []byte(s.row.ID), s.row.Version)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("the swap affected %d rows: %w", n, err)
	}
	s.row.Version++
	return nil
}
