package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/sqlstore"
	"github.com/go-mfa/mfa/storage/storetest"
)

// openSQLite opens a file as the documentation of sqlstore says.
func openSQLite(file string, connections int) (*sql.DB, error) {
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)"}}
	db, err := sql.Open("sqlite", "file:"+file+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	return db, nil
}

func testDB(t testing.TB, file string, connections int) *sql.DB {
	t.Helper()
	db, err := openSQLite(file, connections)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func testSQLStore(t testing.TB, db *sql.DB, cfg sqlstore.Config) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.New(db, sqlstore.SQLite, cfg)
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Check(t.Context()))
	return store
}

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "mfa.db") }

func TestP01_SQLiteConforms(t *testing.T) {
	for _, connections := range []int{1, 8} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) mfa.Store {
				return testSQLStore(t, testDB(t, newFile(t), connections), sqlstore.Config{})
			})
		})
	}
}

func TestP01_SQLiteSplitConforms(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mfa.Store {
		return storage.Split(testSQLStore(t, testDB(t, newFile(t), 1), sqlstore.Config{}), memory.New())
	})
}

// An id that SQLite would store in another way is refused or kept; it is kept.
func TestP13_SQLiteKeepsEveryByte(t *testing.T) {
	for _, encoding := range []string{"UTF-8", "UTF-16le"} {
		t.Run(encoding, func(t *testing.T) {
			db := testDB(t, newFile(t), 1)
			_, err := db.ExecContext(t.Context(), "PRAGMA encoding = '"+encoding+"'")
			require.NoError(t, err)
			store := testSQLStore(t, db, sqlstore.Config{})
			for i, id := range []string{"a\x00b", "a", "a\x00", "a\xff", "a\xfe", "a\ufffd", "A", "a "} {
				c := mfa.Credential{ID: "c" + id, UserID: id, Method: "totp", Key: fmt.Sprint(i), Version: 1}
				require.NoError(t, store.CreateCredential(t.Context(), c))
				all, err := store.Credentials(t.Context(), id)
				require.NoError(t, err)
				require.Len(t, all, 1)
				require.Equal(t, id, all[0].UserID)
				require.Equal(t, c.ID, all[0].ID)
			}
		})
	}
}

func TestP14_TablePrefix(t *testing.T) {
	db := testDB(t, newFile(t), 1)
	for _, prefix := range []string{
		"mfa;", "m f", "x\"", "x'", "x`", "x--", "MFA_", "1a", "x.y", "x\n", "\nx", "é", "a-b", "[x", "abcdefghijklmnopqrstuvwxyz_0123456",
		"credentials; DROP TABLE users; --",
	} {
		_, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{TablePrefix: prefix})
		assert.ErrorContains(t, err, "the table prefix is", "%q", prefix)
		_, err = fs.ReadDir(sqlstore.Schema(sqlstore.SQLite, prefix), ".")
		assert.ErrorContains(t, err, "the table prefix is", "%q", prefix)
	}

	one := testSQLStore(t, db, sqlstore.Config{TablePrefix: "one_"})
	two := testSQLStore(t, db, sqlstore.Config{TablePrefix: "two_"})
	c := mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Version: 1}
	require.NoError(t, one.CreateCredential(t.Context(), c))
	require.NoError(t, two.CreateCredential(t.Context(), c))
	require.NoError(t, two.DeleteUser(t.Context(), "u"))
	all, err := one.Credentials(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, all, 1)

	rows, err := db.QueryContext(t.Context(), "SELECT name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
	require.NoError(t, err)
	var names []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, []string{
		"one_credentials", "one_records",
		"two_credentials", "two_records",
	}, names)
}

func TestSQLiteCheckNamesWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct{ spoil, want string }{
		"nothing there":     {"DROP TABLE mfa_credentials; DROP TABLE mfa_records", "mfa_credentials"},
		"no credentials":    {"DROP TABLE mfa_credentials", "mfa_credentials"},
		"no records":        {"DROP TABLE mfa_records", "mfa_records"},
		"a column is gone":  {"ALTER TABLE mfa_credentials DROP COLUMN used_at", "used_at"},
		"a column is other": {"ALTER TABLE mfa_records RENAME COLUMN version TO revision", "mfa_records"},
		"key is not unique": {
			"DROP TABLE mfa_credentials; CREATE TABLE mfa_credentials (user_id BLOB, id BLOB UNIQUE, method TEXT, credential_key TEXT, name TEXT, data BLOB, created_at INTEGER, used_at INTEGER, version INTEGER, PRIMARY KEY (user_id, id))",
			"mfa_credentials",
		},
		"record key is not unique": {
			"DROP TABLE mfa_records; CREATE TABLE mfa_records (record_key TEXT, data BLOB, expires_at INTEGER, version INTEGER)",
			"mfa_records",
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := testDB(t, newFile(t), 1)
			store := testSQLStore(t, db, sqlstore.Config{})
			_, err := db.ExecContext(t.Context(), c.spoil)
			require.NoError(t, err)
			err = store.Check(t.Context())
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "call Store.Migrate once, or apply the files of sqlstore.Schema")
		})
	}
}

// Migrate is never called unasked, and again it changes nothing.
func TestSQLiteMigrateIsOptInAndIdempotent(t *testing.T) {
	db := testDB(t, newFile(t), 1)
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
	require.NoError(t, err)
	require.ErrorContains(t, store.Check(t.Context()), "no such table: mfa_credentials")
	_, err = store.Credentials(t.Context(), "u")
	require.ErrorContains(t, err, "no such table")
	for range 3 {
		require.NoError(t, store.Migrate(t.Context()))
	}
	c := mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Version: 1}
	require.NoError(t, store.CreateCredential(t.Context(), c))
	require.NoError(t, store.Migrate(t.Context()))
	all, err := store.Credentials(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, all, 1)
}

