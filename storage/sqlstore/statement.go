package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"

	"github.com/go-mfa/mfa"
)

// statement is prepared when it is first used and stays so for the life of
// the database handle, where its dialect prepares. It is safe for concurrent
// use.
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

// query sends a statement and has read take its rows. Where the database was
// too busy for one of them, all of it is done again.
func (s *Store) query(ctx context.Context, st *statement, read func(*sql.Rows) error, args ...any) error {
	return s.retry(ctx, func() (err error) {
		rows, err := s.send(ctx, st, args...) //nolint:sqlclosecheck // closeRows closes it
		if err != nil {
			return err
		}
		defer closeRows(rows, &err)
		if err := read(rows); err != nil {
			return err
		}
		return rows.Err()
	})
}

func (s *Store) send(ctx context.Context, st *statement, args ...any) (*sql.Rows, error) {
	if !s.dialect.prepares() {
		return s.db.QueryContext(ctx, st.text, args...)
	}
	p, err := st.prepare(ctx, s.db) //nolint:sqlclosecheck // it lives as long as the database handle
	if err != nil {
		return nil, err
	}
	return p.QueryContext(ctx, args...)
}

// closeRows closes rows. Half a result is no result, so an error of closing is
// an error of the query.
func closeRows(rows *sql.Rows, err *error) {
	if closing := rows.Close(); *err == nil {
		*err = closing
	}
}

// exec runs a statement and returns how many rows it affected.
func (s *Store) exec(ctx context.Context, st *statement, args ...any) (n int64, err error) {
	err = s.retry(ctx, func() error {
		result, err := s.sendExec(ctx, st, args...)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return n, err
}

func (s *Store) sendExec(ctx context.Context, st *statement, args ...any) (sql.Result, error) {
	if !s.dialect.prepares() {
		return s.db.ExecContext(ctx, st.text, args...)
	}
	p, err := st.prepare(ctx, s.db) //nolint:sqlclosecheck // it lives as long as the database handle
	if err != nil {
		return nil, err
	}
	return p.ExecContext(ctx, args...)
}

// swap runs a conditional write, which has happened if and only if it affected
// one row. what names it in errors.
func (s *Store) swap(ctx context.Context, what string, st *statement, args ...any) error {
	switch n, err := s.exec(ctx, st, args...); {
	case s.dialect.duplicate(err), err == nil && n == 0:
		return fmt.Errorf("sqlstore: %s: %w", what, mfa.ErrConflict)
	case err != nil:
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	case n != 1:
		return fmt.Errorf("sqlstore: %s: the database affected %d rows instead of one: see what Store.Check says of the tables", what, n)
	}
	return nil
}
