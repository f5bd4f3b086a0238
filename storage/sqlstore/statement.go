package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"

	"github.com/go-mfa/mfa"
)

// statement is prepared when it is first used and stays so for the life of
// the database handle: that saves SQLite a third of the cost. It is safe for
// concurrent use.
type statement struct {
	text     string
	prepared atomic.Pointer[sql.Stmt]
}

func (s *statement) prepare(ctx context.Context, db *sql.DB) (*sql.Stmt, error) {
	if p := s.prepared.Load(); p != nil {
		return p, nil
	}
	p, err := db.PrepareContext(ctx, s.text)
	if err != nil {
		return nil, err
	}
	if s.prepared.CompareAndSwap(nil, p) {
		return p, nil
	}
	// Somebody else was quicker.
	if err := p.Close(); err != nil { //nolint:sqlclosecheck // closed here and now, for the other one is returned
		return nil, err
	}
	return s.prepared.Load(), nil
}

func (s *Store) query(ctx context.Context, st *statement, args ...any) (*sql.Rows, error) {
	p, err := st.prepare(ctx, s.db) //nolint:sqlclosecheck // it lives as long as the database handle
	if err != nil {
		return nil, err
	}
	return p.QueryContext(ctx, args...)
}

// exec runs a statement and returns how many rows it affected.
func (s *Store) exec(ctx context.Context, st *statement, args ...any) (int64, error) {
	p, err := st.prepare(ctx, s.db) //nolint:sqlclosecheck // it lives as long as the database handle
	if err != nil {
		return 0, err
	}
	result, err := p.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// swap runs a conditional write, which has happened if and only if it affected
// one row. what names it in errors.
func (s *Store) swap(ctx context.Context, what string, st *statement, args ...any) error {
	switch n, err := s.exec(ctx, st, args...); {
	case err != nil:
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	case n == 0:
		return fmt.Errorf("sqlstore: %s: %w", what, mfa.ErrConflict)
	case n != 1:
		return fmt.Errorf("sqlstore: %s: the database affected %d rows instead of one: see what Store.Check says of the tables", what, n)
	}
	return nil
}
