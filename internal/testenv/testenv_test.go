package testenv

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// engine is one of the servers, with a client that runs statements there.
type engine struct {
	shared   func(testing.TB) *Server
	start    func(testing.TB, ...string) *Server
	kind     func(testing.TB, ...string) kind
	do       func(t testing.TB, s *Server, statement string) string
	put, get string // 42
}

var engines = map[string]engine{
	"PostgreSQL": {PostgreSQL, StartPostgreSQL, postgreSQL, psql, "CREATE TABLE IF NOT EXISTS kept AS SELECT 42", "SELECT * FROM kept"},
	"MariaDB":    {MariaDB, StartMariaDB, mariaDB, mariadb, "CREATE DATABASE IF NOT EXISTS d; CREATE TABLE IF NOT EXISTS d.kept SELECT 42", "SELECT * FROM d.kept"},
	"Redis":      {Redis, StartRedis, redis, redisText, "SET kept 42", "GET kept"},
}

func psql(t testing.TB, s *Server, statement string) string {
	t.Helper()
	return output(t, filepath.Join(postgreSQLPrograms(t), "psql"), "--no-psqlrc", "--host=127.0.0.1", "--port="+strconv.Itoa(s.Port()),
		"--username=postgres", "--no-align", "--tuples-only", "--quiet", "--command="+statement)
}

func mariadb(t testing.TB, s *Server, statement string) string {
	t.Helper()
	return output(t, tool(t, "mariadb-client", "mariadb"), "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--port="+strconv.Itoa(s.Port()),
		"--user=root", "--skip-column-names", "--execute="+statement)
}

func redisText(t testing.TB, s *Server, command string) string {
	t.Helper()
	answer, err := redisDo(s.Addr(), strings.Fields(command)...)
	require.NoError(t, err)
	return answer
}

func output(t testing.TB, program string, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return strings.TrimSpace(string(out))
}

func TestSharedServersAreOneEach(t *testing.T) {
	t.Parallel()
	for name, e := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.do(t, e.shared(t), e.put)
			var users sync.WaitGroup
			for range 4 {
				users.Go(func() { assert.Equal(t, "42", e.do(t, e.shared(t), e.get)) })
			}
			users.Wait()
			for _, end := range []func(){e.shared(t).Kill, e.shared(t).Stop, e.shared(t).Restart} {
				assert.Panics(t, end, "other tests use it")
			}
		})
	}
}

func TestServersKeepTheirDataWhenTheyAreKilledOrStopped(t *testing.T) {
	t.Parallel()
	for name, e := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := e.start(t)
			addr := s.Addr()
			e.do(t, s, e.put)
			for _, end := range []func(){s.Kill, s.Stop} {
				end()
				_, err := net.Dial("tcp", addr)
				require.Error(t, err)
				s.Restart()
				require.Equal(t, addr, s.Addr())
				require.Equal(t, "42", e.do(t, s, e.get))
			}
		})
	}
}

// Somebody else takes the port at the last moment.
func TestServersThatFindTheirPortTakenTryAnother(t *testing.T) {
	t.Parallel()
	for name, e := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer taken.Close()
			k := e.kind(t)
			command, attempts := k.command, 0
			k.command = func(s *Server) []string {
				if attempts++; attempts == 1 {
					s.ports[0] = taken.Addr().(*net.TCPAddr).Port
				}
				return command(s)
			}
			s := startOwn(t, k)
			assert.NotEqual(t, taken.Addr().String(), s.Addr())
			assert.Equal(t, 2, attempts)
		})
	}
}

func TestServersThatDoNotStartSayWhy(t *testing.T) {
	t.Parallel()
	for name, e := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var folder string
			k := e.kind(t, "--nosuchsetting=1")
			command := k.command
			k.command = func(s *Server) []string {
				folder = s.folder
				return command(s)
			}
			_, err := start(k)
			require.ErrorContains(t, err, k.name+" did not start: it ended")
			require.ErrorContains(t, err, "nosuchsetting")
			assert.NoDirExists(t, folder)
		})
	}
}
