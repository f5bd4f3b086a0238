package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ReadQR returns the text of the one QR code on a picture, as the program
// zbarimg reads it.
func ReadQR(t testing.TB, png []byte) string {
	t.Helper()
	path := tool(t, "zbar-tools", "zbarimg")
	file := filepath.Join(t.TempDir(), "screenshot.png")
	check(t, os.WriteFile(file, png, 0o600))
	cmd := exec.CommandContext(t.Context(), path, "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", file) //nolint:gosec // the test names the program
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("zbarimg finds no QR code on the screenshot: %v", err)
	}
	text := strings.TrimSuffix(string(out), "\n")
	if strings.Contains(text, "\n") {
		t.Fatal("zbarimg finds more than one QR code on the screenshot")
	}
	return text
}
