package stores

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// onEachDatabase runs a test on databases that are new and have no tables.
func onEachDatabase(t *testing.T, test func(t *testing.T, s spec)) {
	for _, b := range databases() {
		t.Run(b.name, func(t *testing.T) { test(t, b.fresh(t)) })
	}
}

// bare opens a database without making tables, and a Store over it.
func bare(t testing.TB, s spec, cfg sqlstore.Config) (*opened, *sqlstore.Store) {
	t.Helper()
	o, err := s.open(0)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, o.Close()) })
	store, err := sqlstore.New(o.db, s.Dialect, cfg)
	require.NoError(t, err)
	return o, store
}

func execute(t testing.TB, o *opened, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := o.db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

var somebody = mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Version: 1}

// Migrate is never called unasked, and again it changes nothing.
func TestP16_MigrateIsOptInAndIdempotent(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		_, store := bare(t, s, sqlstore.Config{})
		require.ErrorContains(t, store.Check(t.Context()), "mfa_credentials")
		_, err := store.Credentials(t.Context(), "u")
		require.Error(t, err)
		for range 3 {
			require.NoError(t, store.Migrate(t.Context()))
			require.NoError(t, store.Check(t.Context()))
		}
		require.NoError(t, store.CreateCredential(t.Context(), somebody))
		require.NoError(t, store.Migrate(t.Context()))
		all, err := store.Credentials(t.Context(), "u")
		require.NoError(t, err)
		require.Len(t, all, 1)
	})
}

// P16: what the first file made is in use when the next is applied.
func TestP16_MigrateForwardOnLiveData(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		o, store := bare(t, s, sqlstore.Config{})
		first, err := fs.ReadFile(sqlstore.Schema(s.Dialect, ""), "0001_create_credentials.up.sql")
		require.NoError(t, err)
		execute(t, o, string(first))
		require.NoError(t, store.CreateCredential(t.Context(), somebody))
		require.ErrorContains(t, store.Check(t.Context()), "mfa_records")
		require.NoError(t, store.Migrate(t.Context()))
		require.NoError(t, store.Check(t.Context()))
		all, err := store.Credentials(t.Context(), "u")
		require.NoError(t, err)
		require.Len(t, all, 1)
	})
}

// goose takes the files as they are, before Migrate, after it, and under
// another prefix.
func TestP16_GooseTakesTheSchema(t *testing.T) {
	dialects := map[sqlstore.Dialect]goose.Dialect{
		sqlstore.SQLite: goose.DialectSQLite3, sqlstore.PostgreSQL: goose.DialectPostgres, sqlstore.MySQL: goose.DialectMySQL,
	}
	onEachDatabase(t, func(t *testing.T, s spec) {
		for i, prefix := range []string{"", "goose_"} {
			o, store := bare(t, s, sqlstore.Config{TablePrefix: prefix})
			if prefix != "" {
				require.NoError(t, store.Migrate(t.Context()))
			}
			provider, err := goose.NewProvider(dialects[s.Dialect], o.db, sqlstore.Schema(s.Dialect, prefix), goose.WithTableName("goose"+string(rune('a'+i))))
			require.NoError(t, err)
			for range 2 {
				_, err = provider.Up(t.Context())
				require.NoError(t, err)
			}
			version, err := provider.GetDBVersion(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 2, version)
			require.NoError(t, store.Check(t.Context()))
			require.NoError(t, store.CreateCredential(t.Context(), somebody))
		}
	})
}

