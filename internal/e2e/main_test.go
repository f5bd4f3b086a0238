package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// childEnv names the child that a re-executed test binary is to be.
const childEnv = "MFA_E2E_CHILD"

// children are the programs that this test binary can be besides a test: some
// promises hold between processes, and only processes can show them. A child
// gets its arguments from os.Args[1:] and speaks over stdin and stdout.
var children = map[string]func() error{
	"migrate": migrateChild,
	"race":    raceChild,
}

func TestMain(m *testing.M) {
	name := os.Getenv(childEnv)
	if name == "" {
		os.Exit(m.Run())
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

// childCommand returns the command that runs a child; it ends with the test.
func childCommand(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}
