package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/go-mfa/mfa"
)

// Config has the options of a Store. The zero Config is valid.
type Config struct {
	// TablePrefix begins the names of the tables: a-z, 0-9 and underscore, at
	// most 32, and no digit first. The default is "mfa_", which gives
	// mfa_credentials and mfa_records.
	TablePrefix string
	// Schema is the schema of the tables, which must exist: of PostgreSQL, a
	// database of MySQL, an attached database of SQLite. Written as
	// TablePrefix is, and no reserved word. Empty means where the connection looks
	// by itself.
	Schema string
}

// Store is an mfa.Store in a SQL database, with all optional parts. It is safe
// for concurrent use, also by several processes on one database. Its prepared
// statements live until the database handle is closed, which is the app's
// business.
type Store struct {
	db      *sql.DB
	dialect Dialect
	prefix  string // of the tables, behind their schema
	sql     *statements
}

var (
	_ mfa.Store            = (*Store)(nil)
	_ mfa.RecordSweeper    = (*Store)(nil)
	_ mfa.UserDeleter      = (*Store)(nil)
	_ mfa.CredentialLister = (*Store)(nil)
)

// New returns a Store over db. It does not touch the database: call
// [Store.Check] at start-up. It refuses a Config that is wrong with one
// sentence that says how to mend it.
func New(db *sql.DB, dialect Dialect, cfg Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: the database is nil: open it with sql.Open and check the error")
	}
	prefix, err := cfg.prefix()
	if err != nil {
		return nil, err
	}
	if !dialect.known() {
		return nil, unknownDialect(dialect)
	}
	return &Store{db: db, dialect: dialect, prefix: prefix, sql: dialect.statements(prefix)}, nil
}

// Names of the tables, behind the prefix.
const (
	defaultPrefix    = "mfa_"
	credentialsTable = "credentials"
	recordsTable     = "records"
)

// Table names cannot be placeholders, so nothing that needs quoting may get
// into one.
var validPrefix = regexp.MustCompile(`\A[a-z_][a-z0-9_]{0,31}\z`)

// prefix returns what the names of the tables begin with, the schema included.
func (c Config) prefix() (string, error) {
	prefix := c.TablePrefix
	if prefix == "" {
		prefix = defaultPrefix
	}
	if !validPrefix.MatchString(prefix) {
		return "", fmt.Errorf("sqlstore: the table prefix is %q: use a-z, 0-9 and underscore, at most 32, and no digit first", prefix)
	}
	if c.Schema == "" {
		return prefix, nil
	}
	if !validPrefix.MatchString(c.Schema) {
		return "", fmt.Errorf("sqlstore: the schema is %q: use a-z, 0-9 and underscore, at most 32, and no digit first", c.Schema)
	}
	return c.Schema + "." + prefix, nil
}

func unknownDialect(d Dialect) error {
	return fmt.Errorf("sqlstore: there is no %s: use sqlstore.SQLite, PostgreSQL or MySQL", d)
}

// blob returns what is bound for a binary column: never NULL.
func blob[T ~string | ~[]byte](b T) []byte {
	if len(b) == 0 {
		return []byte{}
	}
	return []byte(b)
}

// micros returns what is bound for a time: NULL for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// microsInto scans what micros bound. It is on the path of every gate, so it
// spares the drivers that return integers the detour through reflection.
type microsInto struct{ t *time.Time }

func (m microsInto) Scan(value any) error {
	us, ok := value.(int64)
	if !ok {
		var n sql.NullInt64
		if err := n.Scan(value); err != nil || !n.Valid {
			*m.t = time.Time{}
			return err
		}
		us = n.Int64
	}
	*m.t = time.UnixMicro(us).UTC()
	return nil
}
