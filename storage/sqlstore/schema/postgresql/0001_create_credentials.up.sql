-- +goose Up

-- Ids are bytea: compared byte by byte, and free to hold what text cannot.
-- Times are microseconds since 1970 in UTC, NULL where there is none.
-- No index has a column that an update changes, so that updates stay on their
-- page.
CREATE TABLE IF NOT EXISTS mfa_credentials (
	user_id        bytea  NOT NULL,
	id             bytea  NOT NULL,
	method         text   COLLATE "C" NOT NULL,
	credential_key text   COLLATE "C" NOT NULL,
	name           text   NOT NULL,
	data           bytea  NOT NULL,
	created_at     bigint,
	used_at        bigint,
	version        bigint NOT NULL,
	PRIMARY KEY (user_id, id),
	UNIQUE (id),
	UNIQUE (method, credential_key)
);
