package mfa_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

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
		"another than was used":             {totp, mfa.Requirement{AAL: mfa.AAL2, PhishingResistant: true}, mfa.MissingEnrollment, "/more?methods=webauthn"},
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
