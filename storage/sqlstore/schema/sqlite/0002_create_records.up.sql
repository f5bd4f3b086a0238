-- +goose Up

-- There is no index on expires_at: it would cost every ceremony two more pages
-- to save the sweep, now and then, a scan.
CREATE TABLE IF NOT EXISTS mfa_records (
	record_key TEXT    NOT NULL PRIMARY KEY,
	data       BLOB    NOT NULL,
	expires_at INTEGER,
	version    INTEGER NOT NULL
) WITHOUT ROWID;
