// Package testenv starts the database servers that tests run against:
// PostgreSQL, MariaDB and Redis, alone and as clusters. They listen on free
// ports of the loopback interface, keep their data in temporary folders, and
// run as an unprivileged user where the tests run as root. A program that is
// not installed skips the test with a sentence that names it.
//
// PostgreSQL, MariaDB and Redis give the one server that all tests of a test
// binary share; its TestMain calls [Main], which ends it. Start… gives a test a
// server of its own, which it may kill and restart, and which ends with it.
// Nothing is synced to disk: what a server has committed survives its death,
// and not that of the machine.
//
// On Linux no server outlives the test binary, even if that is killed; then only
// the folders stay. On other systems servers run as whoever runs the tests, and
// outlive a test binary that is killed.
package testenv

import (
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"
)

// patience is how long a server may take to start, to stop, or to agree with
// others.
const patience = time.Minute

// tool returns the path of a program. If it is not installed, the test is
// skipped: pkg says where to get it.
func tool(t testing.TB, pkg, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} { // which is in root's PATH alone
		if path, err := exec.LookPath(path); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed (Debian: apt-get install %s), so what it would show is not tested.", name, pkg)
	return ""
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errLate = errors.New("not within " + patience.String())

// await asks again and again until the answer is true or an error, and gives
// up when its patience ends.
func await(done func() (bool, error)) error {
	late := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-late:
			return errLate
		case <-again.C:
		}
	}
}

// settle waits until nothing is wrong any more. If something still is when its
// patience ends, it returns that.
func settle(wrong func() error) error {
	var last error
	err := await(func() (bool, error) {
		last = wrong()
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return nil
}
