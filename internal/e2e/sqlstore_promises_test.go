package e2e

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

func seeded(t *testing.T) (*sqlstore.Store, *sql.DB, mfa.Credential, mfa.Record) {
	t.Helper()
	db := testDB(t, newFile(t), 1)
	store := testSQLStore(t, db, sqlstore.Config{})
	c := mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Data: []byte("sealed"), Version: 1}
	r := mfa.Record{Key: "ceremony/1", Data: []byte("sealed"), ExpiresAt: time.UnixMilli(1000).UTC(), Version: 1}
	require.NoError(t, store.CreateCredential(t.Context(), c))
	require.NoError(t, store.PutRecord(t.Context(), r, 0))
	return store, db, c, r
}

// A write that changes nothing but the version, or not even that, has found
// its row all the same.
func TestP04_SQLiteRowsFoundCountNotRowsChanged(t *testing.T) {
	store, _, c, r := seeded(t)
	require.NoError(t, store.UpdateCredential(t.Context(), c, c.Version))
	require.NoError(t, store.PutRecord(t.Context(), r, r.Version))
	c.Version, r.Version = 2, 2
	require.NoError(t, store.UpdateCredential(t.Context(), c, 1))
	require.NoError(t, store.PutRecord(t.Context(), r, 1))
	require.ErrorIs(t, store.UpdateCredential(t.Context(), c, 1), mfa.ErrConflict)
	require.ErrorIs(t, store.PutRecord(t.Context(), r, 1), mfa.ErrConflict)
}

func TestP07_SQLiteCancelledBeforeSpendsNothing(t *testing.T) {
	store, _, c, r := seeded(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Credentials(ctx, c.UserID)
	require.ErrorIs(t, err, context.Canceled)
	_, err = store.Record(ctx, r.Key)
	require.ErrorIs(t, err, context.Canceled)
	for name, err := range map[string]error{
		"update":     store.UpdateCredential(ctx, c, c.Version),
		"delete":     store.DeleteCredential(ctx, c.UserID, c.ID, c.Version),
		"put":        store.PutRecord(ctx, r, r.Version),
		"spend":      store.DeleteRecord(ctx, r.Key, r.Version),
		"sweep":      store.SweepRecords(ctx, time.Now()),
		"deleteUser": store.DeleteUser(ctx, c.UserID),
	} {
		assert.ErrorIs(t, err, context.Canceled, name)
		assert.NotErrorIs(t, err, mfa.ErrConflict, name)
	}
	require.NoError(t, store.UpdateCredential(t.Context(), c, c.Version), "nothing was spent")
	require.NoError(t, store.DeleteRecord(t.Context(), r.Key, r.Version), "nothing was spent")
}

// The record expired in 1970, nothing sweeps, and the store does not care.
func TestP11_SQLiteDoesNotJudgeExpiry(t *testing.T) {
	store, _, _, r := seeded(t)
	got, err := store.Record(t.Context(), r.Key)
	require.NoError(t, err)
	require.Equal(t, r, got)
	require.ErrorIs(t, store.PutRecord(t.Context(), mfa.Record{Key: r.Key, Version: 2}, 0), mfa.ErrConflict)
	require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: r.Key, Version: 2}, r.Version))
}

// Whatever zone a time comes in, the column has milliseconds in UTC.
func TestP12_SQLiteKeepsMillisecondsInUTC(t *testing.T) {
	store, db, _, _ := seeded(t)
	for name, at := range map[string]time.Time{
		"utc":       time.Date(2026, 10, 25, 1, 30, 0, 987e6, time.UTC),
		"+14":       time.Date(2026, 10, 25, 1, 30, 0, 987e6, time.FixedZone("", 14*3600)),
		"-14":       time.Date(2026, 10, 25, 1, 30, 0, 987e6, time.FixedZone("", -14*3600)),
		"before":    time.Date(2026, 10, 25, 2, 30, 0, 987e6, time.FixedZone("CEST", 2*3600)),
		"after":     time.Date(2026, 10, 25, 2, 30, 0, 987e6, time.FixedZone("CET", 3600)),
		"year 9999": time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
		"1969":      time.Date(1969, 12, 31, 23, 59, 59, 1e6, time.UTC),
	} {
		c := mfa.Credential{ID: name, UserID: name, Method: "totp", Key: name, CreatedAt: at, UsedAt: at, Version: 1}
		require.NoError(t, store.CreateCredential(t.Context(), c))
		var created int64
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT created_at FROM mfa_credentials WHERE credential_key = ?", name).Scan(&created))
		require.Equal(t, at.UnixMilli(), created, name)
		got, err := store.FindCredential(t.Context(), "totp", name)
		require.NoError(t, err)
		require.Equal(t, at.UTC(), got.CreatedAt, name)
		require.Equal(t, at.UTC(), got.UsedAt, name)
	}
	c := mfa.Credential{ID: "zero", UserID: "zero", Method: "totp", Key: "zero", Version: 1}
	require.NoError(t, store.CreateCredential(t.Context(), c))
	got, err := store.FindCredential(t.Context(), "totp", "zero")
	require.NoError(t, err)
	require.True(t, got.UsedAt.IsZero())
	require.True(t, got.CreatedAt.IsZero())
}
