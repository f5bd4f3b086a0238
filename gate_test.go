package mfa_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
)

func TestC01_GatesFailClosed(t *testing.T) {
	for _, at := range []string{"store", "session"} {
		for _, fault := range []faultstore.Fault{faultstore.Before, faultstore.After, faultstore.CancelBefore, faultstore.Hang, faultstore.Panic, faultstore.PanicAfter} {
			t.Run(at+" "+fault.String(), func(t *testing.T) {
				kit, store, session := brokenKit(t, nil)
				s := kit.SignedInAAL2(t, "alice")
				r := kit.Request(t, "GET", "/", s)
				r.Header.Set("Sec-Fetch-Mode", "navigate")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if fault == faultstore.Hang {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, 5*time.Millisecond)
					defer stop()
				}
				r = r.WithContext(ctx)
				faults := &store.Faults
				if at == "session" {
					faults = &session.Faults
				}
				faults.CancelWith(cancel)
				faults.Fail(1, fault)
				h := &counted{}
				w := answer(t, kit.Manager.Require(mfa.Requirement{AAL: mfa.AAL1})(h), r)
				require.Equal(t, 1, faults.Fired())
				assert.Zero(t, h.n)
				assert.Equal(t, http.StatusServiceUnavailable, w.Code)
				assert.Equal(t, "5", w.Header().Get("Retry-After"))
				assert.Empty(t, w.Header().Get("Location"))
				assert.NotContains(t, w.Body.String(), "faultstore")
				_, err := kit.Manager.Check(kit.Request(t, "GET", "/", s), mfa.Requirement{})
				require.NoError(t, err, "nothing was lost")
			})
		}
	}
}

// panickyChannel is a factor whose optional part panics.
type panickyChannel struct{ *inbox }

func (panickyChannel) Channel(factor.User, *factor.Credential) (string, bool) { panic("channel") }

func TestC01_FaultsOfUserAndFactorFailClosed(t *testing.T) {
	broken := errors.New("users: no connection, and mfa.ErrNoSession")
	down := false
	for name, change := range map[string]func(*mfa.Config){
		"user": func(c *mfa.Config) {
			withInbox(&inbox{method: "email", contact: true})(c)
			user := c.User
			c.User = func(ctx context.Context, id string) (mfa.User, error) {
				if down {
					return mfa.User{}, errors.Join(broken, mfa.ErrNoSession)
				}
				return user(ctx, id)
			}
		},
		"factor": func(c *mfa.Config) {
			neverPending(c)
			c.Factors = append(c.Factors, panickyChannel{&inbox{method: "email", contact: true}})
		},
	} {
		down = false
		kit := mfatest.New(t, change)
		s := mfa.State{ID: "s", UserID: "alice", Methods: []mfa.Method{mfa.Password()}}
		r := kit.Request(t, "GET", "/", s)
		down = true
		h := &counted{}
		w := answer(t, kit.Manager.Require(mfa.Requirement{})(h), r)
		assert.Equal(t, http.StatusServiceUnavailable, w.Code, name)
		assert.Zero(t, h.n)
	}
}

// challengeOf reads a WWW-Authenticate header by the grammar of RFC 9110,
// section 11.6.1, and nothing more lenient.
func challengeOf(t *testing.T, header string) (scheme string, params map[string]string) {
	t.Helper()
	token := func(s string) int {
		i := 0
		for i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= '0' && s[i] <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) >= 0) {
			i++
		}
		return i
	}
	n := token(header)
	scheme, rest := header[:n], header[n:]
	params = map[string]string{}
	for first := true; rest != ""; first = false {
		separator := ", "
		if first {
			separator = " "
		}
		require.True(t, strings.HasPrefix(rest, separator), "%q", rest)
		rest = rest[len(separator):]
		n := token(rest)
		require.Positive(t, n)
		name := rest[:n]
		require.NotContains(t, params, name, "twice")
		require.True(t, strings.HasPrefix(rest[n:], "="))
		rest = rest[n+1:]
		if !strings.HasPrefix(rest, `"`) {
			n := token(rest)
			require.Positive(t, n)
			params[name], rest = rest[:n], rest[n:]
			continue
		}
		var value strings.Builder
		i := 1
		for ; rest[i] != '"'; i++ {
			if rest[i] == '\\' {
				i++
			}
			require.True(t, rest[i] == '\t' || rest[i] >= ' ' && rest[i] != 0x7f, "control character")
			value.WriteByte(rest[i])
		}
		params[name], rest = value.String(), rest[i+1:]
	}
	return scheme, params
}

