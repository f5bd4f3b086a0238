package testenv

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/alexedwards/scs/v2"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/session/scssession"
)

// Sessions returns what the sessions in the demo's database have proved.
func Sessions(t testing.TB, database string) (states []mfa.State) {
	t.Helper()
	Query(t, database, func(rows *sql.Rows) error {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		_, values, err := scs.GobCodec{}.Decode(data)
		if err != nil {
			return err
		}
		encoded, ok := values[scssession.StateKey].([]byte)
		if !ok {
			return nil // nobody's
		}
		var s mfa.State
		if err := s.UnmarshalBinary(encoded); err != nil {
			return err
		}
		states = append(states, s)
		return nil
	}, `SELECT data FROM sessions`)
	return states
}

// Query calls do for each row of a query, over a connection of its own.
func Query(t testing.TB, database string, do func(*sql.Rows) error, query string, args ...any) {
	t.Helper()
	withDatabase(t, database, func(ctx context.Context, db *sql.DB) (err error) {
		rows, err := db.QueryContext(ctx, query, args...) //nolint:sqlclosecheck // closed below
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			if err := do(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// Exec runs a statement over a connection of its own.
func Exec(t testing.TB, database, statement string) {
	t.Helper()
	withDatabase(t, database, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, statement)
		return err
	})
}

func withDatabase(t testing.TB, database string, do func(context.Context, *sql.DB) error) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+database+"?_pragma=busy_timeout(10000)")
	check(t, err)
	check(t, errors.Join(do(context.WithoutCancel(t.Context()), db), db.Close()))
}
