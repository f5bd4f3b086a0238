package sqlstore

import (
	"database/sql"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSchemaIsNumberedSQL(t *testing.T) {
	files := Schema(SQLite, "")
	require.NoError(t, fstest.TestFS(files, "0001_create_tables.up.sql"))
	entries, err := fs.ReadDir(files, ".")
	require.NoError(t, err)
	for i, entry := range entries {
		assert.Regexp(t, `^\d{4}_[a-z0-9_]+\.up\.sql$`, entry.Name())
		assert.Equal(t, i+1, int(entry.Name()[3]-'0'), "no number is left out")
		text, err := fs.ReadFile(files, entry.Name())
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(text), "-- +goose Up\n"), entry.Name())
		for _, statement := range splitStatements(string(text)) {
			assert.Regexp(t, `^(CREATE|ALTER|DROP|UPDATE|INSERT) `, statement)
			assert.NotContains(t, statement, "--", "splitStatements takes comments on lines of their own only")
			assert.NotContains(t, statement, "'", "splitStatements knows no literals")
		}
	}
}

func TestSchemaHasThePrefixEverywhere(t *testing.T) {
	text, err := fs.ReadFile(Schema(SQLite, "other_"), "0001_create_tables.up.sql")
	require.NoError(t, err)
	names := regexp.MustCompile(`(?:EXISTS|ON) (\w+)`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, names, 2)
	for _, name := range names {
		assert.True(t, strings.HasPrefix(name[1], "other_"), name[1])
	}
	assert.NotContains(t, string(text), "mfa_")
}

func TestNewRefusesWhatIsWrong(t *testing.T) {
	_, err := New(nil, SQLite, Config{})
	require.ErrorContains(t, err, "open it with sql.Open")
	_, err = New(&sql.DB{}, 0, Config{})
	require.ErrorContains(t, err, "there is no dialect(0): use sqlstore.SQLite")
	_, err = New(&sql.DB{}, SQLite, Config{TablePrefix: "a b"})
	require.ErrorContains(t, err, "use a-z, 0-9 and underscore")
	_, err = fs.ReadFile(Schema(9, ""), "0001_create_tables.up.sql")
	require.ErrorContains(t, err, "there is no dialect(9)")
}

// P03: every method is one statement that compares for itself, and P14: only
// the names of tables are not placeholders.
func TestP03_WritesCompareTheVersion(t *testing.T) {
	s := sqliteStatements("mfa_")
	for _, st := range []*statement{&s.updateCredential, &s.deleteCredential, &s.updateRecord, &s.deleteRecord} {
		assert.True(t, strings.HasSuffix(st.text, "AND version = ?"), st.text)
	}
	for _, st := range []*statement{&s.createCredential, &s.createRecord} {
		assert.True(t, strings.HasSuffix(st.text, "ON CONFLICT DO NOTHING"), st.text)
	}
}
