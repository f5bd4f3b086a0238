package testenv

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Oathtool is an authenticator app with one account: the program oathtool,
// which shares no code with this module.
type Oathtool struct {
	path   string
	secret string
}

// NewOathtool adds the account of a secret in base32 or an otpauth URI.
func NewOathtool(t testing.TB, source string) *Oathtool {
	t.Helper()
	secret := source
	if strings.HasPrefix(source, "otpauth:") {
		u, err := url.Parse(source)
		check(t, err)
		secret = u.Query().Get("secret")
	}
	return &Oathtool{path: tool(t, "oathtool", "oathtool"), secret: strings.ReplaceAll(secret, " ", "")}
}

// Code returns what the app shows at a time.
func (o *Oathtool) Code(t testing.TB, at time.Time) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), o.path, "--totp", "--base32", "-N", at.UTC().Format("2006-01-02 15:04:05 UTC"), "-") //nolint:gosec // the test names the program
	cmd.Stdin = strings.NewReader(o.secret + "\n")
	out, err := cmd.Output()
	check(t, err)
	return strings.TrimSpace(string(out))
}