// A busy database is a fault, not an answer, and nothing is written.
func TestP05_SQLiteBusyIsAPlainError(t *testing.T) {
	file := newFile(t)
	store := testSQLStore(t, testDB(t, file, 1), sqlstore.Config{})
	c := mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Version: 1}
	require.NoError(t, store.CreateCredential(t.Context(), c))
	require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: "k", Version: 1}, 0))

	impatient, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(1)")
	require.NoError(t, err)
	defer func() { require.NoError(t, impatient.Close()) }()
	busy, err := sqlstore.New(impatient, sqlstore.SQLite, sqlstore.Config{})
	require.NoError(t, err)

	writer, err := testDB(t, file, 1).Conn(t.Context())
	require.NoError(t, err)
	_, err = writer.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)

	for name, write := range map[string]func(context.Context) error{
		"create": func(ctx context.Context) error {
			return busy.CreateCredential(ctx, mfa.Credential{ID: "d", UserID: "u", Method: "totp", Key: "d", Version: 1})
		},
		"update":        func(ctx context.Context) error { return busy.UpdateCredential(ctx, c, 1) },
		"delete":        func(ctx context.Context) error { return busy.DeleteCredential(ctx, "u", "c", 1) },
		"put":           func(ctx context.Context) error { return busy.PutRecord(ctx, mfa.Record{Key: "k", Version: 2}, 1) },
		"put absent":    func(ctx context.Context) error { return busy.PutRecord(ctx, mfa.Record{Key: "l", Version: 2}, 0) },
		"delete record": func(ctx context.Context) error { return busy.DeleteRecord(ctx, "k", 1) },
		"sweep":         func(ctx context.Context) error { return busy.SweepRecords(ctx, time.Now()) },
		"delete user":   func(ctx context.Context) error { return busy.DeleteUser(ctx, "u") },
	} {
		err := write(t.Context())
		assert.ErrorContains(t, err, "locked", name)
		assert.NotErrorIs(t, err, mfa.ErrConflict, name)
		assert.NotErrorIs(t, err, mfa.ErrNotFound, name)
	}
	all, err := busy.Credentials(t.Context(), "u") // readers do not wait for writers
	require.NoError(t, err)
	require.Len(t, all, 1)

	_, err = writer.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.NoError(t, busy.DeleteRecord(t.Context(), "k", 1), "what failed was not spent")
}

// A caller that hangs up while it waits for the one connection spends nothing
// and is not held.
func TestP08_SQLiteWaitEndsWithItsContext(t *testing.T) {
	db := testDB(t, newFile(t), 1)
	store := testSQLStore(t, db, sqlstore.Config{})
	require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: "k", Version: 1}, 0))
	only, err := db.Conn(t.Context())
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = store.DeleteRecord(ctx, "k", 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, mfa.ErrConflict)
	require.NoError(t, only.Close())
	require.NoError(t, store.DeleteRecord(t.Context(), "k", 1))
}

func TestP18_SQLiteDeletedUserLeavesNothing(t *testing.T) {
	db := testDB(t, newFile(t), 1)
	store := testSQLStore(t, db, sqlstore.Config{})
	for i := range 3 {
		id := fmt.Sprint(i)
		require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{ID: id, UserID: "u", Method: "totp", Key: id, Version: 1}))
	}
	require.NoError(t, store.DeleteUser(t.Context(), "u"))
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM mfa_credentials").Scan(&n))
	require.Zero(t, n)
}

// BenchmarkSQLite sets the four statements of a TOTP verification beside one
// bare compare-and-set.
func BenchmarkSQLite(b *testing.B) {
	db := testDB(b, newFile(b), 1)
	store := testSQLStore(b, db, sqlstore.Config{})
	ctx, data := b.Context(), make([]byte, 150)
	c := mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Data: data, Version: 1}
	require.NoError(b, store.CreateCredential(ctx, c))
	next := func() (prev int64) {
		prev = c.Version
		c.Version++
		return prev
	}
	b.Run("CompareAndSet", func(b *testing.B) {
		const text = "UPDATE mfa_credentials SET name = ?, data = ?, used_at = ?, version = ? WHERE user_id = ? AND id = ? AND version = ?"
		for b.Loop() {
			prev := next()
			if _, err := db.ExecContext(ctx, text, c.Name, c.Data, 1, c.Version, []byte("u"), []byte("c"), prev); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Update", func(b *testing.B) {
		for b.Loop() {
			prev := next()
			if err := store.UpdateCredential(ctx, c, prev); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Select", func(b *testing.B) {
		for b.Loop() {
			if _, err := store.Credentials(ctx, "u"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("InsertDelete", func(b *testing.B) {
		for b.Loop() {
			if err := store.PutRecord(ctx, mfa.Record{Key: "keep/counter", Data: data[:40], Version: 7}, 0); err != nil {
				b.Fatal(err)
			}
			if err := store.DeleteRecord(ctx, "keep/counter", 7); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Verification", func(b *testing.B) {
		for b.Loop() {
			if _, err := store.Credentials(ctx, "u"); err != nil {
				b.Fatal(err)
			}
			if err := store.PutRecord(ctx, mfa.Record{Key: "keep/counter", Data: data[:40], Version: 7}, 0); err != nil {
				b.Fatal(err)
			}
			prev := next()
			if err := store.UpdateCredential(ctx, c, prev); err != nil {
				b.Fatal(err)
			}
			if err := store.DeleteRecord(ctx, "keep/counter", 7); err != nil {
				b.Fatal(err)
			}
		}
	})
}
