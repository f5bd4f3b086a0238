-- +goose Up

-- There is no index on expires_at: it would cost every ceremony more than it
-- saves the sweep, which scans a table of minutes.
CREATE TABLE IF NOT EXISTS mfa_records (
	record_key text   COLLATE "C" NOT NULL PRIMARY KEY,
	data       bytea  NOT NULL,
	expires_at bigint,
	version    bigint NOT NULL
);
