-- +goose Up

-- Every text is VARBINARY: compared byte by byte, whatever the collations and
-- character sets of database and connection are.
-- Times are microseconds since 1970 in UTC, NULL where there is none.
-- A row lives at (user_id, id): the gate reads one user's rows in one place,
-- and an update touches no index.
CREATE TABLE IF NOT EXISTS mfa_credentials (
	user_id        VARBINARY(255) NOT NULL,
	id             VARBINARY(255) NOT NULL,
	method         VARBINARY(64)  NOT NULL,
	credential_key VARBINARY(64)  NOT NULL,
	name           VARBINARY(1024) NOT NULL,
	data           MEDIUMBLOB     NOT NULL,
	created_at     BIGINT,
	used_at        BIGINT,
	version        BIGINT         NOT NULL,
	PRIMARY KEY (user_id, id),
	UNIQUE (id),
	UNIQUE (method, credential_key)
) ENGINE = InnoDB;
