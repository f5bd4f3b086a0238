package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// process is a program that was started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended
}

// starter runs functions one after the other on a thread that never ends: on
// Linux a process is told of the end of the thread that started it.
var starter = sync.OnceValue(func() chan<- func() {
	functions := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range functions {
			f()
		}
	}()
	return functions
})

// startProcess starts a program in a folder, as a user if it can.
func startProcess(folder, user string, output *os.File, command []string) (*process, error) {
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // it ends with the test, by its own signal
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "TMPDIR=" + folder, "LC_ALL=C"}
	cmd.Stdout, cmd.Stderr = output, output
	var err error
	if cmd.SysProcAttr, err = attributes(user); err != nil {
		return nil, err
	}
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// end sends the process a signal that ends it, and waits until it has ended.
func (p *process) end(signal os.Signal) error {
	if p.ended() {
		return nil
	}
	if signal == os.Kill {
		return p.kill()
	}
	if err := p.cmd.Process.Signal(signal); err != nil && !p.ended() {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		err := fmt.Errorf("%s goes on in spite of the signal %q", p.cmd.Path, signal)
		return errors.Join(err, p.kill())
	}
}