// P14: prefixes and schemas keep stores of one database apart.
func TestP14_PrefixesAndSchemas(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		o, one := bare(t, s, sqlstore.Config{TablePrefix: "one_"})
		elsewhere := "elsewhere"
		switch s.Dialect {
		case sqlstore.SQLite:
			execute(t, o, "ATTACH DATABASE '"+filepath.Join(t.TempDir(), "other.db")+"' AS "+elsewhere)
		case sqlstore.MySQL:
			elsewhere += "_" + databaseOf(s)
			execute(t, o, "CREATE DATABASE "+elsewhere)
		default:
			execute(t, o, "CREATE SCHEMA "+elsewhere)
		}
		two, err := sqlstore.New(o.db, s.Dialect, sqlstore.Config{TablePrefix: "two_"})
		require.NoError(t, err)
		three, err := sqlstore.New(o.db, s.Dialect, sqlstore.Config{TablePrefix: "one_", Schema: elsewhere})
		require.NoError(t, err)
		stores := []*sqlstore.Store{one, two, three}
		for _, store := range stores {
			require.Error(t, store.Check(t.Context()))
			require.NoError(t, store.Migrate(t.Context()))
			require.NoError(t, store.Check(t.Context()))
			require.NoError(t, store.CreateCredential(t.Context(), somebody))
		}
		for i, store := range stores {
			require.NoError(t, store.DeleteUser(t.Context(), "u"))
			for j, other := range stores {
				all, err := other.Credentials(t.Context(), "u")
				require.NoError(t, err)
				require.Equal(t, j > i, len(all) == 1)
			}
		}
	})
}

func databaseOf(s spec) string {
	_, name, _ := strings.Cut(s.DSNs[0], ")/")
	name, _, _ = strings.Cut(name, "?")
	return name
}

func TestP14_HostilePrefixes(t *testing.T) {
	o, _ := bare(t, freshSQLite(t), sqlstore.Config{})
	for _, prefix := range []string{
		"mfa;", "m f", "x\"", "x'", "x`", "x--", "MFA_", "1a", "x.y.z", ".x", "x.", "x\n", "\nx", "é", "a-b", "[x",
		"abcdefghijklmnopqrstuvwxyz_0123456", "credentials; DROP TABLE users; --",
	} {
		_, err := sqlstore.New(o.db, sqlstore.SQLite, sqlstore.Config{TablePrefix: prefix})
		assert.ErrorContains(t, err, "the table prefix is", "%q", prefix)
		_, err = sqlstore.New(o.db, sqlstore.SQLite, sqlstore.Config{Schema: prefix})
		assert.ErrorContains(t, err, "the schema is", "%q", prefix)
		if prefix != ".x" && prefix != "x." { // those are an empty half, which means the default
			_, err = fs.ReadDir(sqlstore.Schema(sqlstore.SQLite, prefix), ".")
			assert.Error(t, err, "%q", prefix)
		}
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		o, store := bare(t, s, sqlstore.Config{})
		create := map[bool]string{}
		for _, credentials := range []bool{true, false} {
			file := map[bool]string{true: "0001_create_credentials.up.sql", false: "0002_create_records.up.sql"}[credentials]
			text, err := fs.ReadFile(sqlstore.Schema(s.Dialect, ""), file)
			require.NoError(t, err)
			create[credentials] = string(text)
		}
		for name, c := range map[string]struct {
			credentials bool              // which table
			edit        *strings.Replacer // of its file; nil: it is not there
			want        string
		}{
			"no credentials":             {true, nil, "mfa_credentials"},
			"no records":                 {false, nil, "mfa_records"},
			"a column is gone":           {true, strings.NewReplacer("used_at ", "used_on "), "used_at"},
			"a column of records":        {false, strings.NewReplacer("version ", "revision "), "version"},
			"id is not unique":           {true, strings.NewReplacer("UNIQUE (id),", ""), "mfa_credentials"},
			"method, key not unique":     {true, strings.NewReplacer("UNIQUE (id),", "UNIQUE (id)", "UNIQUE (method, credential_key)", ""), "mfa_credentials"},
			"user, id not unique":        {true, strings.NewReplacer("PRIMARY KEY (user_id, id)", "PRIMARY KEY (user_id, method, id)"), "mfa_credentials"},
			"record key is not unique":   {false, strings.NewReplacer("NOT NULL PRIMARY KEY", "NOT NULL", "WITHOUT ROWID", "", "PRIMARY KEY (record_key)", "KEY (record_key)"), "mfa_records"},
			"key unique in another way":  {true, strings.NewReplacer("UNIQUE (method, credential_key)", "UNIQUE (method, credential_key, user_id)"), "mfa_credentials"},
			"a collation decides on ids": {true, strings.NewReplacer("id             VARBINARY(255)", "id             VARCHAR(255)"), "its column id is varchar"},
		} {
			if strings.Contains(name, "collation") && s.Dialect != sqlstore.MySQL {
				continue // their ids are BLOBs and bytea, which have none
			}
			t.Run(name, func(t *testing.T) {
				execute(t, o, "DROP TABLE IF EXISTS mfa_credentials", "DROP TABLE IF EXISTS mfa_records")
				execute(t, o, create[!c.credentials])
				if c.edit != nil {
					spoilt := c.edit.Replace(create[c.credentials])
					require.NotEqual(t, create[c.credentials], spoilt)
					execute(t, o, spoilt)
				}
				err := store.Check(t.Context())
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "call Store.Migrate once, or apply the files of sqlstore.Schema")
			})
		}
	})
}