func TestC03_StepUpChallenge(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	_ = app
	aal1 := kit.SignedIn(t, "alice")
	kit.Clock.Advance(time.Hour)
	for _, c := range []struct {
		s    mfa.State
		q    mfa.Requirement
		want map[string]string
	}{
		{aal1, mfa.Requirement{}, map[string]string{"acr_values": "aal2"}},
		{aal1, mfa.Requirement{AAL: mfa.AAL2, MaxAge: 5 * time.Minute}, map[string]string{"acr_values": "aal2", "max_age": "300"}},
		{s, mfa.Requirement{AAL: mfa.AAL2, MaxAge: 1500 * time.Millisecond}, map[string]string{"acr_values": "aal2", "max_age": "2"}},
		{aal1, mfa.Requirement{AAL: mfa.AAL1, MaxAge: time.Minute}, map[string]string{"acr_values": "aal1", "max_age": "60"}},
		{mfa.State{}, mfa.Requirement{}, nil},
	} {
		w := answer(t, kit.Manager.Require(c.q)(&counted{}), kit.Request(t, "GET", "/", c.s))
		require.Equal(t, http.StatusUnauthorized, w.Code)
		scheme, params := challengeOf(t, w.Header().Get("WWW-Authenticate"))
		assert.Equal(t, "Bearer", scheme)
		assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		var p mfa.Problem
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
		assert.Equal(t, 401, p.Status)
		if c.want == nil {
			assert.Empty(t, params, "RFC 6750, section 3.1: no error code for a request without a session")
			assert.Equal(t, "no_session", p.Code)
			assert.Equal(t, "/login", p.RedirectTo)
			continue
		}
		c.want["error"] = "insufficient_user_authentication"
		assert.Equal(t, c.want, params)
		assert.Equal(t, "step_up_required", p.Code)
		assert.Equal(t, c.want["acr_values"], p.RequiredAAL)
		if c.want["max_age"] != "" {
			assert.Equal(t, c.want["max_age"], strconv.Itoa(p.MaxAge))
		}
		assert.NotEmpty(t, p.RedirectTo)
	}
	// What cannot come from a Manager is still escaped.
	w := httptest.NewRecorder()
	require.NoError(t, mfa.Problem{Status: 401, RequiredAAL: "a\"b\\c\r\nX-Evil: 1\x00\x7f\td", MaxAge: 7}.Write(w))
	_, params := challengeOf(t, w.Header().Get("WWW-Authenticate"))
	assert.Equal(t, "a\"b\\cX-Evil: 1\td", params["acr_values"])
	assert.Empty(t, w.Header().Get("X-Evil"))
}

func TestC04_ClientCannotLowerTheRequirement(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	app, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	s := kit.SignedIn(t, "alice")
	h := &counted{}
	gate := kit.Manager.RequireAAL(mfa.AAL2)(h)
	ask := func(s mfa.State) int {
		r := kit.Request(t, "GET", "/?acr_values=aal1&required_aal=aal0&max_age=999999&aal=2&method=webauthn&verified=true", s)
		r.Header.Set("Acr-Values", "aal1")
		r.Header.Set("Authorization", `Bearer acr="aal2"`)
		return answer(t, gate, r).Code
	}
	assert.Equal(t, 401, ask(s))
	assert.Zero(t, h.n)
	s = kit.VerifyTOTP(t, s, app)
	assert.Equal(t, 204, ask(s), "judged again after the step-up")
	require.NoError(t, kit.Manager.AdminReset(t.Context(), "root", "alice", "x"))
	assert.Equal(t, 401, ask(s))
	assert.Equal(t, 1, h.n)
}

