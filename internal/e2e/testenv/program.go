package testenv

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Program is a server in a process of its own.
type Program struct {
	Origin string
	Log    *Log // what it has written to its standard error

	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	end    func(syscall.Signal)
}

// StartProgram starts the demo that was built to a path, on a database, and
// waits until it has said where it serves.
func StartProgram(t testing.TB, path, database, addr string) *Program {
	t.Helper()
	return startProgram(t, exec.Command(path, "-addr", addr, "-db", database)) //nolint:gosec,noctx // it ends with the test, by its own signal
}

// startProgram starts a command that prints its origin as its first line.
func startProgram(t testing.TB, cmd *exec.Cmd) *Program {
	t.Helper()
	p := &Program{Log: &Log{}, t: t, cmd: cmd}
	cmd.Stderr = p.Log
	stdout, err := cmd.StdoutPipe()
	check(t, err)
	p.stdin, err = cmd.StdinPipe()
	check(t, err)
	check(t, cmd.Start())
	ended := make(chan struct{})
	var once sync.Once
	p.end = func(signal syscall.Signal) {
		once.Do(func() {
			defer close(ended)
			_ = cmd.Process.Signal(signal) // it may have ended
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
			_ = cmd.Wait() // how it ends is the signal's doing
		})
		<-ended
	}
	t.Cleanup(func() {
		p.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("the log of %s:\n%s", p.Origin, p.Log)
		}
	})
	p.stdout = bufio.NewReader(stdout)
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	line, err := p.stdout.ReadString('\n')
	late.Stop()
	if err != nil {
		t.Fatalf("the program did not start: %v\n%s", err, p.Log)
	}
	p.Origin = strings.TrimSuffix(line, "\n")
	return p
}

// Addr returns the address that the program listens on.
func (p *Program) Addr() string { return strings.TrimPrefix(p.Origin, "http://") }

// Kill ends the program as kill -9 does, in the middle of whatever it does.
func (p *Program) Kill() { p.end(syscall.SIGKILL) }

// Stop ends the program as Ctrl-C does.
func (p *Program) Stop() { p.end(syscall.SIGINT) }
