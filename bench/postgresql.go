package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// servePostgreSQL starts a PostgreSQL server with the buffers and the
// durability that PostgreSQL has by itself. settings change that.
func servePostgreSQL(settings ...string) (*testenv.Server, func() error, error) {
	return testenv.Serve(func(t testing.TB) *testenv.Server {
		return testenv.StartPostgreSQL(t, append([]string{"shared_buffers=128MB", "fsync=on"}, settings...)...)
	})
}

// openPostgreSQL opens a database of a server, which it makes, and keeps up to
// conns connections.
func openPostgreSQL(ctx context.Context, server *testenv.Server, database string, conns int) (*sql.DB, error) {
	admin, err := sql.Open("pgx", postgreSQLDSN(server, "postgres"))
	if err != nil {
		return nil, err
	}
	_, err = admin.ExecContext(ctx, "CREATE DATABASE "+database)
	if err = errors.Join(err, admin.Close()); err != nil {
		return nil, err
	}
	return openDSN(postgreSQLDSN(server, database), conns)
}

func openDSN(dsn string, conns int) (*sql.DB, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func postgreSQLDSN(server *testenv.Server, database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", server.Addr(), database)
}

// tryPostgreSQL is servePostgreSQL where it is installed. Elsewhere it says so
// and returns no server.
func tryPostgreSQL(settings ...string) (*testenv.Server, func() error, error) {
	server, end, err := servePostgreSQL(settings...)
	if errors.Is(err, testenv.ErrMissing) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return nil, func() error { return nil }, nil
	}
	return server, end, err
}

func postgreSQLPairs(ctx context.Context, server *testenv.Server) ([]pair, error) {
	if server == nil {
		return nil, nil
	}
	db, err := openPostgreSQL(ctx, server, "bench", 1)
	if err != nil {
		return nil, err
	}
	return sqlPairs(ctx, db, sqlstore.PostgreSQL, "PostgreSQL", 0)
}
