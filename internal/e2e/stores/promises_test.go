package stores

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// seeded returns a new store with one credential and one record that expired
// in 1970.
func seeded(t *testing.T, s spec) (*opened, mfa.Credential, mfa.Record) {
	t.Helper()
	store := open(t, s)
	c := mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Data: []byte("sealed"), Version: 1}
	r := mfa.Record{Key: "keep/1", Data: []byte("sealed"), ExpiresAt: time.UnixMilli(1000).UTC(), Version: 1}
	require.NoError(t, store.CreateCredential(t.Context(), c))
	require.NoError(t, store.PutRecord(t.Context(), r, 0))
	return store, c, r
}

// P04: a write that changes nothing but the version has found its row all the
// same, whatever the driver counts.
func TestP04_RowsFoundCount(t *testing.T) {
	for _, b := range variants() {
		t.Run(b.name, func(t *testing.T) {
			store, c, r := seeded(t, b.fresh(t))
			c.Version, r.Version = 2, 2
			require.NoError(t, store.UpdateCredential(t.Context(), c, 1))
			require.NoError(t, store.PutRecord(t.Context(), r, 1))
			require.ErrorIs(t, store.UpdateCredential(t.Context(), c, 1), mfa.ErrConflict)
			require.ErrorIs(t, store.PutRecord(t.Context(), r, 1), mfa.ErrConflict)
			require.ErrorIs(t, store.PutRecord(t.Context(), r, 0), mfa.ErrConflict)
			require.ErrorIs(t, store.CreateCredential(t.Context(), c), mfa.ErrConflict)
		})
	}
}

func TestP07_CancelledBeforeSpendsNothing(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		store, c, r := seeded(t, s)
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
			assert.NotErrorIs(t, err, mfa.ErrBusy, name)
		}
		c.Version = 2
		require.NoError(t, store.UpdateCredential(t.Context(), c, 1), "nothing was spent")
		require.NoError(t, store.DeleteRecord(t.Context(), r.Key, r.Version), "nothing was spent")
	})
}

// Nothing sweeps, and the store does not care that the record has expired.
func TestP11_NoStoreJudgesExpiry(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		store, _, r := seeded(t, s)
		got, err := store.Record(t.Context(), r.Key)
		require.NoError(t, err)
		require.Equal(t, r, got)
		require.ErrorIs(t, store.PutRecord(t.Context(), mfa.Record{Key: r.Key, Version: 2}, 0), mfa.ErrConflict)
		require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: r.Key, Version: 2}, r.Version))
	})
}

// Whatever zones a time, the connection and the server have, the column has
// microseconds in UTC.
func TestP12_MicrosecondsInUTC(t *testing.T) {
	at := map[string]time.Time{
		"utc":       time.Date(2026, 10, 25, 1, 30, 0, 987654000, time.UTC),
		"+14":       time.Date(2026, 10, 25, 1, 30, 0, 987654000, time.FixedZone("", 14*3600)),
		"-14":       time.Date(2026, 10, 25, 1, 30, 0, 987654000, time.FixedZone("", -14*3600)),
		"before":    time.Date(2026, 10, 25, 2, 30, 0, 987e6, time.FixedZone("CEST", 2*3600)),
		"after":     time.Date(2026, 10, 25, 2, 30, 0, 987e6, time.FixedZone("CET", 3600)),
		"year 9999": time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		"1969":      time.Date(1969, 12, 31, 23, 59, 59, 1000, time.UTC),
	}
	onEachDatabase(t, func(t *testing.T, s spec) {
		if s.Dialect == sqlstore.MySQL {
			s.DSNs[0] += "&parseTime=true&loc=Asia%2FTokyo&time_zone=%27-11:00%27"
		}
		store := open(t, s)
		for name, at := range at {
			c := mfa.Credential{ID: name, UserID: name, Method: "totp", Key: name, CreatedAt: at, UsedAt: at, Version: 1}
			require.NoError(t, store.CreateCredential(t.Context(), c))
			var created int64
			require.NoError(t, store.db.QueryRowContext(t.Context(), "SELECT created_at FROM mfa_credentials WHERE credential_key = '"+name+"'").Scan(&created))
			require.Equal(t, at.UnixMicro(), created, name)
			got, err := store.FindCredential(t.Context(), "totp", name)
			require.NoError(t, err)
			require.Equal(t, at.UTC(), got.CreatedAt, name)
			require.Equal(t, at.UTC(), got.UsedAt, name)
		}
		require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{ID: "zero", UserID: "zero", Method: "totp", Key: "zero", Version: 1}))
		got, err := store.FindCredential(t.Context(), "totp", "zero")
		require.NoError(t, err)
		require.True(t, got.UsedAt.IsZero())
		require.True(t, got.CreatedAt.IsZero())
	})
}

