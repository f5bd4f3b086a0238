package testenv

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// ErrMissing is what Serve returns where a test would be skipped: a program is
// not installed.
var ErrMissing = errors.New("testenv: a program is missing")

// Serve starts a server or a cluster by one of the Start functions for a
// program that is no test, such as a benchmark, or for many tests. end ends it.
// Kill, Stop and Restart are not for it.
//
//	server, end, err := testenv.Serve(func(t testing.TB) *testenv.Server { return testenv.StartPostgreSQL(t) })
func Serve[S any](start func(testing.TB) S) (s S, end func() error, err error) {
	p := &program{}
	serves, started := false, make(chan struct{})
	go func() { // which a failure ends, as it ends the goroutine of a test
		defer close(started)
		s = start(p)
		serves = true
	}()
	<-started
	if !serves {
		err = p.failure
		return s, nil, errors.Join(err, p.end())
	}
	return s, p.end, nil
}

// program is what a Start function needs of a test.
type program struct {
	testing.TB // nil: nothing else is called

	failure  error
	cleanups []func()
}

func (p *program) Helper() {}

func (p *program) Fatal(args ...any) {
	p.Error(args...)
	runtime.Goexit()
}

func (p *program) Fatalf(format string, args ...any) { p.Fatal(fmt.Sprintf(format, args...)) }

func (p *program) Skipf(format string, args ...any) {
	p.failure = fmt.Errorf("%w: %s", ErrMissing, fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (p *program) Error(args ...any) {
	p.failure = errors.Join(p.failure, errors.New(strings.TrimSuffix(fmt.Sprintln(args...), "\n")))
}

func (p *program) Failed() bool { return p.failure != nil }

// Logf is only told what led to a failure, which the error says, too.
func (p *program) Logf(format string, args ...any) { p.Error(fmt.Sprintf(format, args...)) }

func (p *program) Cleanup(f func()) { p.cleanups = append(p.cleanups, f) }

// end does what comes after a test and returns what fails in it.
func (p *program) end() error {
	p.failure = nil
	for _, f := range slices.Backward(p.cleanups) {
		f()
	}
	p.cleanups = nil
	return p.failure
}