// migrateChild migrates at the same moment as others, or, with an argument,
// stops before its second statement.
func migrateChild() error {
	var s spec
	if err := json.Unmarshal([]byte(os.Args[1]), &s); err != nil {
		return err
	}
	half := len(os.Args) > 2
	n := 0
	db, err := watch(drivers[s.Dialect], s.DSNs[0], func(context.Context, string) {
		if n++; half && n == 2 {
			_ = say("half")
			select {} // until it is killed
		}
	})
	if err != nil {
		return err
	}
	store, err := sqlstore.New(db, s.Dialect, sqlstore.Config{})
	if err != nil {
		return err
	}
	if err := barrier(bufio.NewReader(os.Stdin)); err != nil {
		return err
	}
	return errors.Join(store.Migrate(context.Background()), store.Check(context.Background()), db.Close())
}

func say(word string) error {
	_, err := os.Stdout.WriteString(word + "\n")
	return err
}

// barrier says that this child is ready, and returns when the parent has said
// that all are.
func barrier(stdin *bufio.Reader) error {
	if err := say("ready"); err != nil {
		return err
	}
	_, err := stdin.ReadString('\n')
	return err
}

// runner is a running child, as its parent sees it.
type runner struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

func run(t *testing.T, name string, s spec, args ...string) *runner {
	t.Helper()
	r := &runner{cmd: child(t, name, s, args...)}
	var err error
	r.stdin, err = r.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := r.cmd.StdoutPipe()
	require.NoError(t, err)
	r.stdout = bufio.NewReader(stdout)
	require.NoError(t, r.cmd.Start())
	return r
}

func (r *runner) line(t *testing.T) string {
	t.Helper()
	line, err := r.stdout.ReadString('\n')
	require.NoError(t, err, "a child ended early")
	return strings.TrimSuffix(line, "\n")
}

// release waits until all children have reached the barrier and lets them go.
func release(t *testing.T, all []*runner) {
	t.Helper()
	for _, r := range all {
		require.Equal(t, "ready", r.line(t))
	}
	for _, r := range all {
		_, err := io.WriteString(r.stdin, "go\n")
		require.NoError(t, err)
	}
}

func TestP16_MigrateByFourProcessesAtOnce(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		o, store := bare(t, s, sqlstore.Config{})
		for range 3 {
			var all []*runner
			for range parties {
				all = append(all, run(t, "migrate", s))
			}
			release(t, all)
			for _, r := range all {
				require.NoError(t, r.cmd.Wait())
			}
			require.NoError(t, store.Check(t.Context()))
			if s.Dialect != sqlstore.SQLite { // each round begins without tables
				execute(t, o, "DROP TABLE mfa_credentials", "DROP TABLE mfa_records")
				continue
			}
			s = freshSQLite(t)
			o, store = bare(t, s, sqlstore.Config{})
		}
	})
}

func TestP16_MigrateKilledHalfWay(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s spec) {
		killed := run(t, "migrate", s, "half")
		release(t, []*runner{killed})
		require.Equal(t, "half", killed.line(t))
		require.NoError(t, killed.cmd.Process.Kill())
		require.Error(t, killed.cmd.Wait())

		_, store := bare(t, s, sqlstore.Config{})
		require.ErrorContains(t, store.Check(t.Context()), "mfa_records", "it was killed half-way")
		require.NoError(t, store.CreateCredential(t.Context(), somebody))
		require.NoError(t, store.Migrate(t.Context()))
		require.NoError(t, store.Check(t.Context()))
		all, err := store.Credentials(t.Context(), "u")
		require.NoError(t, err)
		require.Len(t, all, 1)
	})
}
