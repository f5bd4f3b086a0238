//go:build !linux

package testenv

import "syscall"

// attributes leaves it at that: processes run as whoever runs the tests.
func attributes(string) (*syscall.SysProcAttr, error) { return nil, nil }

// give leaves the folder with whoever has made it.
func give(_, _ string) error { return nil }

// kill kills the process and waits until it is gone. What it has started ends
// in its own time.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !p.ended() {
		return err
	}
	<-p.done
	return nil
}
