package main

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver

	"github.com/go-mfa/mfa/storage/sqlstore"
)

// openSQLite opens a file as the documentation of sqlstore says.
func openSQLite(path string) (*sql.DB, error) {
	return openSQLiteWith(path, "journal_mode(WAL)", "synchronous(NORMAL)", "busy_timeout(10000)")
}

func openSQLiteWith(path string, pragmas ...string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?"+url.Values{"_pragma": pragmas}.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func sqlitePairs(ctx context.Context, dir string) ([]pair, error) {
	db, err := openSQLite(filepath.Join(dir, "bench.db"))
	if err != nil {
		return nil, err
	}
	return sqlPairs(ctx, db, sqlstore.SQLite, "SQLite", 5)
}
