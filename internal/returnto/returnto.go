// Package returnto decides where a browser may be sent back to: a path on the
// same origin, nothing else.
package returnto

import (
	"net/http"
	"net/url"
	"strings"
)

const maxLength = 2048

// Path returns a path with its query that is safe to redirect to on the same
// origin, without its fragment, or "" if raw is none. It refuses whatever a
// browser could read as another origin: "//host", "/\host", a scheme, control
// characters, backslashes, and these encoded.
func Path(raw string) string {
	if len(raw) > maxLength || !strings.HasPrefix(raw, "/") || misleading(raw) {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return ""
	}
	// What a proxy or the app's router might decode before it redirects.
	decoded := u.Path
	for range 3 {
		if misleading(decoded) {
			return ""
		}
		next, err := url.PathUnescape(decoded)
		if err != nil {
			break
		}
		decoded = next
	}
	path := u.RequestURI()
	if len(path) > maxLength || strings.Contains(path, " ") { // the query is not escaped
		return ""
	}
	return path
}

// misleading reports whether a browser could read another origin into a path,
// or whether there is something in it that no path has.
func misleading(path string) bool {
	return strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(r rune) bool {
		return r < 0x20 || r == 0x7f || r == '\\'
	})
}

// Of returns where to come back to after a step-up: the request itself if it
// can be repeated, else the same-origin page it came from, else "".
func Of(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if strings.HasPrefix(r.RequestURI, "/") {
			return Path(r.RequestURI)
		}
		return Path(r.URL.RequestURI())
	}
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host || (from.Scheme != "http" && from.Scheme != "https") {
		return ""
	}
	return Path(from.RequestURI())
}
