package stores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/redisstore"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// long says that there is time for what takes long: make test-long.
var long = os.Getenv("MFA_LONG") != ""

// spec says how to open a store. It travels to other processes as JSON.
type spec struct {
	Dialect sqlstore.Dialect
	DSNs    []string // of the nodes of one database: process i takes the i-th
	Conns   int      // connections of one process

	Redis        []string // where the expiring records are, if not in the database: several addresses are a cluster
	RedisPrefix  string
	WaitReplicas int
}

var drivers = map[sqlstore.Dialect]string{sqlstore.SQLite: "sqlite", sqlstore.PostgreSQL: "pgx", sqlstore.MySQL: "mysql"}

// opened is a store and what it stands on.
type opened struct {
	faultstore.Inner
	db    *sql.DB
	redis redis.UniversalClient
}

func (o *opened) Close() error {
	err := o.db.Close()
	if o.redis != nil {
		err = errors.Join(err, o.redis.Close())
	}
	return err
}

// open opens the store as process number i does.
func (s spec) open(i int) (*opened, error) {
	db, err := sql.Open(drivers[s.Dialect], s.DSNs[i%len(s.DSNs)])
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(s.Conns)
	db.SetMaxIdleConns(s.Conns)
	durable, err := sqlstore.New(db, s.Dialect, sqlstore.Config{})
	if err != nil {
		return nil, err
	}
	if len(s.Redis) == 0 {
		return &opened{Inner: durable, db: db}, nil
	}
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: s.Redis})
	expiring, err := redisstore.New(client, redisstore.Options{Prefix: s.RedisPrefix, WaitReplicas: s.WaitReplicas})
	if err != nil {
		return nil, err
	}
	inner, ok := storage.Split(durable, expiring).(faultstore.Inner)
	if !ok {
		return nil, errors.New("the joined store has lost an optional part")
	}
	return &opened{Inner: inner, db: db, redis: client}, nil
}

// open opens the store, with its tables, until the test ends.
func open(t testing.TB, s spec) *opened {
	t.Helper()
	o, err := s.open(0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	tables, err := sqlstore.New(o.db, s.Dialect, sqlstore.Config{})
	require.NoError(t, err)
	require.NoError(t, tables.Migrate(t.Context()))
	require.NoError(t, tables.Check(t.Context()))
	return o
}

// backend is a kind of store. fresh returns one that nobody has used.
type backend struct {
	name  string
	fresh func(t testing.TB) spec
}

// databases are the kinds of database, each by itself.
func databases() []backend {
	return []backend{
		{"SQLite", freshSQLite},
		{"PostgreSQL", func(t testing.TB) spec { return freshPostgreSQL(t, testenv.PostgreSQL(t)) }},
		{"MariaDB", func(t testing.TB) spec { return freshMariaDB(t, testenv.MariaDB(t)) }},
	}
}

// singles are the stores of every run.
func singles() []backend {
	return append(databases(), backend{"PostgreSQL and Redis", func(t testing.TB) spec {
		return withRedis(freshPostgreSQL(t, testenv.PostgreSQL(t)), 0, testenv.Redis(t).Addr())
	}})
}

// clusters are the stores that the long runs add.
func clusters() []backend {
	return []backend{
		{"Galera", func(t testing.TB) spec {
			return freshGalera(t, galera.get(t, func(t testing.TB) *testenv.Galera { return testenv.StartGalera(t, 3) }))
		}},
		{"PostgreSQL and a Redis Cluster", func(t testing.TB) spec {
			cluster := redisCluster.get(t, func(t testing.TB) *testenv.RedisCluster { return testenv.StartRedisCluster(t, 3, 1) })
			return withRedis(freshPostgreSQL(t, testenv.PostgreSQL(t)), 1, cluster.Addrs()...)
		}},
	}
}

// everyKind is every kind of store.
func everyKind() []backend {
	if long {
		return append(singles(), clusters()...)
	}
	return singles()
}

// onEach runs a test on every kind of store.
func onEach(t *testing.T, test func(t *testing.T, s spec)) { on(t, everyKind(), test) }

func on(t *testing.T, backends []backend, test func(t *testing.T, s spec)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			s := b.fresh(t)
			open(t, s)
			test(t, s)
		})
	}
}

func freshSQLite(t testing.TB) spec {
	return spec{Dialect: sqlstore.SQLite, Conns: 1, DSNs: []string{sqliteDSN(filepath.Join(t.TempDir(), "mfa.db"))}}
}

// sqliteDSN opens a file as the documentation of sqlstore says.
func sqliteDSN(file string) string {
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)"}}
	return "file:" + file + "?" + pragmas.Encode()
}

var made atomic.Int64

// newDatabase makes a database, which goes when its server does.
func newDatabase(t testing.TB, driver, admin string) (name string) {
	t.Helper()
	name = "mfa" + strconv.FormatInt(made.Add(1), 10)
	execute := func(statement string) error {
		db, err := sql.Open(driver, admin)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		_, err = db.ExecContext(ctx, statement)
		return errors.Join(err, db.Close())
	}
	require.NoError(t, execute("CREATE DATABASE "+name))
	return name
}

// perProcess is how many connections of a database server one process takes:
// four of them and the tests' own stay below the server's limit.
const perProcess = 16

func freshPostgreSQL(t testing.TB, server *testenv.Server, params ...string) spec {
	t.Helper()
	name := newDatabase(t, "pgx", postgresDSN(server, "postgres"))
	return spec{Dialect: sqlstore.PostgreSQL, Conns: perProcess, DSNs: []string{postgresDSN(server, name, params...)}}
}

func postgresDSN(server *testenv.Server, database string, params ...string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?%s", server.Addr(), database, strings.Join(append(params, "sslmode=disable"), "&"))
}

func freshMariaDB(t testing.TB, server *testenv.Server, params ...string) spec {
	t.Helper()
	name := newDatabase(t, "mysql", mariaDSN(server, ""))
	return spec{Dialect: sqlstore.MySQL, Conns: perProcess, DSNs: []string{mariaDSN(server, name, params...)}}
}

func mariaDSN(server *testenv.Server, database string, params ...string) string {
	return fmt.Sprintf("root@tcp(%s)/%s?%s", server.Addr(), database, strings.Join(params, "&"))
}

// freshGalera has process i write to node i, and read what the others have
// committed.
func freshGalera(t testing.TB, cluster *testenv.Galera) spec {
	t.Helper()
	s := spec{Dialect: sqlstore.MySQL, Conns: perProcess}
	name := newDatabase(t, "mysql", mariaDSN(cluster.Nodes()[0], ""))
	for _, node := range cluster.Nodes() {
		s.DSNs = append(s.DSNs, mariaDSN(node, name, "wsrep_sync_wait=1"))
	}
	return s
}

func withRedis(s spec, waitReplicas int, addrs ...string) spec {
	s.Redis, s.WaitReplicas = addrs, waitReplicas
	s.RedisPrefix = fmt.Sprintf("test%d:", made.Add(1))
	return s
}

var _ mfa.Store = (*opened)(nil)
