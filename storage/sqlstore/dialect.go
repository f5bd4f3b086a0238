package sqlstore

import (
	"fmt"
	"strconv"
	"strings"
)

// Dialect names a database. The zero value is none.
type Dialect uint8

// The dialects.
const (
	SQLite     Dialect = 1 // 3.24 or newer
	PostgreSQL Dialect = 2 // 12 or newer, and what speaks its protocol and dialect
	MySQL      Dialect = 3 // MySQL 8 and MariaDB 10.6 or newer, Galera clusters included
)

// String returns the dialect's name, which is also its folder of the schema.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "sqlite"
	case PostgreSQL:
		return "postgresql"
	case MySQL:
		return "mysql"
	default:
		return fmt.Sprintf("dialect(%d)", uint8(d))
	}
}

func (d Dialect) known() bool { return d == SQLite || d == PostgreSQL || d == MySQL }

// statements are the texts of all that a Store sends, for one dialect and the
// names of its tables.
type statements struct {
	credentials, findCredential, createCredential, updateCredential, deleteCredential statement
	deleteUser, firstCredentials, allCredentials                                      statement
	record, createRecord, updateRecord, deleteRecord, sweepRecords                    statement
}

// Columns in the order in which they are scanned and inserted.
const (
	credentialColumns = "id, user_id, method, credential_key, name, data, created_at, used_at, version"
	recordColumns     = "record_key, data, expires_at, version"
)

// maxPage is how many credentials AllCredentials reads at a time.
const maxPage = 100

func (d Dialect) statements(prefix string) *statements {
	credentials, records := prefix+credentialsTable, prefix+recordsTable
	text := func(parts ...string) statement { return statement{text: d.placeholders(strings.Join(parts, ""))} }
	insert := func(table, columns string) statement {
		values := "?" + strings.Repeat(", ?", strings.Count(columns, ","))
		return text("INSERT INTO ", table, " (", columns, ") VALUES (", values, ")", d.orNothing())
	}
	selectCredentials := "SELECT " + credentialColumns + " FROM " + credentials
	return &statements{
		credentials:      text(selectCredentials, " WHERE user_id = ?"),
		findCredential:   text(selectCredentials, " WHERE method = ? AND credential_key = ?"),
		createCredential: insert(credentials, credentialColumns),
		updateCredential: text("UPDATE ", credentials, " SET name = ?, data = ?, used_at = ?, version = ? WHERE user_id = ? AND id = ? AND version = ?"),
		deleteCredential: text("DELETE FROM ", credentials, " WHERE user_id = ? AND id = ? AND version = ?"),
		deleteUser:       text("DELETE FROM ", credentials, " WHERE user_id = ?"),
		firstCredentials: text(selectCredentials, " ORDER BY id LIMIT ", strconv.Itoa(maxPage)),
		allCredentials:   text(selectCredentials, " WHERE id > ? ORDER BY id LIMIT ", strconv.Itoa(maxPage)),

		record:       text("SELECT ", recordColumns, " FROM ", records, " WHERE record_key = ?"),
		createRecord: insert(records, recordColumns),
		updateRecord: text("UPDATE ", records, " SET data = ?, expires_at = ?, version = ? WHERE record_key = ? AND version = ?"),
		deleteRecord: text("DELETE FROM ", records, " WHERE record_key = ? AND version = ?"),
		sweepRecords: text("DELETE FROM ", records, " WHERE expires_at < ?"),
	}
}

// orNothing ends an INSERT that does nothing where a row is in its way. MySQL's
// INSERT IGNORE would also drop what else is wrong with a row, so there the error
// is read.
func (d Dialect) orNothing() string {
	if d == MySQL {
		return ""
	}
	return " ON CONFLICT DO NOTHING"
}

// placeholders numbers the question marks where the dialect wants it.
func (d Dialect) placeholders(text string) string {
	if d != PostgreSQL {
		return text
	}
	parts := strings.Split(text, "?")
	var b strings.Builder
	b.WriteString(parts[0])
	for i, part := range parts[1:] {
		b.WriteString("$" + strconv.Itoa(i+1) + part)
	}
	return b.String()
}

// prepares reports whether statements are prepared once and kept. It saves
// SQLite a third of the cost, and MySQL two round trips. PostgreSQL's drivers
// decide for themselves, as connection poolers in between demand.
func (d Dialect) prepares() bool { return d != PostgreSQL }
