package testenv

import (
	"strconv"
	"syscall"
	"testing"
)

// Redis returns the Redis server that all tests share. It needs no password.
func Redis(t testing.TB) *Server {
	t.Helper()
	return sharedRedis.get(t, redis(t))
}

// StartRedis starts a Redis server for one test, with arguments such as
// "--maxmemory", "1mb". It needs no password.
func StartRedis(t testing.TB, args ...string) *Server {
	t.Helper()
	return startOwn(t, redis(t, args...))
}

func redis(t testing.TB, args ...string) kind {
	t.Helper()
	daemon := tool(t, "redis-server", "redis-server")
	return kind{
		name: "redis", user: "redis", ports: 1,
		command: func(s *Server) []string {
			return append([]string{
				daemon, "--bind", "127.0.0.1", "--port", strconv.Itoa(s.Port()), "--dir", s.folder,
				"--save", "", "--appendonly", "yes", "--appendfsync", "no", // written before it is answered, and never synced
			}, args...)
		},
		ready:   []string{"Ready to accept connections"},
		stop:    syscall.SIGTERM,
		discard: syscall.SIGKILL,
	}
}
