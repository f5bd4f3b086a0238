package testenv

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the one server of its kind in a test binary. It is started at
// first use.
type shared struct {
	once   sync.Once
	server *Server
	err    error
}

var (
	sharedPostgreSQL, sharedMariaDB, sharedRedis shared

	inMain bool // somebody will end what is shared
)

// Main runs the tests, ends the shared servers and removes their folders. It
// returns the exit code. TestMain of a package that shares servers is
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }
func Main(m *testing.M) int {
	inMain = true
	code := m.Run()
	for _, s := range []*shared{&sharedPostgreSQL, &sharedMariaDB, &sharedRedis} {
		if s.server == nil {
			continue
		}
		if err := s.server.remove(); err != nil {
			fmt.Fprintln(os.Stderr, "testenv:", err)
			code = max(code, 1)
		}
	}
	return code
}

// get returns the server, or fails the test with what kept it from starting.
func (s *shared) get(t testing.TB, k kind) *Server {
	t.Helper()
	if !inMain {
		t.Fatal("Nobody would end a shared server: let TestMain call testenv.Main.")
	}
	s.once.Do(func() { s.server, s.err = start(k) })
	check(t, s.err)
	return s.server
}
