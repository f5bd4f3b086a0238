package mfa_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
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

func TestRefusalByKindOfClient(t *testing.T) {
	kit := mfatest.New(t, nil)
	gate := kit.Manager.Require(mfa.Requirement{})(&counted{})
	for name, c := range map[string]struct {
		method, target string
		header         map[string]string
		location       string // "" for 401
	}{
		"navigation":              {"GET", "/a?b=c", map[string]string{"Sec-Fetch-Mode": "navigate"}, "/login?return_to=%2Fa%3Fb%3Dc"},
		"HEAD navigation":         {"HEAD", "/a", map[string]string{"Sec-Fetch-Mode": "navigate"}, "/login?return_to=%2Fa"},
		"old browser":             {"GET", "/a", map[string]string{"Accept": "text/html,*/*;q=0.8"}, "/login?return_to=%2Fa"},
		"fetch that accepts html": {"GET", "/a", map[string]string{"Sec-Fetch-Mode": "cors", "Accept": "text/html"}, ""},
		"API":                     {"GET", "/a", map[string]string{"Accept": "application/json"}, ""},
		"curl":                    {"GET", "/a", map[string]string{"Accept": "*/*"}, ""},
		"nothing said":            {"GET", "/a", nil, ""},
		"websocket":               {"GET", "/a", map[string]string{"Sec-Fetch-Mode": "websocket", "Upgrade": "websocket"}, ""},
		"form":                    {"POST", "/a", map[string]string{"Sec-Fetch-Mode": "navigate", "Referer": "http://example.com/form?x=1#y"}, "/login?return_to=%2Fform%3Fx%3D1"},
		"form from elsewhere":     {"POST", "/a", map[string]string{"Sec-Fetch-Mode": "navigate", "Referer": "http://evil.test/form"}, "/login"},
		"form without referer":    {"POST", "/a", map[string]string{"Sec-Fetch-Mode": "navigate"}, "/login"},
		"form, odd referer":       {"DELETE", "/a", map[string]string{"Sec-Fetch-Mode": "navigate", "Referer": "javascript://example.com/%0aalert(1)"}, "/login"},
		"path like a host":        {"GET", "//evil.test/a", map[string]string{"Sec-Fetch-Mode": "navigate"}, "/login"},
		"path like a host, again": {"GET", "/%5cevil.test", map[string]string{"Sec-Fetch-Mode": "navigate"}, "/login"},
	} {
		r := httptest.NewRequest(c.method, "/x", nil)
		r.RequestURI = c.target
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		w := answer(t, gate, r)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), name)
		assert.Equal(t, c.location, w.Header().Get("Location"), name)
		if c.location == "" {
			assert.Equal(t, http.StatusUnauthorized, w.Code, name)
		} else {
			assert.Equal(t, http.StatusSeeOther, w.Code, name)
		}
	}
}

