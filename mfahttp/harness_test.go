package mfahttp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/mfahttp"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
	"github.com/go-mfa/mfa/webauthnfactor"
)

// app is an app with a login, an in-memory session, and the handler mounted at
// /mfa. Its routes of its own: POST /login?user=, POST /logout, GET /home
// behind the gate.
type app struct {
	t       *testing.T
	m       *mfa.Manager
	store   *faultyStore
	session *sessions
	clock   *clock
	logs    *logs
	server  *httptest.Server

	mu     sync.Mutex
	events []mfa.Event
}

// setup changes how an app is made.
type setup struct {
	manager func(*mfa.Config)
	handler func(*mfahttp.Config)
}

func newApp(t *testing.T, options ...setup) *app {
	t.Helper()
	a := &app{
		t:       t,
		store:   &faultyStore{Store: memory.New()},
		session: &sessions{states: map[string]mfa.State{}},
		clock:   &clock{now: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)},
		logs:    &logs{},
	}
	totpFactor, err := totpfactor.New(totpfactor.Config{Issuer: "Example"})
	require.NoError(t, err)
	lookupFactor, err := lookup.New(lookup.Config{})
	require.NoError(t, err)
	keys, err := webauthnfactor.New(webauthnfactor.Config{RPID: relyingParty.ID, RPDisplayName: relyingParty.Name, Origins: []string{relyingParty.Origin}})
	require.NoError(t, err)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	logger := slog.New(slog.NewJSONHandler(a.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := mfa.Config{
		Store:   a.store,
		Session: a.session,
		Factors: []mfa.Factor{totpFactor, keys, lookupFactor},
		Keys:    [][]byte{key},
		User: func(_ context.Context, id string) (mfa.User, error) {
			return mfa.User{ID: id, Name: id, DisplayName: id}, nil
		},
		Logger: logger,
		Now:    a.clock.Now,
		OnEvent: func(_ context.Context, e mfa.Event) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.events = append(a.events, e)
		},
	}
	page := mfahttp.Config{AppName: "Example", Logger: logger}
	for _, o := range options {
		if o.manager != nil {
			o.manager(&cfg)
		}
		if o.handler != nil {
			o.handler(&page)
		}
	}
	a.m, err = mfa.New(cfg)
	require.NoError(t, err)
	h, err := mfahttp.New(a.m, page)
	require.NoError(t, err)

	prefix := page.Prefix
	if prefix == "" {
		prefix = "/mfa"
	}
	mux := http.NewServeMux()
	mux.Handle(strings.TrimSuffix(prefix, "/")+"/", h)
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		status, err := a.m.SignIn(w, r, r.FormValue("user"), mfa.Password())
		if err != nil {
			a.m.Refuse(w, r, err)
			return
		}
		_ = json.NewEncoder(w).Encode(status)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := a.m.SignOut(w, r); err != nil {
			a.m.Refuse(w, r, err)
		}
	})
	mux.Handle("GET /home", a.m.Require(mfa.Requirement{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := mfa.FromContext(r.Context())
		_, _ = io.WriteString(w, "home of "+s.UserID)
	})))
	a.server = httptest.NewServer(mux)
	t.Cleanup(a.server.Close)
	return a
}

func (a *app) eventsOf(kind mfa.EventKind) []mfa.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []mfa.Event
	for _, e := range a.events {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// logs collects what is logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
