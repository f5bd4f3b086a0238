package webhook_test

import (
	"io"
	"net/http"
)

// readCloser is a body that needs no closing.
type readCloser struct{ io.Reader }

func (readCloser) Close() error { return nil }

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
