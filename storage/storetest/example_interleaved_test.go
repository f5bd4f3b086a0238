package storetest_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/storetest"
)

// database is what your store needs of a *sql.DB.
type database interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// hookedDB calls between before every statement that writes. The statement has
// not taken a connection yet.
type hookedDB struct {
	*sql.DB
	between func(ctx context.Context)
}

func (db hookedDB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	db.between(ctx)
	return db.DB.ExecContext(ctx, query, args...)
}

// Your package has these.
var (
	newStore         func(db database) mfa.Store
	openTestDatabase func(t *testing.T) *sql.DB
)

func ExampleRunInterleaved() {
	_ = func(t *testing.T) { // in your package: func TestInterleaved(t *testing.T)
		storetest.RunInterleaved(t, func(t *testing.T, between func(ctx context.Context)) mfa.Store {
			return newStore(hookedDB{openTestDatabase(t), between})
		})
	}
	// Output:
}
