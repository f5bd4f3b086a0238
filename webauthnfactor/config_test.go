package webauthnfactor

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNewExplainsMisconfiguration(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string // in the message
	}{
		{"RPID empty", func(c *Config) { c.RPID = "" }, "RPID is empty"},
		{"RPID a URL", func(c *Config) { c.RPID = "https://example.com" }, "without scheme, port and path"},
		{"RPID with port", func(c *Config) { c.RPID = "example.com:443" }, "without scheme, port and path"},
		{"RPID with path", func(c *Config) { c.RPID = "example.com/" }, "without scheme, port and path"},
		{"RPID upper case", func(c *Config) { c.RPID = "Example.com" }, "lower case"},
		{"RPID an address", func(c *Config) { c.RPID = "127.0.0.1" }, "IP addresses"},
		{"RPID a top-level domain", func(c *Config) { c.RPID = "com" }, "registrable domain"},
		{"RPID with empty label", func(c *Config) { c.RPID = "example..com" }, "registrable domain"},
		{"RPID not ASCII", func(c *Config) { c.RPID = "exämple.com" }, "registrable domain"},
		{"RPID of another site", func(c *Config) { c.RPID = "example.org" }, "not within RPID"},
		{"RPID below the origin", func(c *Config) { c.RPID = "a.login.example.com" }, "not within RPID"},
		{"RPID part of a label", func(c *Config) { c.RPID = "ample.com" }, "not within RPID"},
		{"no display name", func(c *Config) { c.RPDisplayName = "" }, "RPDisplayName is empty"},
		{"no origins", func(c *Config) { c.Origins = nil }, `"https://example.com"`},
		{"no scheme", func(c *Config) { c.Origins = []string{"example.com"} }, "write scheme and host"},
		{"host and port alone", func(c *Config) { c.Origins = []string{"example.com:443"} }, "write scheme and host"},
		{"empty origin", func(c *Config) { c.Origins = []string{testOrigin, ""} }, "write scheme and host"},
		{"Android app", func(c *Config) { c.Origins = []string{"android:apk-key-hash:abc"} }, "write scheme and host"},
		{"no host", func(c *Config) { c.Origins = []string{"https://"} }, "write scheme and host"},
		{"unparseable", func(c *Config) { c.Origins = []string{"https://[::1"} }, "not a URL"},
		{"final slash", func(c *Config) { c.Origins = []string{"https://example.com/"} }, "final slash"},
		{"path", func(c *Config) { c.Origins = []string{"https://example.com/login"} }, "final slash"},
		{"query", func(c *Config) { c.Origins = []string{"https://example.com?a"} }, "final slash"},
		{"empty query", func(c *Config) { c.Origins = []string{"https://example.com?"} }, "final slash"},
		{"fragment", func(c *Config) { c.Origins = []string{"https://example.com#"} }, "final slash"},
		{"user", func(c *Config) { c.Origins = []string{"https://a@example.com"} }, "final slash"},
		{"http", func(c *Config) { c.Origins = []string{"http://example.com"} }, "plain http"},
		{"default port", func(c *Config) { c.Origins = []string{"https://example.com:443"} }, "default port"},
		{"empty port", func(c *Config) { c.Origins = []string{"https://example.com:"} }, "as browsers do"},
		{"upper case", func(c *Config) { c.Origins = []string{"https://Example.com"} }, "lower case"},
		{"upper case scheme", func(c *Config) { c.Origins = []string{"HTTPS://example.com"} }, "lower case"},
		{"address", func(c *Config) { c.Origins = []string{"https://192.0.2.1"} }, "IP address"},
		{"IPv6 address", func(c *Config) { c.Origins = []string{"http://[::1]:8080"} }, "IP address"},
		{"not ASCII", func(c *Config) { c.Origins = []string{"https://ä.example.com"} }, "Punycode"},
		{"user verification", func(c *Config) { c.UserVerification = "always" }, `UserVerification is "always": set it to one of`},
		{"resident key", func(c *Config) { c.ResidentKey = "yes" }, "ResidentKey"},
		{"attachment", func(c *Config) { c.AuthenticatorAttachment = "usb" }, "AuthenticatorAttachment"},
		{"attestation", func(c *Config) { c.Attestation = "full" }, "Attestation"},
		{"negative timeout", func(c *Config) { c.Timeout = -1 }, "Timeout"},
		{"timeout in the wrong unit", func(c *Config) { c.Timeout = 300 }, "Timeout"},
		{"endless timeout", func(c *Config) { c.Timeout = 24 * time.Hour }, "Timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := testConfig()
			tt.change(&c)
			f, err := New(c)
			require.Nil(t, f)
			require.ErrorContains(t, err, tt.want)
			require.True(t, strings.HasPrefix(err.Error(), "webauthnfactor: "), err)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestNewAccepts(t *testing.T) {
	for _, c := range []Config{
		{RPID: "example.com", Origins: []string{"https://example.com", "https://a.b.example.com:8443"}},
		{RPID: "login.example.com", Origins: []string{"https://login.example.com"}},
		{RPID: "localhost", Origins: []string{"http://localhost:8080", "https://localhost:8443", "http://app.localhost"}},
		{RPID: "xn--exmple-cua.com", Origins: []string{"https://xn--exmple-cua.com"}},
	} {
		c.RPDisplayName = "Example"
		_, err := New(c)
		require.NoError(t, err)
	}
}

func TestConfigIsCopied(t *testing.T) {
	c := testConfig()
	f, err := New(c)
	require.NoError(t, err)
	c.Origins[0] = "https://evil.example.com"
	step := beginEnroll(t, f)
	_, err = finishEnroll(f, step, newDevice(t).create(t, step))
	require.NoError(t, err)
}
