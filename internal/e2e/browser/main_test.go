// Package browser does what a person does on the pages, in a real browser.
package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// demo is the demo app as a program, built once for all tests.
var demo string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "mfa-e2e-demo-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	demo = filepath.Join(folder, "webapp")
	build := exec.Command("go", "build", "-o", demo, "./webapp")
	build.Dir = filepath.Join("..", "..", "..", "examples")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the demo:", err)
		return 1
	}
	defer testenv.StopChromium()
	return m.Run()
}
