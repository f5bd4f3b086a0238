package testenv

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const outlivedEnv = "MFA_TESTENV_OUTLIVED"

// The test runs its own binary, which starts servers and then ends, or is
// killed.
func TestNoServerOutlivesTheTestBinary(t *testing.T) {
	if os.Getenv(outlivedEnv) != "" {
		for _, e := range engines {
			e.shared(t)
		}
		StartRedis(t)
		os.Stdout.WriteString("started\n")
		_, err := io.Copy(io.Discard, os.Stdin)
		require.NoError(t, err)
		return
	}
	t.Parallel()
	t.Run("ends", func(t *testing.T) {
		b := startBinary(t)
		require.NoError(t, b.stdin.Close())
		require.NoError(t, b.cmd.Wait())
		assert.Empty(t, processesIn(t, b.folder))
		left, err := os.ReadDir(b.folder)
		require.NoError(t, err)
		assert.Empty(t, left)
	})
	t.Run("is killed", func(t *testing.T) {
		b := startBinary(t)
		require.NoError(t, b.cmd.Process.Kill())
		require.Error(t, b.cmd.Wait())
		require.NoError(t, await(func() (bool, error) { return len(processesIn(t, b.folder)) == 0, nil }))
	})
}

type binary struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	folder string // its temporary files
}

// startBinary runs this test in a binary of its own until all servers are
// started.
func startBinary(t *testing.T) *binary {
	t.Helper()
	folder, err := os.MkdirTemp("", "mfa-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o711)) // servers have users of their own
	name, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+name+"$")
	cmd.Env = append(os.Environ(), outlivedEnv+"=1", "TMPDIR="+folder)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	out := bufio.NewReader(stdout)
	line, err := out.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "started\n", line)
	pids := processesIn(t, folder)
	assert.GreaterOrEqual(t, len(pids), len(engines)+1)
	for _, pid := range pids {
		assertUnprivileged(t, pid)
	}
	return &binary{cmd, stdin, folder}
}

// processesIn returns the processes that run in a folder, as all servers do.
func processesIn(t *testing.T, folder string) []int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	var pids []int
	for _, dir := range all {
		cwd, err := os.Readlink(dir + "/cwd")
		if err != nil || !strings.HasPrefix(cwd, folder+"/") {
			continue // gone, or somebody else's
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		require.NoError(t, err)
		pids = append(pids, pid)
	}
	return pids
}

func assertUnprivileged(t *testing.T, pid int) {
	t.Helper()
	info, err := os.Stat("/proc/" + strconv.Itoa(pid))
	require.NoError(t, err)
	assert.NotZero(t, info.Sys().(*syscall.Stat_t).Uid, "root serves")
}
