package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The test binary is the app when this is set, so that flags, output and
// signals are those of a real process.
const beApp = "GO_MFA_WEBAPP_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(beApp) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), beApp+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	return cmd, &stderr
}

func TestPrintsOneURLServesAndStops(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("stopping by SIGTERM is not for this system")
	}
	database := filepath.Join(t.TempDir(), "a", "b.db")
	cmd, stderr := command(t, "-addr", "localhost:0", "-db", database)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	url := strings.TrimSuffix(line, "\n")
	require.Regexp(t, `^http://localhost:[0-9]+$`, url)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Accept", "text/html")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "/login", res.Request.URL.Path)
	assert.Contains(t, string(body), "Sign up")
	assert.FileExists(t, database)
	assert.Contains(t, string(body), "/outbox", "on this machine alone it is for development")

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(lines)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), stderr.String())
	assert.Empty(t, string(rest), "the URL is all it prints")
}

func TestDevelopmentIsOnThisMachine(t *testing.T) {
	for addr, local := range map[string]bool{
		"localhost:8080": true, "127.0.0.1:0": true, "127.1.2.3:80": true, "[::1]:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "192.0.2.1:80": false, "localhost.example:80": false, "": false,
	} {
		assert.Equal(t, local, isLocal(addr), addr)
	}
}

func TestFlagsAreExplainedAndChecked(t *testing.T) {
	cmd, stderr := command(t, "-h")
	require.NoError(t, cmd.Run())
	for _, flag := range []string{"-addr", `(default "localhost:8080")`, "-db", "cache folder", "-dev"} {
		assert.Contains(t, stderr.String(), flag)
	}
	for _, args := range [][]string{{"-addr", "nonsense"}, {"-dev", "-addr", ":0"}, {"-dev", "-addr", "localhost.example:0"}, {"-addr", "localhost:99999"}, {"-nonsense"}, {"localhost:9090"}} {
		cmd, stderr = command(t, args...)
		cmd.Env = append(cmd.Env, "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
		assert.Error(t, cmd.Run(), args)
		assert.NotEmpty(t, stderr.String(), args)
	}
}
