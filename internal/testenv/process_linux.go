package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// attributes makes a process end with this one and, if this one is root's, run
// as a user.
func attributes(name string) (*syscall.SysProcAttr, error) {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		return a, nil
	}
	uid, gid, err := lookup(name)
	a.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return a, err
}

// give makes a folder that root has made the user's.
func give(folder, name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := lookup(name)
	if err != nil {
		return err
	}
	return os.Chown(folder, uid, gid)
}

// lookup finds the user that Debian makes for a server, or nobody.
func lookup(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if errors.As(err, new(user.UnknownUserError)) {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return 0, 0, err
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(uidErr, gidErr)
}

// kill kills the process with all that descend from it, and waits until they
// are gone. They are stopped first, so that they start no others meanwhile.
func (p *process) kill() error {
	if p.ended() {
		return nil
	}
	var family []int
	for newest := []int{p.cmd.Process.Pid}; len(newest) > 0; {
		if err := signalAll(newest, syscall.SIGSTOP, "T", ""); err != nil {
			return err
		}
		family = append(family, newest...)
		var err error
		if newest, err = childrenOf(family); err != nil {
			return err
		}
	}
	if err := signalAll(family, syscall.SIGKILL, ""); err != nil {
		return err
	}
	<-p.done
	return nil
}

// signalAll sends a signal to processes and waits until each is in one of the
// states that are given.
func signalAll(pids []int, signal syscall.Signal, states ...string) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal %q to process %d: %w", signal, pid, err)
		}
	}
	return await(func() (bool, error) {
		for _, pid := range pids {
			if state, _, err := stat(pid); !slices.Contains(states, state) || err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// childrenOf returns the children of processes that are not among these.
func childrenOf(pids []int) ([]int, error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var children []int
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			return nil, err
		}
		_, parent, err := stat(pid)
		if err != nil {
			return nil, err
		}
		if slices.Contains(pids, parent) && !slices.Contains(pids, pid) {
			children = append(children, pid)
		}
	}
	return children, nil
}

// stat returns the state of a process and its parent. The state is empty if the
// process is gone, or nothing is left of it but its exit code.
func stat(pid int) (state string, parent int, err error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	// 4242 (name) S 4241 …, and a name may have brackets and blanks.
	fields := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
	if state = fields[0]; state == "Z" || state == "X" {
		return "", 0, nil
	}
	parent, err = strconv.Atoi(fields[1])
	return state, parent, err
}
