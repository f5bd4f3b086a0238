package stores

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openWatched opens a database of which every statement is announced, in the
// context it is sent with, before it is sent.
func openWatched(t testing.TB, name, dsn string, announce func(ctx context.Context, statement string)) *sql.DB {
	t.Helper()
	db, err := watch(name, dsn, announce)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// watch is openWatched for other processes.
func watch(name, dsn string, announce func(ctx context.Context, statement string)) (*sql.DB, error) {
	plain, err := sql.Open(name, dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(watched{plain.Driver(), dsn, announce}), plain.Close()
}

type watched struct {
	inner    driver.Driver
	dsn      string
	announce func(ctx context.Context, statement string)
}

func (w watched) Driver() driver.Driver { return w.inner }

func (w watched) Connect(ctx context.Context) (driver.Conn, error) {
	var (
		conn driver.Conn
		err  error
	)
	if d, ok := w.inner.(driver.DriverContext); ok {
		connector, err := d.OpenConnector(w.dsn)
		if err != nil {
			return nil, err
		}
		if conn, err = connector.Connect(ctx); err != nil {
			return nil, err
		}
	} else if conn, err = w.inner.Open(w.dsn); err != nil {
		return nil, err
	}
	return &watchedConn{conn, w.announce}, nil
}

// watchedConn has every optional part that database/sql asks for, and says so
// where the driver has it not.
type watchedConn struct {
	driver.Conn
	announce func(ctx context.Context, statement string)
}

func (c *watchedConn) PrepareContext(ctx context.Context, query string) (stmt driver.Stmt, err error) {
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		stmt, err = p.PrepareContext(ctx, query)
	} else {
		stmt, err = c.Prepare(query)
	}
	if err != nil {
		return nil, err
	}
	return &watchedStmt{stmt, query, c.announce}, nil
}

func (c *watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	e, ok := c.Conn.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	c.announce(ctx, query)
	return e.ExecContext(ctx, query, args)
}

func (c *watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	c.announce(ctx, query)
	return q.QueryContext(ctx, query, args)
}

func (c *watchedConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return nil, errors.New("a store begins no transactions")
}

func (c *watchedConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *watchedConn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *watchedConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type watchedStmt struct {
	driver.Stmt
	query    string
	announce func(ctx context.Context, statement string)
}

func (s *watchedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.announce(ctx, s.query)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *watchedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.announce(ctx, s.query)
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

func (s *watchedStmt) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}
