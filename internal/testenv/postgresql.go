package testenv

import (
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

// PostgreSQL returns the PostgreSQL server that all tests share. The superuser
// is "postgres" and needs no password.
func PostgreSQL(t testing.TB) *Server {
	t.Helper()
	return sharedPostgreSQL.get(t, postgreSQL(t))
}

// StartPostgreSQL starts a PostgreSQL server for one test, with settings such
// as "fsync=on". The superuser is "postgres" and needs no password.
func StartPostgreSQL(t testing.TB, settings ...string) *Server {
	t.Helper()
	return startOwn(t, postgreSQL(t, settings...))
}

func postgreSQL(t testing.TB, settings ...string) kind {
	t.Helper()
	bin := postgreSQLPrograms(t)
	return kind{
		name: "postgresql", user: "postgres", ports: 1,
		prepare: func(s *Server) error {
			return s.run(filepath.Join(bin, "initdb"), "--pgdata="+s.path("data"), "--username=postgres", "--auth=trust",
				"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
		},
		command: func(s *Server) []string {
			command := []string{filepath.Join(bin, "postgres"), "-D", s.path("data")}
			for _, setting := range append([]string{
				"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(s.Port()), "unix_socket_directories=",
				"max_connections=200", "shared_buffers=16MB", "fsync=off",
				"dynamic_shared_memory_type=mmap", // in the folder, which is removed
			}, settings...) {
				command = append(command, "-c", setting)
			}
			return command
		},
		ready:   []string{"database system is ready to accept connections"},
		stop:    syscall.SIGINT,
		discard: syscall.SIGQUIT, // SIGKILL would leave a System V segment
	}
}

// postgreSQLPrograms returns the folder of the newest PostgreSQL. Debian's are
// not in PATH.
func postgreSQLPrograms(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/[1-9][0-9]/bin/postgres")
	check(t, err)
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	return filepath.Dir(tool(t, "postgresql", "postgres"))
}