// An id that a database would take for another is kept apart.
func TestP13_EveryByteOfAnID(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		store := open(t, s)
		for i, id := range []string{"a\x00b", "a", "a\x00", "a\xff", "a\xfe", "a\ufffd", "A", "a ", "e\u0301", "\u00e9", strings.Repeat("\x00", 255), strings.Repeat("\xff", 255)} {
			c := mfa.Credential{ID: id, UserID: id, Method: "totp", Key: fmt.Sprint(i), Version: 1}
			require.NoError(t, store.CreateCredential(t.Context(), c))
			all, err := store.Credentials(t.Context(), id)
			require.NoError(t, err)
			require.Len(t, all, 1)
			require.Equal(t, id, all[0].UserID)
			require.Equal(t, c.ID, all[0].ID)
		}
		n := 0
		for _, err := range store.AllCredentials(t.Context()) {
			require.NoError(t, err)
			n++
		}
		require.Equal(t, 12, n)
	})
}

func TestP13_SQLiteInUTF16(t *testing.T) {
	s := freshSQLite(t)
	o, store := bare(t, s, sqlstore.Config{})
	execute(t, o, "PRAGMA encoding = 'UTF-16le'")
	require.NoError(t, store.Migrate(t.Context()))
	for i, id := range []string{"a\x00b", "a", "a\xff", "a\xfe", "a\ufffd"} {
		require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{ID: id, UserID: id, Method: "totp", Key: fmt.Sprint(i), Version: 1}))
		all, err := store.Credentials(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, all, 1)
	}
}

// A caller that hangs up while it waits for the one connection spends nothing
// and is not held.
func TestP08_AWaitEndsWithItsContext(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		s.Conns = 1
		store := open(t, s)
		require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: "k", Version: 1}, 0))
		only, err := store.db.Conn(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err = store.DeleteRecord(ctx, "k", 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, mfa.ErrConflict)
		require.NoError(t, only.Close())
		require.NoError(t, store.DeleteRecord(t.Context(), "k", 1))
	})
}

func TestP18_ADeletedUserLeavesNothing(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		store := open(t, s)
		for i := range 3 {
			id := fmt.Sprint(i)
			require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{ID: id, UserID: "u", Method: "totp", Key: id, Version: 1}))
		}
		require.NoError(t, store.DeleteUser(t.Context(), "u"))
		var n int
		require.NoError(t, store.db.QueryRowContext(t.Context(), "SELECT count(*) FROM mfa_credentials").Scan(&n))
		require.Zero(t, n)
	})
}

// The documented query: who has a second factor.
func TestWhoHasMFA(t *testing.T) {
	queries := map[sqlstore.Dialect]string{
		sqlstore.SQLite:     "SELECT DISTINCT CAST(user_id AS TEXT) FROM mfa_credentials WHERE method NOT IN ('lookup_secret', 'device') ORDER BY 1",
		sqlstore.PostgreSQL: "SELECT DISTINCT convert_from(user_id, 'UTF8') FROM mfa_credentials WHERE method NOT IN ('lookup_secret', 'device') ORDER BY 1",
		sqlstore.MySQL:      "SELECT DISTINCT CONVERT(user_id USING utf8mb4) FROM mfa_credentials WHERE method NOT IN ('lookup_secret', 'device') ORDER BY 1",
	}
	onEachDatabase(t, func(t *testing.T, s spec) {
		store := open(t, s)
		for i, c := range [][2]string{{"zoë", "totp"}, {"zoë", "webauthn"}, {"anna", "totp"}, {"nobody", "lookup_secret"}, {"nobody", "device"}} {
			require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{ID: fmt.Sprint(i), UserID: c[0], Method: c[1], Key: fmt.Sprint(i), Version: 1}))
		}
		rows, err := store.db.QueryContext(t.Context(), queries[s.Dialect])
		require.NoError(t, err)
		var who []string
		for rows.Next() {
			var id string
			require.NoError(t, rows.Scan(&id))
			who = append(who, id)
		}
		require.NoError(t, rows.Err())
		require.Equal(t, []string{"anna", "zoë"}, who)
	})
}

