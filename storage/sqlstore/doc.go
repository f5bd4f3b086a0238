// Package sqlstore is an mfa.Store over database/sql for [SQLite],
// [PostgreSQL] and [MySQL], which includes MariaDB and Galera clusters. It
// imports no driver: the app opens the database with the one it uses already,
// and names the dialect.
//
// It needs two tables, named with Config.TablePrefix. Nothing creates or
// changes them unasked. Apply the numbered files of [Schema] with the app's
// own migrations, or call [Store.Migrate]. [Store.Check] says at start-up
// whether they are there. There is no foreign key to the app's tables.
//
// Every method is one statement, never a transaction, and good at every
// isolation level. A conditional write that affects no row is mfa.ErrConflict.
// Where the database gives up a statement because it is busy (SQLITE_BUSY and
// SQLITE_LOCKED; SQLSTATE 40001, 40P01 and 55P03; MySQL's 1205, 1213, by which
// Galera also reports a failed certification, 1020 and 1047) it is tried again
// for a second or two and then wraps mfa.ErrBusy. Every other trouble is returned
// as it is: a lost connection is never tried again, because the write may have
// happened. The driver must not send it again either: see PostgreSQL below. Nothing of this is
// ever taken for an answer about the data, and the Manager refuses with 503.
//
// # SQLite
//
// Open the database in WAL mode with a busy timeout, and let one connection
// write:
//
//	db, err := sql.Open("sqlite", "file:app.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
//	db.SetMaxOpenConns(1)
//
// That is how modernc.org/sqlite spells it; mattn/go-sqlite3 has the same pragmas
// under other names. Of another driver SQLITE_BUSY may not be recognised, and is
// then a plain fault. A busy timeout of ten seconds or more, the life of a call,
// leaves no time to say that the database was busy. Several connections and several processes on one
// file are safe too: they wait for each other up to the busy timeout. With
// synchronous NORMAL a power loss, though not a crash of the process, can undo
// the last writes and so make the last answers usable once more until they
// expire. synchronous(FULL) prevents that for about 0.15 ms per write.
//
// # PostgreSQL
//
// Use pgx (its package stdlib), through a connection pooler too. lib/pq does not
// do: when a connection is lost it has database/sql send the statement again,
// though the first may have been carried out, and what was spent then looks like
// a conflict. Nothing is prepared beyond what the driver prepares, so set its mode as the
// pooler demands (default_query_exec_mode=exec for pgx behind PgBouncer). Use
// the primary: a replica that lags shows sessions at levels that they have
// lost. With synchronous_commit off a crash of the server can undo the last
// spends.
//
// # MySQL and MariaDB
//
// go-sql-driver/mysql works with any of its settings that matter here: with
// clientFoundRows and without, with interpolateParams and without, in every
// collation and sql_mode (one that is strict refuses ids of more than 255 bytes,
// which another cuts), because all that is compared is VARBINARY and every
// update changes the version. innodb_flush_log_at_trx_commit other than 1 can
// undo the last spends when the machine crashes.
//
// In a Galera cluster every node may be written to: of two nodes that spend
// one answer, one is told at certification. Set wsrep_sync_wait=1 on the
// connections, or a node can show for a moment what another has changed.
package sqlstore
