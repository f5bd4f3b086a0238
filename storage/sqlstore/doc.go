// Package sqlstore is an mfa.Store over database/sql. It imports no driver:
// the app opens the database with the one it uses already, and names the
// dialect. So far there is one, [SQLite].
//
// It needs two tables, named with Config.TablePrefix. Nothing creates or
// changes them unasked. Apply the numbered files of [Schema] with the app's
// own migrations (goose takes them as they are), or call [Store.Migrate].
// [Store.Check] says at start-up whether they are there. There is no foreign
// key to the app's tables. Those who have a second factor are
//
//	SELECT DISTINCT CAST(user_id AS TEXT) FROM mfa_credentials
//	WHERE method NOT IN ('lookup_secret', 'device');
//
// Every method is one statement, never a transaction. A conditional write that
// affects no row is mfa.ErrConflict. Every other trouble, SQLITE_BUSY
// included, is returned as it is: it is never taken for an answer about the
// data, and the Manager refuses with 503.
//
// # SQLite
//
// Open the database in WAL mode with a busy timeout, and let one connection
// write:
//
//	db, err := sql.Open("sqlite", "file:app.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
//	db.SetMaxOpenConns(1)
//
// That is how modernc.org/sqlite spells it; other drivers have the same
// pragmas under other names. Several connections and several processes on one
// file are safe too: they wait for each other up to the busy timeout. Without
// one, a statement that meets a writer fails at once. With synchronous NORMAL
// a power loss, though not a crash of the process, can undo the last writes
// and so make the last answers usable once more until they expire.
// synchronous(FULL) prevents that for about 0.15 ms per write.
package sqlstore
