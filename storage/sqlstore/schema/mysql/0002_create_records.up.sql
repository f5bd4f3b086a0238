-- +goose Up

-- There is no index on expires_at: it would cost every ceremony more than it
-- saves the sweep, which scans a table of minutes.
CREATE TABLE IF NOT EXISTS mfa_records (
	record_key VARBINARY(255) NOT NULL,
	data       MEDIUMBLOB     NOT NULL,
	expires_at BIGINT,
	version    BIGINT         NOT NULL,
	PRIMARY KEY (record_key)
) ENGINE = InnoDB;
