package stores

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/testenv"
)

// lasting is a cluster that the tests of a long run share. It is started at
// first use.
type lasting[C any] struct {
	once    sync.Once
	cluster C
	end     func() error
	err     error
}

var (
	galera       lasting[*testenv.Galera]
	redisCluster lasting[*testenv.RedisCluster]
)

func (l *lasting[C]) get(t testing.TB, start func(testing.TB) C) C {
	t.Helper()
	l.once.Do(func() { l.cluster, l.end, l.err = testenv.Serve(start) })
	if errors.Is(l.err, testenv.ErrMissing) {
		t.Skip(l.err)
	}
	require.NoError(t, l.err)
	return l.cluster
}

func (l *lasting[C]) stop() error {
	if l.end == nil {
		return nil
	}
	return l.end()
}

// childEnv names the program that a re-executed test binary is to be: some
// promises hold between processes, and only processes can show them.
const childEnv = "MFA_E2E_CHILD"

// children get their arguments from os.Args[1:] and speak over stdin and
// stdout.
var children = map[string]func() error{
	"party":   partyChild,
	"migrate": migrateChild,
	"race":    raceChild,
}

// child returns the command that runs a child with a spec and more arguments.
func child(t *testing.T, name string, s spec, args ...string) *exec.Cmd {
	t.Helper()
	encoded, err := json.Marshal(s)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, append([]string{string(encoded)}, args...)...)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestMain(m *testing.M) {
	name := os.Getenv(childEnv)
	if name == "" {
		code := testenv.Main(m)
		if err := errors.Join(galera.stop(), redisCluster.stop()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		os.Exit(code)
	}
	run, ok := children[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "no child is called %q\n", name)
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