func TestRefusalSendsToWhereItHelps(t *testing.T) {
	mail := &inbox{method: "email"}
	kit := mfatest.New(t, func(c *mfa.Config) {
		neverPending(c)
		withInbox(mail)(c)
		c.LoginURL, c.VerifyURL, c.EnrollURL = "/in?lang=de", "https://id.example.test/verify", "/more"
	})
	none := kit.SignedIn(t, "none")
	_, both := kit.EnrollTOTP(t, kit.SignedIn(t, "both"))
	_, both = kit.EnrollKey(t, both)
	kit.EnrollCodes(t, both)
	_, totp := kit.EnrollTOTP(t, kit.SignedIn(t, "totp"))
	kit.Clock.Advance(time.Hour)
	fresh := func(user string) mfa.State { return kit.SignedIn(t, user) }
	for name, c := range map[string]struct {
		s       mfa.State
		q       mfa.Requirement
		missing mfa.Missing
		want    string
	}{
		"nobody":                            {mfa.State{}, mfa.Requirement{}, "", "/in?lang=de"},
		"strongest first, recovery last":    {fresh("both"), mfa.Requirement{}, mfa.MissingSecondFactor, "https://id.example.test/verify?methods=webauthn%2Ctotp%2Clookup_secret"},
		"only what would do":                {fresh("both"), mfa.Requirement{Methods: []string{"totp"}}, mfa.MissingSecondFactor, "https://id.example.test/verify?methods=totp"},
		"phishing-resistant":                {fresh("both"), mfa.Requirement{PhishingResistant: true}, mfa.MissingSecondFactor, "https://id.example.test/verify?methods=webauthn"},
		"too old":                           {totp, mfa.Requirement{AAL: mfa.AAL2, MaxAge: time.Minute}, mfa.MissingRecent, "https://id.example.test/verify?methods=totp"},
		"another than was used":             {totp, mfa.Requirement{AAL: mfa.AAL2, PhishingResistant: true}, mfa.MissingEnrollment, "/more"},
		"nothing enrolled":                  {none, mfa.Requirement{AAL: mfa.AAL2}, mfa.MissingEnrollment, "/more"},
		"only a first factor is too old":    {none, mfa.Requirement{AAL: mfa.AAL1, MaxAge: time.Minute}, mfa.MissingFirstFactor, "/in?lang=de"},
		"only signing in again":             {none, mfa.Requirement{AAL: mfa.AAL1, Methods: []string{"password", "oidc"}, MaxAge: time.Minute}, mfa.MissingFirstFactor, "/in?lang=de"},
		"aal1 too old, with second factors": {fresh("totp"), mfa.Requirement{AAL: mfa.AAL1, Methods: []string{"totp"}}, mfa.MissingSecondFactor, "https://id.example.test/verify?methods=totp"},
	} {
		w := answer(t, kit.Manager.Require(c.q)(&counted{}), kit.Request(t, "GET", "/", c.s))
		require.Equal(t, 401, w.Code)
		var p mfa.Problem
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
		assert.Equal(t, c.want, p.RedirectTo, name)

		r := kit.Request(t, "GET", "/a", c.s)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		w = answer(t, kit.Manager.Require(c.q)(&counted{}), r)
		require.Equal(t, 303, w.Code)
		to, err := url.Parse(w.Header().Get("Location"))
		require.NoError(t, err)
		assert.Equal(t, "/a", to.Query().Get("return_to"), name)
		without := to.Query()
		without.Del("return_to")
		to.RawQuery = without.Encode()
		assert.Equal(t, c.want, to.String(), name)
		if c.missing != "" {
			assert.Equal(t, c.missing, stepUpOf(t, kit.Manager.Allow(t.Context(), c.s, c.q)).Missing, name)
		}
	}
	assert.Empty(t, kit.Manager.Destination(errors.New("fault")))
	assert.Empty(t, kit.Manager.Destination(mfa.ErrRejected))
}

func TestDenyReplacesTheRefusal(t *testing.T) {
	var denied error
	kit := mfatest.New(t, func(c *mfa.Config) {
		c.Deny = func(w http.ResponseWriter, _ *http.Request, err error) {
			denied = err
			w.WriteHeader(http.StatusTeapot)
		}
	})
	w := answer(t, kit.Manager.RequireAAL(mfa.AAL2)(&counted{}), kit.Request(t, "GET", "/", kit.SignedIn(t, "alice")))
	assert.Equal(t, http.StatusTeapot, w.Code)
	assert.Equal(t, mfa.AAL2, stepUpOf(t, denied).Want)
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

func TestProblemsOfErrors(t *testing.T) {
	for code, c := range map[string]struct {
		status int
		err    error
	}{
		"no_session":        {401, mfa.ErrNoSession},
		"step_up_required":  {401, &mfa.StepUpError{Want: mfa.AAL2}},
		"throttled":         {429, &mfa.ThrottledError{RetryAfter: 1500 * time.Millisecond}},
		"rejected":          {422, mfa.ErrReplayed},
		"not_enrolled":      {409, mfa.ErrNotEnrolled},
		"already_satisfied": {409, mfa.ErrAlreadySatisfied},
		"not_found":         {404, mfa.ErrNotFound},
		"conflict":          {409, mfa.ErrConflict},
		"waiting":           {409, mfa.ErrWaiting},
		"unavailable":       {503, errors.New("secret of the database")},
	} {
		p := mfa.ProblemFor(c.err)
		assert.Equal(t, code, p.Code)
		assert.Equal(t, c.status, p.Status)
		w := httptest.NewRecorder()
		require.NoError(t, p.Write(w))
		assert.Equal(t, c.status, w.Code)
		assert.NotContains(t, w.Body.String(), "secret")
		assert.Equal(t, code == "throttled" || code == "unavailable" || code == "waiting", w.Header().Get("Retry-After") != "", code)
	}
	assert.Equal(t, 2, mfa.ProblemFor(&mfa.ThrottledError{RetryAfter: 1500 * time.Millisecond}).RetryAfter)
	assert.Equal(t, 1, mfa.ProblemFor(&mfa.ThrottledError{}).RetryAfter)
}
