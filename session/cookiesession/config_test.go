package cookiesession

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

func TestNewRefuses(t *testing.T) {
	good := [][]byte{key(1)}
	for what, c := range map[string]struct {
		cfg  Config
		says string
	}{
		"no key":           {Config{}, "Config.Keys: no key"},
		"a short key":      {Config{Keys: [][]byte{key(1)[:31]}}, "31 bytes"},
		"a repeated byte":  {Config{Keys: [][]byte{make([]byte, 32)}}, "one byte repeated"},
		"a prefix":         {Config{Keys: good, Name: "__Host-mfa"}, "Config.Name"},
		"a bad name":       {Config{Keys: good, Name: "a b"}, "Config.Name"},
		"no lifetime":      {Config{Keys: good, Lifetime: -time.Hour}, "Config.Lifetime"},
		"SameSite none":    {Config{Keys: good, SameSite: http.SameSiteNoneMode}, "Config.SameSite"},
		"SameSite default": {Config{Keys: good, SameSite: http.SameSiteDefaultMode}, "Config.SameSite"},
	} {
		_, err := New(c.cfg)
		assert.ErrorContains(t, err, c.says, what)
	}
}

func TestPlainCookieOnLoopbackOnly(t *testing.T) {
	s := newSession(t, Config{})
	request := func(url, peer string, headers ...string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, url, nil)
		r.RemoteAddr = peer
		for _, h := range headers {
			r.Header.Set(h, "x")
		}
		return r
	}
	for _, c := range []struct {
		what  string
		r     *http.Request
		plain bool
	}{
		{"localhost", request("http://localhost:8080/", "127.0.0.1:50000"), true},
		{"localhost without a port", request("http://LocalHost/", "[::1]:50000"), true},
		{"an address", request("http://127.0.0.1:8080/", "127.0.0.1:50000"), true},
		{"an IPv6 address", request("http://[::1]:8080/", "[::1]:50000"), true},
		{"an IPv6 address without a port", request("http://[::1]/", "[::ffff:127.0.0.1]:50000"), true},
		{"TLS", request("https://localhost:8443/", "127.0.0.1:50000"), false},
		{"a real name", request("http://app.example/", "127.0.0.1:50000"), false},
		{"a name that only begins so", request("http://localhost.evil.example/", "127.0.0.1:50000"), false},
		{"the client's word alone", request("http://localhost/", "192.0.2.7:50000"), false},
		{"an address of the network", request("http://192.168.1.2/", "127.0.0.1:50000"), false},
		{"a Unix socket", request("http://localhost/", "@"), false},
		{"a proxy that rewrites Host", request("http://localhost:8080/", "127.0.0.1:50000", "X-Forwarded-For"), false},
		{"a proxy that rewrites Host", request("http://localhost:8080/", "127.0.0.1:50000", "Forwarded"), false},
	} {
		t.Run(c.what, func(t *testing.T) {
			cookie := saved(t, s, c.r, ann())
			other := "mfa"
			if c.plain {
				other = "__Host-mfa"
			}
			assert.Equal(t, c.plain, cookie.Name == "mfa")
			assert.Equal(t, c.plain, !cookie.Secure)
			_, err := load(s, c.r, cookie.Name, cookie.Value)
			require.NoError(t, err)
			_, err = load(s, c.r, other, cookie.Value)
			assert.ErrorIs(t, err, mfa.ErrNoSession, "a request is read by its own name only")

			moved := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
			moved.RemoteAddr = "127.0.0.1:1"
			if c.plain {
				moved.TLS = &tls.ConnectionState{}
			}
			_, err = load(s, moved, other, cookie.Value)
			assert.ErrorIs(t, err, mfa.ErrNoSession, "a value is bound to its cookie's name")
		})
	}
}
