package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// Errors as the drivers have them.
type (
	pgError      struct{ state string } // pgx, lib/pq
	mysqlError   struct{ Number uint16 }
	moderncError struct{ code int }
	mattnError   struct{ Code mattnCode }
	mattnCode    int
)

func (e *pgError) Error() string      { return "ERROR: " + e.state }
func (e *pgError) SQLState() string   { return e.state }
func (e *mysqlError) Error() string   { return fmt.Sprintf("Error %d", e.Number) }
func (e *moderncError) Error() string { return fmt.Sprintf("sqlite: %d", e.code) }
func (e *moderncError) Code() int     { return e.code }
func (e mattnError) Error() string    { return fmt.Sprintf("sqlite3: %d", e.Code) }

func TestP05_WhatIsBusy(t *testing.T) {
	for _, c := range []struct {
		dialect Dialect
		err     error
		want    bool
	}{
		{PostgreSQL, &pgError{"40001"}, true},
		{PostgreSQL, &pgError{"40P01"}, true},
		{PostgreSQL, &pgError{"55P03"}, true},
		{PostgreSQL, &pgError{"23505"}, false},
		{PostgreSQL, &pgError{"57P01"}, false}, // the server went away: it may have happened
		{PostgreSQL, &mysqlError{1213}, false},
		{MySQL, &mysqlError{1213}, true},
		{MySQL, &mysqlError{1205}, true},
		{MySQL, &mysqlError{1020}, true},
		{MySQL, &mysqlError{1047}, true},
		{MySQL, &mysqlError{1062}, false},
		{MySQL, &mysqlError{1146}, false},
		{MySQL, &pgError{"40001"}, false},
		{SQLite, &moderncError{5}, true},
		{SQLite, &moderncError{5 | 2<<8}, true}, // SQLITE_BUSY_SNAPSHOT
		{SQLite, &moderncError{6}, true},
		{SQLite, &moderncError{1}, false},
		{SQLite, &moderncError{19}, false},
		{SQLite, mattnError{5}, true},
		{SQLite, mattnError{19}, false},
		{SQLite, errors.New("database is locked"), false},
		{SQLite, (*mysqlError)(nil), false},
		{SQLite, nil, false},
		{PostgreSQL, context.DeadlineExceeded, false},
		{0, &moderncError{5}, false},
	} {
		assert.Equal(t, c.want, c.dialect.busy(c.err), "%v: %#v", c.dialect, c.err)
		if c.err != nil && c.want {
			assert.True(t, c.dialect.busy(fmt.Errorf("wrapped: %w", c.err)))
			assert.True(t, c.dialect.busy(errors.Join(errors.New("other"), c.err)))
		}
	}
	assert.True(t, MySQL.duplicate(fmt.Errorf("wrapped: %w", &mysqlError{1062})))
	assert.False(t, MySQL.duplicate(&mysqlError{1213}))
	assert.False(t, PostgreSQL.duplicate(&mysqlError{1062}))
}

func TestP05_BusyIsTriedAgainAndThenSaid(t *testing.T) {
	s := &Store{dialect: PostgreSQL}
	deadlock := &pgError{"40P01"}
	calls := 0
	failing := func(n int, err error) func() error {
		calls = 0
		return func() error {
			if calls++; calls <= n {
				return err
			}
			return nil
		}
	}
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, s.retry(t.Context(), failing(busyTries-1, deadlock)))
		assert.Equal(t, busyTries, calls)

		err := s.retry(t.Context(), failing(1000, deadlock))
		require.ErrorIs(t, err, mfa.ErrBusy)
		require.ErrorIs(t, err, deadlock, "operators see the driver's error")
		assert.Equal(t, busyTries, calls)

		slowly := failing(1000, deadlock)
		err = s.retry(t.Context(), func() error { time.Sleep(time.Second); return slowly() })
		require.ErrorIs(t, err, mfa.ErrBusy)
		assert.Equal(t, 2, calls, "where the database waits by itself, two seconds are enough")

		lost := errors.New("connection lost")
		require.Equal(t, lost, s.retry(t.Context(), failing(1000, lost)))
		assert.Equal(t, 1, calls, "what may have happened is not repeated")

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = s.retry(ctx, failing(1000, deadlock))
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, calls)
	})
}
