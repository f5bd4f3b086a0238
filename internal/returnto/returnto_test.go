package returnto_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-mfa/mfa/internal/returnto"
)

func TestC10_PathsOfThisOrigin(t *testing.T) {
	for raw, want := range map[string]string{
		"/":                      "/",
		"/account":               "/account",
		"/account/":              "/account/",
		"/account?x=1&y=2":       "/account?x=1&y=2",
		"/account?x=1#there":     "/account?x=1",
		"/a%20b":                 "/a%20b",
		"/a b":                   "/a%20b",
		"/ü":                     "/%C3%BC",
		"/@user":                 "/@user",
		"/a:b":                   "/a:b",
		"/search?q=https://x.de": "/search?q=https://x.de",
		"/a//b":                  "/a//b",
		"/x?next=//evil.test":    "/x?next=//evil.test",
	} {
		assert.Equal(t, want, returnto.Path(raw), "%q", raw)
	}
}

var elsewhere = []string{
	"", " ", "account", "account/x", "?x", "#x", ".", "..", "../x",
	"//evil.test", "//evil.test/x", "///evil.test", "////evil.test", "//evil.test@example.com", `/\evil.test`, `\/evil.test`, `\\evil.test`, `/\/evil.test`,
	`/x\evil.test`, "/\t/evil.test", "/\n/evil.test", "/\r\n/evil.test", "\t//evil.test", " //evil.test", " /x", "/\x00/evil.test", "/x\x7f", "/x\r\nSet-Cookie: a=b",
	"https://evil.test", "http:evil.test", "https:/evil.test", "https:evil.test", "HTTPS://evil.test", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "mailto:x@y", "file:///etc/passwd",
	"https://example.com.evil.test/", "https://example.com@evil.test/", "user:pass@evil.test/x", "evil.test:80/x", "//[::1]/", "//evil。test",
	"/%2fevil.test", "/%2Fevil.test", "/%252fevil.test", "/%25252fevil.test", "/%5cevil.test", "/%5Cevil.test", "/%255cevil.test", "%2f%2fevil.test", "%2fevil.test",
	"/%09/evil.test", "/%0a/evil.test", "/%0d%0aSet-Cookie:x=y", "/%00", "/x%01y", "/%7f", "/%251f", "/%250d%250aX:y", "/%", "/%zz", "/%2", "/x%5cy",
	"/" + strings.Repeat("a", 2048),
	"http://", "://", ":", "\u2028//evil.test",
}

func TestC10_WhateverCouldLeaveTheOriginIsRefused(t *testing.T) {
	for _, raw := range elsewhere {
		assert.Empty(t, returnto.Path(raw), "%q", raw)
	}
}

// sameOrigin resolves as a browser does (RFC 3986, and the URL standard's
// treatment of backslashes and white space), and reports whether the answer is
// on the origin it began at.
func sameOrigin(location string) bool {
	location = strings.Map(func(r rune) rune {
		switch r {
		case '\t', '\n', '\r':
			return -1
		case '\\':
			return '/'
		}
		return r
	}, strings.TrimFunc(location, func(r rune) bool { return r <= ' ' }))
	base := url.URL{Scheme: "https", Host: "example.com", Path: "/"}
	to, err := base.Parse(location)
	return err == nil && to.Scheme == "https" && to.Host == "example.com" && to.User == nil
}

func FuzzPath(f *testing.F) {
	for _, raw := range elsewhere {
		f.Add(raw)
	}
	f.Add("/account?x=1#y")
	f.Add("/.//evil.test")
	f.Add("/..//evil.test")
	f.Add("/x/../..//evil.test")
	f.Add("/? 00")
	f.Add("/" + strings.Repeat("\xa2", 1500))
	f.Fuzz(func(t *testing.T, raw string) {
		path := returnto.Path(raw)
		if path == "" {
			return
		}
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.HasPrefix(path, `/\`) || strings.ContainsAny(path, "\\\r\n\t\x00 ") {
			t.Fatalf("%q became %q", raw, path)
		}
		if !sameOrigin(path) {
			t.Fatalf("%q leads elsewhere", path)
		}
		if returnto.Path(path) != path {
			t.Fatalf("%q became %q, which became %q", raw, path, returnto.Path(path))
		}
		for decoded, i := path, 0; i < 3; i++ {
			next, err := url.PathUnescape(strings.SplitN(decoded, "?", 2)[0])
			if err != nil {
				break
			}
			decoded = next
			if strings.HasPrefix(decoded, "//") || strings.ContainsFunc(decoded, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\\' }) {
				t.Fatalf("%q decodes to %q", path, decoded)
			}
		}
	})
}

func TestOf(t *testing.T) {
	for name, c := range map[string]struct{ method, uri, referer, want string }{
		"GET":                   {"GET", "/a?b", "", "/a?b"},
		"HEAD":                  {"HEAD", "/a", "", "/a"},
		"absolute form":         {"GET", "http://example.com/a?b", "", "/a?b"},
		"POST":                  {"POST", "/a", "http://example.com/form?x", "/form?x"},
		"POST from elsewhere":   {"POST", "/a", "http://evil.test/form", ""},
		"POST, other port":      {"POST", "/a", "http://example.com:8080/form", ""},
		"POST without referer":  {"POST", "/a", "", ""},
		"POST, broken referer":  {"POST", "/a", "http://example.com/%zz", ""},
		"POST, odd scheme":      {"POST", "/a", "ftp://example.com/x", ""},
		"POST, path like host":  {"POST", "/a", "http://example.com//evil.test", ""},
		"GET, path like a host": {"GET", "//evil.test/x", "", ""},
	} {
		r := httptest.NewRequest(c.method, "http://example.com/x", nil)
		r.RequestURI = c.uri
		if strings.HasPrefix(c.uri, "http") {
			r.URL, _ = url.Parse(c.uri)
		}
		r.Header.Set("Referer", c.referer)
		assert.Equal(t, c.want, returnto.Of(r), name)
	}
}
