package customstore

import (
	"database/sql"
	"time"
)

// Tables are what the Store expects. An app alters those that it has.
const Tables = `
CREATE TABLE IF NOT EXISTS authenticators (
	id       TEXT PRIMARY KEY,
	account  TEXT NOT NULL,
	kind     TEXT NOT NULL,
	label    TEXT NOT NULL,
	lookup   TEXT NOT NULL,
	secret   BLOB NOT NULL,
	added    INTEGER,
	seen     INTEGER,
	revision INTEGER NOT NULL,
	UNIQUE (kind, lookup)
);
CREATE INDEX IF NOT EXISTS authenticators_account ON authenticators (account);
CREATE TABLE IF NOT EXISTS tokens (
	purpose  TEXT NOT NULL,
	token    TEXT NOT NULL,
	payload  BLOB NOT NULL,
	expires  INTEGER,
	revision INTEGER NOT NULL,
	PRIMARY KEY (purpose, token)
);`

// when scans a time as these tables have it: milliseconds since 1970
// in UTC, NULL for the zero time.
type when struct{ t *time.Time }

// millis is what is bound.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Scan implements [sql.Scanner].
func (w when) Scan(value any) error {
	var n sql.NullInt64
	err := n.Scan(value)
	*w.t = time.Time{}
	if n.Valid {
		*w.t = time.UnixMilli(n.Int64).UTC()
	}
	return err
}
