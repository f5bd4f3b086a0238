-- +goose Up

-- Ids are BLOBs: compared byte by byte in every encoding of the database.
-- Times are microseconds since 1970 in UTC, NULL where there is none.
-- A row lives at (user_id, id): the gate reads one user's rows in one place,
-- and an update touches no index.
CREATE TABLE IF NOT EXISTS mfa_credentials (
	user_id        BLOB    NOT NULL,
	id             BLOB    NOT NULL,
	method         TEXT    NOT NULL,
	credential_key TEXT    NOT NULL,
	name           TEXT    NOT NULL,
	data           BLOB    NOT NULL,
	created_at     INTEGER,
	used_at        INTEGER,
	version        INTEGER NOT NULL,
	PRIMARY KEY (user_id, id),
	UNIQUE (id),
	UNIQUE (method, credential_key)
) WITHOUT ROWID;
