package post

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
)

func TestParseURL(t *testing.T) {
	for _, s := range []string{"https://example.com", "https://example.com:8443/a?b=c", "http://localhost:80/a", "http://127.0.0.1:1", "http://[::1]:1/a"} {
		u, err := ParseURL(s)
		require.NoError(t, err, s)
		assert.Equal(t, s, u.String())
	}
	for _, s := range []string{
		"", "example.com", "/path", "http://example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "ftp://localhost",
		"https://", "https://:443", "https://canary:canary@example.com", "https://example.com#canary", "https://example.com/%zz", "https://exa mple.com",
	} {
		_, err := ParseURL(s)
		require.ErrorContains(t, err, "is no https URL", s)
		assert.NotContains(t, err.Error(), "canary")
	}
}

func TestClient_IsACopyWithLimits(t *testing.T) {
	assert.Equal(t, 10*time.Second, Client(nil).Timeout)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	given := &http.Client{Timeout: time.Minute, Jar: jar, Transport: &http.Transport{}}
	own := Client(given)
	assert.Equal(t, time.Minute, own.Timeout)
	assert.Same(t, given.Transport, own.Transport)
	assert.Nil(t, own.Jar)
	assert.NotNil(t, given.Jar, "it was changed")
	assert.Nil(t, given.CheckRedirect, "it was changed")
}

// do posts to a server that answers as told.
func do(ctx context.Context, t *testing.T, client *http.Client, answer http.HandlerFunc) (Answer, error) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/canary?token=canary", strings.NewReader("canary"))
	require.NoError(t, err)
	return Do(Client(client), r)
}

func TestDo_ReadsTheAnswer(t *testing.T) {
	a, err := do(t.Context(), t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(strings.Repeat("x", 1<<20)))
	})
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, a.Status)
	assert.Equal(t, 7*time.Second, a.After)
	assert.Len(t, a.Body, 64<<10)
}

func TestDo_FollowsNoRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var elsewhere atomic.Int32
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
		t.Cleanup(other.Close)
		follows := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		a, err := do(t.Context(), t, follows, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		require.NoError(t, err)
		assert.Equal(t, status, a.Status)
		assert.Zero(t, elsewhere.Load())
	}
}

// What was answered counts, even if its body is cut off.
func TestDo_TheStatusIsEnough(t *testing.T) {
	a, err := do(t.Context(), t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("half"))
	})
	require.NoError(t, err)
	assert.Equal(t, Answer{Status: http.StatusCreated, Body: []byte("half")}, a)
}

func hijack(t *testing.T, w http.ResponseWriter) *net.TCPConn {
	conn, _, err := w.(http.Hijacker).Hijack()
	if !assert.NoError(t, err) {
		panic(http.ErrAbortHandler)
	}
	return conn.(*net.TCPConn)
}

func TestC13_FaultsOfTheWayTellNothing(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body) // until then the server does not notice that nobody waits
		assert.NoError(t, err)
		<-r.Context().Done()
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		cancel bool
		says   string
		is     error
	}{
		"hangs":     {hang, false, "no answer in time", context.DeadlineExceeded},
		"cancelled": {hang, true, "no answer yet", context.Canceled},
		"reset": {func(w http.ResponseWriter, _ *http.Request) {
			conn := hijack(t, w)
			assert.NoError(t, conn.SetLinger(0))
			assert.NoError(t, conn.Close())
		}, false, "connection reset by peer", nil},
		"hangs up": {func(w http.ResponseWriter, _ *http.Request) { assert.NoError(t, hijack(t, w).Close()) }, false, "the server has hung up", nil},
		"other words": {func(w http.ResponseWriter, _ *http.Request) {
			conn := hijack(t, w)
			_, err := conn.Write([]byte("canary says hello\r\n\r\n"))
			assert.NoError(t, err)
			assert.NoError(t, conn.Close())
		}, false, "does not keep to HTTP", nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answer := c.answer
			if c.cancel {
				answer = func(w http.ResponseWriter, r *http.Request) { cancel(); c.answer(w, r) }
			}
			client := &http.Client{Timeout: time.Minute}
			if name == "hangs" {
				client.Timeout = 50 * time.Millisecond
			}
			_, err := do(ctx, t, client, answer)
			require.ErrorContains(t, err, c.says)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			assert.NotContains(t, err.Error(), "canary")
			assert.NotErrorIs(t, err, otpdelivery.ErrPermanent)
		})
	}
}

func TestDo_NobodyThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/canary", nil)
	require.NoError(t, err)
	_, err = Do(Client(nil), r)
	require.ErrorContains(t, err, "connection refused")
	assert.NotContains(t, err.Error(), "canary")
}

func TestDo_AWrongCertificateIsNoAnswer(t *testing.T) {
	var reached atomic.Bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would complain about the client
	server.StartTLS()
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	require.NoError(t, err)
	_, err = Do(Client(nil), r)
	require.ErrorContains(t, err, "certificate")
	assert.NotErrorIs(t, err, otpdelivery.ErrPermanent)
	assert.False(t, reached.Load())
}

func TestFault(t *testing.T) {
	for _, c := range []struct {
		answer    Answer
		permanent bool
		later     bool
	}{
		{Answer{Status: 400}, true, false},
		{Answer{Status: 429}, false, true},
		{Answer{Status: 429, After: time.Second}, false, true},
		{Answer{Status: 503, After: time.Second}, false, true},
		{Answer{Status: 503}, false, false},
		{Answer{Status: 500, After: time.Second}, false, false},
	} {
		err := c.answer.Fault("somebody answers", c.permanent)
		require.ErrorContains(t, err, "somebody answers")
		assert.Equal(t, c.permanent, errors.Is(err, otpdelivery.ErrPermanent))
		var later *otpdelivery.LaterError
		assert.Equal(t, c.later, errors.As(err, &later))
		if c.later {
			assert.Equal(t, c.answer.After, later.After)
		}
	}
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func TestParseRetryAfter(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"30":                               30 * time.Second,
		"86400":                            24 * time.Hour,
		"86401":                            24 * time.Hour,
		"99999999999999999999999999":       24 * time.Hour,
		"-30":                              0,
		"1.5":                              0,
		"30 s":                             0,
		"soon":                             0,
		"Sat, 14 Mar 2026 12:01:00 GMT":    time.Minute,
		"Sat, 14 Mar 2026 11:59:00 GMT":    0,
		"Thu, 14 Mar 9999 12:01:00 GMT":    24 * time.Hour,
		"Saturday, 14-Mar-26 12:01:00 GMT": time.Minute,
		"Sat Mar 14 12:01:00 2026":         time.Minute,
	} {
		assert.Equal(t, want, parseRetryAfter(s, noon), s)
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		if d := parseRetryAfter(s, noon); d < 0 || d > 24*time.Hour {
			t.Errorf("%q: %v", s, d)
		}
	})
}
