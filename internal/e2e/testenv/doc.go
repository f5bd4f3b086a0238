// Package testenv starts what the end-to-end tests run against, and drives it:
// the demo app in this process, under a clock that the test moves, or as
// processes of its own that can be killed; Chromium with virtual WebAuthn
// authenticators; oathtool and zbarimg. A program that is not installed skips
// the test with a sentence that names it.
//
// Everything fails the test that it was made for instead of returning errors,
// and ends with it.
package testenv

import (
	"os/exec"
	"testing"
)

// tool returns the path of the first of the named programs that is installed.
// If none is, the test is skipped: pkg says where to get one.
func tool(t testing.TB, pkg string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed (Debian: apt-get install %s), so what it would show is not tested.", names[0], pkg)
	return ""
}
