package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Server is a database server on a port of the loopback interface. Addr, Port
// and Log are safe for concurrent use; Kill, Stop and Restart are for the
// goroutine of the test that started it, and fail that test.
type Server struct {
	t       testing.TB // nil if the server is shared
	kind    kind
	folder  string
	ports   []int // the first is for clients
	process *process
	said    int // how much of the log is older than the process
}

// kind is how servers of a kind are run.
type kind struct {
	name    string                 // begins the name of the folder
	user    string                 // runs it instead of root
	ports   int                    // how many it listens on
	prepare func(*Server) error    // fills the folder; nil if it may be empty
	command func(*Server) []string // serves the folder on the ports
	again   func(*Server) error    // what comes before it is started again; nil if nothing does
	ready   []string               // what it has logged when it serves
	stop    syscall.Signal         // ends it in good order
	discard syscall.Signal         // ends it when its data are not needed any more
}

// startOwn starts a server that ends with the test.
func startOwn(t testing.TB, k kind) *Server {
	t.Helper()
	s, err := start(k)
	check(t, err)
	s.t = t
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of %s, %s:\n%s", k.name, s.Addr(), s.Log())
		}
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// start starts a server in a new folder and waits until it serves.
func start(k kind) (*Server, error) {
	folder, err := os.MkdirTemp("", "mfa-"+k.name+"-") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{kind: k, folder: folder}
	if err := s.begin(); err != nil {
		err = fmt.Errorf("%s did not start: %w\n%s", k.name, err, s.Log())
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// begin fills the folder and starts the server. Between the moment when a port
// is found free and that when the server takes it, another may have done so:
// then it tries others.
func (s *Server) begin() error {
	if err := give(s.folder, s.kind.user); err != nil {
		return err
	}
	if s.kind.prepare != nil {
		if err := s.kind.prepare(s); err != nil {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		var err error
		if s.ports, err = freePorts(s.kind.ports); err != nil {
			return err
		}
		err = s.serve()
		if err == nil || attempt == 5 || !strings.Contains(s.Log()[s.said:], "Address already in use") {
			return err
		}
	}
}

// serve starts the server and waits until it serves.
func (s *Server) serve() error {
	s.said = len(s.Log())
	var err error
	if s.process, err = s.launch(s.kind.command(s)); err != nil {
		return err
	}
	err = await(func() (bool, error) {
		if s.process.ended() {
			return false, errors.New("it ended")
		}
		log := s.Log()[s.said:]
		return !slices.ContainsFunc(s.kind.ready, func(line string) bool { return !strings.Contains(log, line) }), nil
	})
	if err != nil {
		return errors.Join(err, s.process.kill())
	}
	return nil
}

// launch starts a program in the server's folder, as its user. What the
// program says goes to the log.
func (s *Server) launch(command []string) (*process, error) {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has it, too
	return startProcess(s.folder, s.kind.user, log, command)
}

// run runs a program to its end.
func (s *Server) run(command ...string) error {
	p, err := s.launch(command)
	if err != nil {
		return err
	}
	<-p.done
	if p.err != nil {
		return fmt.Errorf("%s: %w", command[0], p.err)
	}
	return nil
}

// remove ends the server and removes its folder.
func (s *Server) remove() error {
	var err error
	if s.process != nil {
		err = s.process.end(s.kind.discard)
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// Addr returns the address that clients connect to: "127.0.0.1:" and the port.
func (s *Server) Addr() string { return loopback(s.Port()) }

// Port returns the port that clients connect to.
func (s *Server) Port() int { return s.ports[0] }

// Log returns what the server has logged so far.
func (s *Server) Log() string {
	log, err := os.ReadFile(s.logFile())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	return string(log)
}

// Kill ends the server as kill -9 does, with all its processes, in the middle
// of whatever it does, and waits until they are gone. As after any crash of
// PostgreSQL, a System V segment of 56 bytes stays until the server is restarted.
func (s *Server) Kill() {
	s.mine()
	s.t.Helper()
	check(s.t, s.process.kill())
}

// Stop ends the server in good order, without waiting for its clients. It fails
// the test if the server ends, or has ended, in any other way.
func (s *Server) Stop() {
	s.mine()
	s.t.Helper()
	check(s.t, s.process.end(s.kind.stop))
	check(s.t, s.process.err)
}

// Restart starts a server that was killed or stopped, on the same port and
// data, and waits until it serves.
func (s *Server) Restart() {
	s.mine()
	s.t.Helper()
	if s.running() {
		s.t.Fatalf("%s is running: kill or stop it before it is restarted.", s.kind.name)
	}
	var err error
	if s.kind.again != nil {
		err = s.kind.again(s)
	}
	if err == nil {
		err = s.serve()
	}
	if err != nil {
		s.t.Fatalf("%s did not start again: %v\n%s", s.kind.name, err, s.Log())
	}
}

// mine refuses to end what other tests use.
func (s *Server) mine() {
	if s.t == nil {
		panic("testenv: this server is shared with other tests; start one that is the test's own")
	}
}

func (s *Server) running() bool { return !s.process.ended() }

func (s *Server) path(name string) string { return filepath.Join(s.folder, name) }

func (s *Server) logFile() string { return s.path("log") }

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
