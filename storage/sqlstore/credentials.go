package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"github.com/go-mfa/mfa"
)

// Credentials implements mfa.Store.
func (s *Store) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	out, err := s.selectCredentials(ctx, &s.sql.credentials, blob(userID))
	if err != nil {
		return nil, fmt.Errorf("sqlstore: credentials: %w", err)
	}
	return out, nil
}

// FindCredential implements mfa.Store.
func (s *Store) FindCredential(ctx context.Context, method, key string) (mfa.Credential, error) {
	switch found, err := s.selectCredentials(ctx, &s.sql.findCredential, method, key); {
	case err != nil:
		return mfa.Credential{}, fmt.Errorf("sqlstore: find credential: %w", err)
	case len(found) == 0:
		return mfa.Credential{}, fmt.Errorf("sqlstore: find credential: %w", mfa.ErrNotFound)
	case len(found) > 1:
		return mfa.Credential{}, fmt.Errorf("sqlstore: find credential: %d rows have one key: see what Store.Check says of the tables", len(found))
	default:
		return found[0], nil
	}
}

// CreateCredential implements mfa.Store.
func (s *Store) CreateCredential(ctx context.Context, c mfa.Credential) error {
	return s.swap(ctx, "create credential", &s.sql.createCredential,
		blob(c.ID), blob(c.UserID), c.Method, c.Key, c.Name, blob(c.Data), micros(c.CreatedAt), micros(c.UsedAt), c.Version)
}

// UpdateCredential implements mfa.Store.
func (s *Store) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	return s.swap(ctx, "update credential", &s.sql.updateCredential,
		c.Name, blob(c.Data), micros(c.UsedAt), c.Version, blob(c.UserID), blob(c.ID), prev)
}

// DeleteCredential implements mfa.Store.
func (s *Store) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	return s.swap(ctx, "delete credential", &s.sql.deleteCredential, blob(userID), blob(id), prev)
}

// DeleteUser implements mfa.UserDeleter.
func (s *Store) DeleteUser(ctx context.Context, userID string) error {
	if _, err := s.exec(ctx, &s.sql.deleteUser, blob(userID)); err != nil {
		return fmt.Errorf("sqlstore: delete user: %w", err)
	}
	return nil
}

// AllCredentials implements mfa.CredentialLister, in the order of the ids. It
// reads page by page and holds no connection while the caller has the turn, so
// that the caller may write even where there is only one.
func (s *Store) AllCredentials(ctx context.Context) iter.Seq2[mfa.Credential, error] {
	return func(yield func(mfa.Credential, error) bool) {
		// The first page has no condition: "" may be NULL (EMPTY_STRING_IS_NULL).
		st, args := &s.sql.firstCredentials, []any(nil)
		for {
			page, err := s.selectCredentials(ctx, st, args...)
			if err != nil {
				yield(mfa.Credential{}, fmt.Errorf("sqlstore: all credentials: %w", err))
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
			if len(page) < maxPage {
				return
			}
			st, args = &s.sql.allCredentials, []any{blob(page[len(page)-1].ID)}
		}
	}
}

func (s *Store) selectCredentials(ctx context.Context, st *statement, args ...any) (out []mfa.Credential, err error) {
	err = s.query(ctx, st, func(rows *sql.Rows) error {
		out = nil
		for rows.Next() {
			var c mfa.Credential
			if err := rows.Scan(&c.ID, &c.UserID, &c.Method, &c.Key, &c.Name, &c.Data,
				microsInto{&c.CreatedAt}, microsInto{&c.UsedAt}, &c.Version); err != nil {
				return err
			}
			out = append(out, c)
		}
		return nil
	}, args...)
	if err != nil {
		return nil, err
	}
	return out, nil
}
