package sqlstore

import "fmt"

// Dialect names a database. The zero value is none.
type Dialect uint8

// The dialects.
const (
	SQLite Dialect = 1 // 3.24 or newer
)

// statements returns what the dialect has to say, or nil if there is no such
// dialect.
func (d Dialect) statements(prefix string) *statements {
	if d == SQLite {
		return sqliteStatements(prefix)
	}
	return nil
}

// String returns the dialect's name, which is also its folder of the schema.
func (d Dialect) String() string {
	if d == SQLite {
		return "sqlite"
	}
	return fmt.Sprintf("dialect(%d)", uint8(d))
}

// statements are the texts of all that a Store sends, for one dialect and one
// prefix. What differs between databases differs here and in the schema.
type statements struct {
	credentials, findCredential, createCredential, updateCredential, deleteCredential statement
	deleteUser, allCredentials                                                        statement
	record, createRecord, updateRecord, deleteRecord, sweepRecords                    statement

	// check are statements that change nothing and that the database refuses
	// unless the columns and the unique constraints are there.
	check []check
}

type check struct{ table, statement string }

// Columns in the order in which they are scanned and inserted.
const (
	credentialColumns = "id, user_id, method, credential_key, name, data, created_at, used_at, version"
	recordColumns     = "record_key, data, expires_at, version"
)

// maxPage is how many credentials AllCredentials reads at a time.
const maxPage = 100

func sqliteStatements(prefix string) *statements {
	credentials, records := prefix+"credentials", prefix+"records"
	insertCredential := "INSERT INTO " + credentials + " (" + credentialColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT "
	insertRecord := "INSERT INTO " + records + " (" + recordColumns + ") VALUES (?, ?, ?, ?) ON CONFLICT "
	selectCredentials := "SELECT " + credentialColumns + " FROM " + credentials
	return &statements{
		credentials:      statement{text: selectCredentials + " WHERE user_id = ?"},
		findCredential:   statement{text: selectCredentials + " WHERE method = ? AND credential_key = ?"},
		createCredential: statement{text: insertCredential + "DO NOTHING"},
		updateCredential: statement{text: "UPDATE " + credentials + " SET name = ?, data = ?, used_at = ?, version = ? WHERE user_id = ? AND id = ? AND version = ?"},
		deleteCredential: statement{text: "DELETE FROM " + credentials + " WHERE user_id = ? AND id = ? AND version = ?"},
		deleteUser:       statement{text: "DELETE FROM " + credentials + " WHERE user_id = ?"},
		allCredentials:   statement{text: selectCredentials + fmt.Sprintf(" WHERE id > ? ORDER BY id LIMIT %d", maxPage)},

		record:       statement{text: "SELECT " + recordColumns + " FROM " + records + " WHERE record_key = ?"},
		createRecord: statement{text: insertRecord + "DO NOTHING"},
		updateRecord: statement{text: "UPDATE " + records + " SET data = ?, expires_at = ?, version = ? WHERE record_key = ? AND version = ?"},
		deleteRecord: statement{text: "DELETE FROM " + records + " WHERE record_key = ? AND version = ?"},
		sweepRecords: statement{text: "DELETE FROM " + records + " WHERE expires_at < ?"},

		// SQLite refuses to compile a conflict target that no unique
		// constraint backs. EXPLAIN compiles and runs nothing.
		check: []check{
			{credentials, sqliteProbe(credentials, credentialColumns, "user_id, id")},
			{credentials, sqliteProbe(credentials, credentialColumns, "id")},
			{credentials, sqliteProbe(credentials, credentialColumns, "method, credential_key")},
			{records, sqliteProbe(records, recordColumns, "record_key")},
		},
	}
}

func sqliteProbe(table, columns, unique string) string {
	return "EXPLAIN INSERT INTO " + table + " (" + columns + ") SELECT " + columns + " FROM " + table +
		" WHERE 1 = 0 ON CONFLICT (" + unique + ") DO NOTHING"
}
