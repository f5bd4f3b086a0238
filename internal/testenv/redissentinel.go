package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// SentinelMaster is the name under which a Sentinel watches its master.
const SentinelMaster = "mfa"

// StartRedisSentinel starts a Redis Sentinel for one test. It watches a master
// whose replica is connected, and decides alone: within seconds, the replica
// takes the place of a master that was killed.
func StartRedisSentinel(t testing.TB, master *Server) *Server {
	t.Helper()
	const user, file = "redis", "sentinel.conf"
	daemon := tool(t, "redis-server", "redis-server")
	return startOwn(t, kind{
		name: "sentinel", user: user, ports: 1,
		prepare: func(s *Server) error {
			// Sentinel keeps its state in its configuration.
			config := strings.ReplaceAll(fmt.Sprintf(`
sentinel monitor NAME 127.0.0.1 %d 1
sentinel down-after-milliseconds NAME 500
sentinel failover-timeout NAME 5000
`, master.Port()), "NAME", SentinelMaster)
			if err := os.WriteFile(s.path(file), []byte(config), 0o600); err != nil {
				return err
			}
			return give(s.path(file), user)
		},
		command: func(s *Server) []string {
			return []string{daemon, filepath.Join(s.folder, file), "--bind", "127.0.0.1", "--port", strconv.Itoa(s.Port()), "--dir", s.folder, "--sentinel"}
		},
		ready:   []string{"+monitor master", "+slave slave"},
		stop:    syscall.SIGTERM,
		discard: syscall.SIGKILL,
	})
}