func TestC05_GateCoversEveryMethodAndPath(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	s := kit.SignedIn(t, "alice")
	h := &counted{}
	gated := kit.Manager.Require(mfa.Requirement{})(h)
	mux := http.NewServeMux()
	mux.Handle("/account/", gated)
	mux.Handle("/account", gated)
	mux.Handle("GET /only/{id}", gated)
	inner := http.NewServeMux()
	inner.Handle("/", h)
	for name, app := range map[string]http.Handler{"gates in a mux": mux, "a mux in a gate": kit.Manager.Require(mfa.Requirement{})(inner)} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X"} {
			for _, path := range []string{
				"/account", "/account/", "/account//", "//account", "/account/.", "/account/x/..", "/%61ccount", "/account%2f", "/account/%2e%2e/account",
				"/account;x", "/account?x", "/ACCOUNT", "/only/1", "/only/%2F",
			} {
				for _, header := range []http.Header{
					{}, {"X-Http-Method-Override": {"GET"}}, {"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}},
					{"Content-Length": {"3"}}, {"X-Original-Url": {"/public"}, "X-Rewrite-Url": {"/public"}}, {"X-Forwarded-Prefix": {"/public"}},
				} {
					r := kit.Request(t, "GET", path, s)
					r.Method = method
					maps.Copy(r.Header, header)
					w := answer(t, app, r)
					if w.Code < 300 || w.Code > 499 {
						t.Errorf("%s: %s %s %v: %d", name, method, path, header, w.Code)
					}
				}
			}
		}
		require.Zero(t, h.n, name)
	}
}

func TestC05_GateLeavesTheResponseWriterAlone(t *testing.T) {
	kit := mfatest.New(t, nil)
	w := httptest.NewRecorder()
	var got http.ResponseWriter
	kit.Manager.RequireAAL(mfa.AAL1)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w })).
		ServeHTTP(w, kit.Request(t, "GET", "/", kit.SignedIn(t, "alice")))
	assert.Same(t, w, got)
}

func TestNestedGatesCostOneStatement(t *testing.T) {
	kit, store, session := brokenKit(t, nil)
	m := kit.Manager
	s := kit.SignedInAAL2(t, "alice")
	r := kit.Request(t, "GET", "/", s)
	store.Heal()
	session.Heal()
	reached := false
	var h http.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached = true
		got, ok := mfa.FromContext(r.Context())
		assert.True(t, ok)
		assert.Equal(t, s, got)
		_, err := m.Check(r, mfa.Requirement{PhishingResistant: true})
		assert.NoError(t, err)
		assert.Equal(t, "kept", r.Context().Value(ctxKey{}))
	})
	for range 3 {
		h = m.Require(mfa.Requirement{AAL: mfa.AAL2, MaxAge: time.Hour})(h)
	}
	answer(t, m.RequireAAL(mfa.AAL1)(h), r.WithContext(context.WithValue(r.Context(), ctxKey{}, "kept")))
	require.True(t, reached)
	assert.Len(t, store.Calls(), 1)
	assert.Len(t, session.Calls(), 1)

	// An inner gate that asks for more refuses by itself.
	inner := &counted{}
	w := answer(t, m.RequireAAL(mfa.AAL1)(m.Require(mfa.Requirement{Methods: []string{"totp"}})(inner)), r)
	assert.Equal(t, 401, w.Code)
	assert.Zero(t, inner.n)

	// A gate of another Manager does not believe this one.
	other := mfatest.New(t, nil)
	w = answer(t, m.RequireAAL(mfa.AAL1)(other.Manager.RequireAAL(mfa.AAL1)(inner)), r)
	assert.Equal(t, 401, w.Code)
	assert.Zero(t, inner.n)
	_, ok := mfa.FromContext(t.Context())
	assert.False(t, ok)
}

type ctxKey struct{}
