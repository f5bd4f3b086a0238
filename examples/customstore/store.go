// Package customstore is an mfa.Store over tables that an app had before: one
// of authenticators, from its home-made second factor, to which a key and a
// revision were added, and one of tokens, which it uses for password resets,
// too. Copy it, and change what differs in yours. It has no optional method:
// Manager.Sweep needs SweepRecords, and Manager.Reseal AllCredentials.
package customstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-mfa/mfa"
)

// Store implements mfa.Store. It is safe for concurrent use.
type Store struct{ DB DB }

// DB is the part of *sql.DB that the Store needs.
type DB interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

var _ mfa.Store = (*Store)(nil)

const authenticator = `SELECT id, account, kind, label, lookup, secret, added, seen, revision FROM authenticators `

// Credentials implements mfa.Store.
func (s *Store) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	return s.query(ctx, authenticator+`WHERE account = ?`, userID)
}

// FindCredential implements mfa.Store.
func (s *Store) FindCredential(ctx context.Context, method, key string) (mfa.Credential, error) {
	found, err := s.query(ctx, authenticator+`WHERE kind = ? AND lookup = ?`, method, key)
	if err == nil && len(found) == 0 {
		err = mfa.ErrNotFound
	}
	if err != nil {
		return mfa.Credential{}, err
	}
	return found[0], nil
}

// CreateCredential implements mfa.Store.
func (s *Store) CreateCredential(ctx context.Context, c mfa.Credential) error {
	return s.swap(ctx, `INSERT INTO authenticators (id, account, kind, label, lookup, secret, added, seen, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		c.ID, c.UserID, c.Method, c.Name, c.Key, blob(c.Data), millis(c.CreatedAt), millis(c.UsedAt), c.Version)
}

// UpdateCredential implements mfa.Store.
func (s *Store) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	return s.swap(ctx, `UPDATE authenticators SET label = ?, secret = ?, seen = ?, revision = ? WHERE id = ? AND account = ? AND revision = ?`,
		c.Name, blob(c.Data), millis(c.UsedAt), c.Version, c.ID, c.UserID, prev)
}

// DeleteCredential implements mfa.Store.
func (s *Store) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	return s.swap(ctx, `DELETE FROM authenticators WHERE id = ? AND account = ? AND revision = ?`, id, userID, prev)
}

// Record implements mfa.Store.
func (s *Store) Record(ctx context.Context, key string) (mfa.Record, error) {
	r := mfa.Record{Key: key}
	err := s.DB.QueryRowContext(ctx, `SELECT payload, expires, revision FROM tokens WHERE purpose = 'mfa' AND token = ?`, key).Scan(&r.Data, when{&r.ExpiresAt}, &r.Version)
	if errors.Is(err, sql.ErrNoRows) {
		err = mfa.ErrNotFound
	}
	if err != nil {
		return mfa.Record{}, err
	}
	return r, nil
}

// PutRecord implements mfa.Store.
func (s *Store) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if prev == 0 {
		return s.swap(ctx, `INSERT INTO tokens (purpose, token, payload, expires, revision) VALUES ('mfa', ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			r.Key, blob(r.Data), millis(r.ExpiresAt), r.Version)
	}
	return s.swap(ctx, `UPDATE tokens SET payload = ?, expires = ?, revision = ? WHERE purpose = 'mfa' AND token = ? AND revision = ?`,
		blob(r.Data), millis(r.ExpiresAt), r.Version, r.Key, prev)
}

// DeleteRecord implements mfa.Store.
func (s *Store) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return s.swap(ctx, `DELETE FROM tokens WHERE purpose = 'mfa' AND token = ? AND revision = ?`, key, prev)
}

// query reads credentials.
func (s *Store) query(ctx context.Context, query string, args ...any) (out []mfa.Credential, err error) {
	rows, err := s.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c mfa.Credential
		if err := rows.Scan(&c.ID, &c.UserID, &c.Method, &c.Name, &c.Key, &c.Data, when{&c.CreatedAt}, when{&c.UsedAt}, &c.Version); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// swap runs a conditional write, which has happened if it affected a row.
func (s *Store) swap(ctx context.Context, statement string, args ...any) error {
	result, err := s.DB.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return mfa.ErrConflict
}

// blob is never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
