package customstore

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/storetest"
)

func openDB(t *testing.T) *sql.DB {
	t.Helper()
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)"}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "app.db")+"?"+pragmas.Encode())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	db.SetMaxOpenConns(2)
	_, err = db.ExecContext(t.Context(), Tables)
	require.NoError(t, err)
	return db
}

func TestP01_CustomStoreConforms(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mfa.Store { return &Store{DB: openDB(t)} })
}

// watchedDB lets another request come before each statement.
type watchedDB struct {
	DB
	between func(context.Context)
}

func (w watchedDB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	w.between(ctx)
	return w.DB.ExecContext(ctx, query, args...)
}

func TestP03_CustomStoreConformsInterleaved(t *testing.T) {
	storetest.RunInterleaved(t, func(t *testing.T, between func(context.Context)) mfa.Store {
		return &Store{DB: watchedDB{openDB(t), between}}
	})
}

// The app's own tokens are none of the Store's business.
func TestTheAppsTokensStayItsOwn(t *testing.T) {
	db := openDB(t)
	store := &Store{DB: db}
	_, err := db.ExecContext(t.Context(), `INSERT INTO tokens (purpose, token, payload, revision) VALUES ('reset', 'keep/1', 'mine', 1)`)
	require.NoError(t, err)
	_, err = store.Record(t.Context(), "keep/1")
	require.ErrorIs(t, err, mfa.ErrNotFound)
	require.ErrorIs(t, store.DeleteRecord(t.Context(), "keep/1", 1), mfa.ErrConflict)
	require.ErrorIs(t, store.PutRecord(t.Context(), mfa.Record{Key: "keep/1", Version: 2}, 1), mfa.ErrConflict)
	require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: "keep/1", Version: 2}, 0))
}
