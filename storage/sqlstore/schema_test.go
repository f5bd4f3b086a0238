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

var dialects = []Dialect{SQLite, PostgreSQL, MySQL}

// Migrate repeats the files, and golang-migrate sends each as one statement.
func TestSchemaIsNumberedSQL(t *testing.T) {
	for _, dialect := range dialects {
		files := Schema(dialect, "")
		require.NoError(t, fstest.TestFS(files, "0001_create_credentials.up.sql", "0002_create_records.up.sql"))
		entries, err := fs.ReadDir(files, ".")
		require.NoError(t, err)
		for i, entry := range entries {
			name := dialect.String() + "/" + entry.Name()
			assert.Regexp(t, `^\d{4}_[a-z0-9_]+\.up\.sql$`, entry.Name())
			assert.Equal(t, i+1, int(entry.Name()[3]-'0'), "no number is left out")
			text, err := fs.ReadFile(files, entry.Name())
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(text), "-- +goose Up\n"), name)
			code := regexp.MustCompile(`(?m)^--.*\n`).ReplaceAllString(string(text), "")
			assert.Regexp(t, `^\s*CREATE TABLE IF NOT EXISTS [^;]*;\n$`, code, "%s: one statement, which may be repeated", name)
		}
	}
}

func TestSchemaHasThePrefixEverywhere(t *testing.T) {
	for _, dialect := range dialects {
		for file, want := range map[string]string{"0001_create_credentials.up.sql": "credentials", "0002_create_records.up.sql": "records"} {
			for _, prefix := range []string{"other_", "auth.other_"} {
				text, err := fs.ReadFile(Schema(dialect, prefix), file)
				require.NoError(t, err)
				assert.Contains(t, string(text), "CREATE TABLE IF NOT EXISTS "+prefix+want+" (")
				assert.NotContains(t, string(text), "mfa_")
			}
		}
	}
}

func TestNewRefusesWhatIsWrong(t *testing.T) {
	_, err := New(nil, SQLite, Config{})
	require.ErrorContains(t, err, "open it with sql.Open")
	_, err = New(&sql.DB{}, 0, Config{})
	require.ErrorContains(t, err, "there is no dialect(0): use sqlstore.SQLite, PostgreSQL or MySQL")
	_, err = New(&sql.DB{}, SQLite, Config{TablePrefix: "a b"})
	require.ErrorContains(t, err, "use a-z, 0-9 and underscore")
	_, err = fs.ReadFile(Schema(9, ""), "0001_create_credentials.up.sql")
	require.ErrorContains(t, err, "there is no dialect(9)")
	_, err = New(&sql.DB{}, PostgreSQL, Config{Schema: "a.b"})
	require.ErrorContains(t, err, "the schema is \"a.b\"")
	_, err = fs.ReadFile(Schema(SQLite, "a.b.c"), "0001_create_credentials.up.sql")
	require.ErrorContains(t, err, "the table prefix is")
}

// P03: every method is one statement that compares for itself, and P14: only
// the names of tables are not placeholders.
func TestP03_WritesCompareTheVersion(t *testing.T) {
	for _, dialect := range dialects {
		s := dialect.statements("mfa_")
		for _, st := range []*statement{&s.updateCredential, &s.deleteCredential, &s.updateRecord, &s.deleteRecord} {
			assert.Regexp(t, `AND version = (\?|\$\d)$`, st.text)
		}
		for _, st := range []*statement{&s.createCredential, &s.createRecord} {
			assert.Equal(t, dialect != MySQL, strings.HasSuffix(st.text, "ON CONFLICT DO NOTHING"), st.text)
			assert.NotContains(t, st.text, "IGNORE", "it would cut values to fit")
		}
	}
	assert.Equal(t, "a = $1 AND b = $2", PostgreSQL.placeholders("a = ? AND b = ?"))
}
