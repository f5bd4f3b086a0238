package testenv

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-mfa/mfa/examples/webapp/app"
	"github.com/go-mfa/mfa/mfatest"
)

// processEnv tells a test binary that it is to serve the demo.
const processEnv = "MFA_E2E_PROCESS"

// IsProcess reports whether this test binary was started by [StartProcess].
// TestMain asks first, and then calls [RunProcess] instead of the tests.
func IsProcess() bool { return os.Getenv(processEnv) != "" }

// Process is the demo in a process of its own, under a clock that the test
// moves.
type Process struct{ *Program }

// StartProcess serves a database in a process of its own.
func StartProcess(t testing.TB, now time.Time, o Options) *Process {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	options, err := json.Marshal(o)
	check(t, err)
	cmd := exec.Command(self, strconv.FormatInt(now.UnixNano(), 10), string(options)) //nolint:gosec,noctx // it ends with the test, by its own signal
	cmd.Env = append(os.Environ(), processEnv+"=1")
	return &Process{startProgram(t, cmd)}
}

// SetClock sets the clock of the process.
func (p *Process) SetClock(at time.Time) {
	p.t.Helper()
	_, err := fmt.Fprintln(p.stdin, at.UnixNano())
	check(p.t, err)
	line, err := p.stdout.ReadString('\n')
	check(p.t, err)
	if line != "ok\n" {
		p.t.Fatalf("the process answers %q", line)
	}
}

// RunProcess serves the demo until its standard input ends, as it does when
// the test that started it is gone. Each line there sets the clock.
func RunProcess() error {
	now, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		return err
	}
	var o Options
	if err := json.Unmarshal([]byte(os.Args[2]), &o); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "localhost:0")
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	clock := mfatest.NewClock(time.Unix(0, now))
	a, err := app.New(app.Options{
		Database: o.Database, Origin: "http://localhost:" + port, SignIn: o.SignIn, Limits: o.Limits, UserVerification: o.UserVerification,
		Now: clock.Now, PasswordCost: bcrypt.MinCost,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		return err
	}
	server := &http.Server{Handler: a, ReadHeaderTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Println("http://localhost:" + port) //nolint:forbidigo // the test reads it
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case err := <-failed:
			return err
		case line, ok := <-lines:
			if !ok {
				return server.Close()
			}
			at, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
			if err != nil {
				return err
			}
			clock.Set(time.Unix(0, at))
			fmt.Println("ok") //nolint:forbidigo // the test waits for it
		}
	}
}
