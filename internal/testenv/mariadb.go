package testenv

import (
	"strconv"
	"syscall"
	"testing"
)

// MariaDB returns the MariaDB server that all tests share. The superuser is
// "root" with an empty password.
func MariaDB(t testing.TB) *Server {
	t.Helper()
	return sharedMariaDB.get(t, mariaDB(t))
}

// StartMariaDB starts a MariaDB server for one test, with arguments such as
// "--innodb-lock-wait-timeout=2". The superuser is "root" with an empty
// password.
func StartMariaDB(t testing.TB, args ...string) *Server {
	t.Helper()
	return startOwn(t, mariaDB(t, args...))
}

func mariaDB(t testing.TB, args ...string) kind {
	t.Helper()
	install := tool(t, "mariadb-server", "mariadb-install-db")
	daemon := tool(t, "mariadb-server", "mariadbd")
	return kind{
		name: "mariadb", user: "mysql", ports: 1,
		prepare: func(s *Server) error {
			return s.run(append([]string{install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"}, mariaDBData(s)...)...)
		},
		command: func(s *Server) []string {
			command := append([]string{
				daemon, "--no-defaults", "--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.Port()), "--socket=" + s.path("socket"),
				"--skip-name-resolve", "--max-connections=200",
				"--innodb-flush-log-at-trx-commit=2", // 0 would lose commits when the server is killed
			}, mariaDBData(s)...)
			return append(command, args...)
		},
		ready:   []string{": ready for connections"},
		stop:    syscall.SIGTERM,
		discard: syscall.SIGKILL,
	}
}

// mariaDBData are the arguments that say where the data are and how large.
func mariaDBData(s *Server) []string {
	return []string{"--datadir=" + s.path("data"), "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M"}
}
