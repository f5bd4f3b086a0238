package stores

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/sqlstore"
	"github.com/go-mfa/mfa/storage/storetest"
)

// P03, P04: the ways in which an app may have opened its database.
func variants() []backend {
	postgres := func(params ...string) func(t testing.TB) spec {
		return func(t testing.TB) spec { return freshPostgreSQL(t, testenv.PostgreSQL(t), params...) }
	}
	maria := func(params ...string) func(t testing.TB) spec {
		return func(t testing.TB) spec { return freshMariaDB(t, testenv.MariaDB(t), params...) }
	}
	return append(
		everyKind(),
		backend{"SQLite, 8 connections", func(t testing.TB) spec {
			s := freshSQLite(t)
			s.Conns = 8
			return s
		}},
		backend{"PostgreSQL, serializable", postgres("default_transaction_isolation=serializable")},
		backend{"PostgreSQL, repeatable read", postgres("default_transaction_isolation=repeatable%20read")},
		backend{"PostgreSQL, simple protocol", postgres("default_query_exec_mode=simple_protocol")},
		backend{"PostgreSQL, nothing prepared", postgres("default_query_exec_mode=exec")},
		backend{"MariaDB, found rows", maria("clientFoundRows=true")},
		backend{"MariaDB, interpolated", maria("interpolateParams=true", "collation=latin1_german2_ci")},
		backend{"MariaDB, serializable", maria("tx_isolation=%27SERIALIZABLE%27")},
		backend{"MariaDB, read committed, not strict", maria("tx_isolation=%27READ-COMMITTED%27", "sql_mode=%27%27")},
	)
}

func TestP01_EveryStoreConforms(t *testing.T) {
	on(t, variants(), func(t *testing.T, s spec) {
		store := open(t, s)
		storetest.Run(t, func(*testing.T) mfa.Store { return store })
	})
}

// P03: whatever comes between two statements of a method changes nothing,
// because there is only one. Redis shows it in the tests of redisstore.
func TestP03_EveryDatabaseConformsInterleaved(t *testing.T) {
	on(t, databases(), func(t *testing.T, s spec) {
		storetest.RunInterleaved(t, func(t *testing.T, between func(context.Context)) mfa.Store {
			return openInterleaved(t, s, between)
		})
	})
}

// openInterleaved opens a store that calls between before each of its
// statements.
func openInterleaved(t *testing.T, s spec, between func(context.Context)) mfa.Store {
	t.Helper()
	db := openWatched(t, drivers[s.Dialect], s.DSNs[0], func(ctx context.Context, _ string) { between(ctx) })
	store, err := sqlstore.New(db, s.Dialect, sqlstore.Config{})
	require.NoError(t, err)
	return store
}