// O04: whoever lists all credentials gets all, also where the database takes an
// empty string for NULL.
func TestO04_AllCredentialsWhereEmptyIsNull(t *testing.T) {
	store := open(t, freshMariaDB(t, testenv.MariaDB(t), "sql_mode=%27EMPTY_STRING_IS_NULL%27"))
	require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Name: "n", Data: []byte("d"), Version: 1}))
	n := 0
	for _, err := range store.AllCredentials(t.Context()) {
		require.NoError(t, err)
		n++
	}
	require.Equal(t, 1, n)
}

// P05: a database that another process has locked is busy, not an answer, and
// nothing is written.
func TestP05_ALockedSQLiteIsBusy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mfa.db")
	store, c, r := seeded(t, spec{Dialect: sqlstore.SQLite, Conns: 1, DSNs: []string{sqliteDSN(file)}})
	impatient, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(1)")
	require.NoError(t, err)
	defer func() { require.NoError(t, impatient.Close()) }()
	busy, err := sqlstore.New(impatient, sqlstore.SQLite, sqlstore.Config{})
	require.NoError(t, err)
	writer, err := store.db.Conn(t.Context())
	require.NoError(t, err)
	_, err = writer.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)

	for name, err := range writes(t.Context(), busy, c, r) {
		assert.ErrorIs(t, err, mfa.ErrBusy, name)
		assert.ErrorContains(t, err, "locked", name)
		assert.NotErrorIs(t, err, mfa.ErrConflict, name)
	}
	all, err := busy.Credentials(t.Context(), c.UserID) // readers do not wait for writers
	require.NoError(t, err)
	require.Len(t, all, 1)

	_, err = writer.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.NoError(t, busy.DeleteRecord(t.Context(), r.Key, r.Version), "what failed was not spent")
}

// writes attempts each kind of write.
func writes(ctx context.Context, s *sqlstore.Store, c mfa.Credential, r mfa.Record) map[string]error {
	again, other := c, r
	again.Version, other.Version = 2, 2
	return map[string]error{
		"create":        s.CreateCredential(ctx, mfa.Credential{ID: "d", UserID: "u", Method: "totp", Key: "d", Version: 1}),
		"update":        s.UpdateCredential(ctx, again, c.Version),
		"delete":        s.DeleteCredential(ctx, c.UserID, c.ID, c.Version),
		"put":           s.PutRecord(ctx, other, r.Version),
		"put absent":    s.PutRecord(ctx, mfa.Record{Key: "other", Version: 2}, 0),
		"delete record": s.DeleteRecord(ctx, r.Key, r.Version),
		"sweep":         s.SweepRecords(ctx, time.Now()),
		"delete user":   s.DeleteUser(ctx, c.UserID),
	}
}

// P05: rows that somebody else has locked for longer than the database waits
// are busy.
func TestP05_LockedRowsAreBusy(t *testing.T) {
	onRows := func(name, impatience string, fresh func(t testing.TB) spec) {
		t.Run(name, func(t *testing.T) { lockedRows(t, fresh(t), impatience) })
	}
	onRows("PostgreSQL", "&lock_timeout=20", func(t testing.TB) spec { return freshPostgreSQL(t, testenv.PostgreSQL(t)) })
	onRows("MariaDB", "&innodb_lock_wait_timeout=0", func(t testing.TB) spec { return freshMariaDB(t, testenv.MariaDB(t)) })
}

func lockedRows(t *testing.T, s spec, impatience string) {
	locker, c, r := seeded(t, s)
	s.DSNs[0] += impatience
	_, busy := bare(t, s, sqlstore.Config{})
	lock, err := locker.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	for _, table := range []string{"mfa_credentials", "mfa_records"} {
		_, err = lock.ExecContext(t.Context(), "SELECT version FROM "+table+" FOR UPDATE")
		require.NoError(t, err)
	}
	errs := writes(t.Context(), busy, c, r)
	for _, name := range []string{"update", "delete", "put", "delete record", "delete user"} {
		assert.ErrorIs(t, errs[name], mfa.ErrBusy, name)
		assert.NotErrorIs(t, errs[name], mfa.ErrConflict, name)
	}
	require.NoError(t, lock.Rollback())
	c.Version = 2
	require.NoError(t, busy.UpdateCredential(t.Context(), c, 1), "what failed was not spent")
	require.NoError(t, busy.DeleteRecord(t.Context(), r.Key, r.Version), "what failed was not spent")
}
