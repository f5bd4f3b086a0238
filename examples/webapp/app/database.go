package app

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const schema = `
CREATE TABLE IF NOT EXISTS users (
	id       TEXT PRIMARY KEY,
	name     TEXT NOT NULL UNIQUE,
	password BLOB NOT NULL,
	email    TEXT NOT NULL,
	phone    TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
	token  TEXT PRIMARY KEY,
	data   BLOB NOT NULL,
	expiry INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expiry);`

// openDatabase opens the app's database, whose folder must exist. One
// connection does all the writing, and waits for those of other processes.
func openDatabase(file string) (*sql.DB, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("database %q: %w", file, err)
	}
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)"}}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: pragmas.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("database %q: %w", file, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// makeTables makes the app's own tables. It comes after the library's Migrate,
// which tries again while another process puts a new file into WAL mode: for
// that SQLite does not wait.
func makeTables(db *sql.DB) error {
	if _, err := db.ExecContext(context.Background(), schema); err != nil {
		return fmt.Errorf("preparing the app's tables: %w", err)
	}
	return nil
}

// ensureFolder makes the folder of a file, for its owner only.
func ensureFolder(file string) error {
	return os.MkdirAll(filepath.Dir(file), 0o700)
}
