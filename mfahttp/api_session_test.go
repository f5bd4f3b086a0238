package mfahttp_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// One test per row of the table in docs/http-api.md.

func TestAPI_Session(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser()

	got := b.do(http.MethodGet, "/mfa/api/session", nil)
	assert.Equal(t, http.StatusUnauthorized, got.status)
	assert.Equal(t, "no_session", got.code())
	assert.Equal(t, "Bearer", got.header.Get("WWW-Authenticate"))

	b.login("ada")
	s := b.session()
	assert.True(t, s.Active)
	assert.NotEmpty(t, s.ID)
	assert.Equal(t, "aal1", s.AAL)
	assert.Equal(t, "aal1", s.HighestAvailable)
	assert.Equal(t, []string{"pwd"}, s.AMR)
	require.Len(t, s.Methods, 1)
	assert.Equal(t, "password", s.Methods[0].Method)
	assert.Equal(t, "aal1", s.Methods[0].AAL)
	assert.Equal(t, a.clock.Now(), s.Methods[0].CompletedAt)
	require.NotNil(t, s.AuthenticatedAt)
	assert.Equal(t, a.clock.Now(), *s.AuthenticatedAt)

	a.clock.Advance(time.Minute)
	b.enrollTOTP()
	s = b.session()
	assert.Equal(t, "aal2", s.AAL)
	assert.Equal(t, "aal2", s.HighestAvailable)
	assert.Equal(t, []string{"otp", "pwd", "mfa"}, s.AMR)
	require.Len(t, s.Methods, 2)
	assert.Equal(t, "totp", s.Methods[1].Method)
	assert.Equal(t, "aal2", s.Methods[1].AAL)
	assert.Equal(t, a.clock.Now(), *s.AuthenticatedAt)

	head := b.do(http.MethodHead, "/mfa/api/session", nil)
	assert.Equal(t, http.StatusOK, head.status)
	assert.Empty(t, head.body)
}

// The parameter can ask for more and never for less: it neither lets a pending
// session pass nor changes what a route asks.
func TestC04_RequiredAALOnlyRaises(t *testing.T) {
	a := newApp(t)
	full := a.newBrowser().login("ada")
	phone := full.enrollTOTP()
	pending := a.newBrowser().login("ada")
	single := a.newBrowser().login("bob")

	for _, c := range []struct {
		name       string
		b          *browser
		level      string
		status     int
		want, goes string
	}{
		{"none", a.newBrowser(), "aal1", 401, "", "/login"},
		{"single factor", single, "aal1", 200, "", ""},
		{"single factor", single, "highest_available", 200, "", ""},
		{"single factor", single, "aal2", 403, "aal2", "/mfa/"},
		{"pending", pending, "aal1", 403, "aal2", "/mfa/verify?methods=totp"},
		{"pending", pending, "highest_available", 403, "aal2", "/mfa/verify?methods=totp"},
		{"pending", pending, "aal2", 403, "aal2", "/mfa/verify?methods=totp"},
		{"full", full, "aal1", 200, "", ""},
		{"full", full, "highest_available", 200, "", ""},
		{"full", full, "aal2", 200, "", ""},
	} {
		t.Run(c.name+" "+c.level, func(t *testing.T) {
			got := c.b.do(http.MethodGet, "/mfa/api/session?required_aal="+c.level, nil)
			assert.Equal(t, c.status, got.status, got.body)
			if c.status == http.StatusOK {
				return
			}
			var p mfa.Problem
			require.NoError(t, json.Unmarshal([]byte(got.body), &p))
			assert.Equal(t, c.goes, p.RedirectTo)
			assert.Equal(t, c.want, p.RequiredAAL)
			if c.status == http.StatusForbidden {
				assert.Equal(t, "session_aal2_required", p.Code)
			}
		})
	}
	assert.Equal(t, http.StatusUnauthorized, pending.do(http.MethodGet, "/home?required_aal=aal1", nil).status)
	assert.Equal(t, http.StatusBadRequest, pending.do(http.MethodPost, "/mfa/api/challenges",
		object{"method": "totp", "response": phone.next(), "required_aal": "aal1"}).status)
	assert.False(t, pending.session().Active)
}

func TestC02_UnknownLevelIsRefused(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	for _, query := range []string{
		"required_aal=", "required_aal", "required_aal=aal0", "required_aal=aal3", "required_aal=AAL1", "required_aal=aal1+", "required_aal=aal+2",
		"required_aal=2", "required_aal=127", "required_aal=aal1%00", "required_aal=aal1&required_aal=aal1", "required_aal=highest-available", "required_aal=%zz",
	} {
		got := b.do(http.MethodGet, "/mfa/api/session?"+query, nil)
		assert.Equal(t, http.StatusBadRequest, got.status, query)
		assert.Equal(t, "bad_request", got.code(), query)
	}
}

// methodDocument is one entry of GET /methods.
type methodDocument struct {
	Method      string `json:"method"`
	Enrolled    int    `json:"enrolled"`
	Usable      bool   `json:"usable"`
	FirstFactor bool   `json:"first_factor"`
	Recovery    bool   `json:"recovery"`
	Restricted  bool   `json:"restricted"`
	Promptless  bool   `json:"promptless"`
	Enrollable  bool   `json:"enrollable"`
}

func (b *browser) methods() map[string]methodDocument {
	b.a.t.Helper()
	got := b.do(http.MethodGet, "/mfa/api/methods", nil)
	require.Equal(b.a.t, http.StatusOK, got.status, got.body)
	var list []methodDocument
	got.into(b.a.t, &list)
	byName := map[string]methodDocument{}
	for _, m := range list {
		byName[m.Method] = m
	}
	require.Len(b.a.t, byName, len(list))
	return byName
}

func TestAPI_Methods(t *testing.T) {
	a := newApp(t)
	assert.Equal(t, "no_session", a.newBrowser().do(http.MethodGet, "/mfa/api/methods", nil).code())

	b := a.newBrowser().login("ada")
	methods := b.methods()
	require.Len(t, methods, 3)
	assert.Equal(t, methodDocument{Method: "totp", Promptless: true, Enrollable: true}, methods["totp"])
	assert.True(t, methods["webauthn"].Enrollable)
	assert.False(t, methods["webauthn"].Promptless)
	assert.True(t, methods["lookup_secret"].Recovery)
	assert.False(t, methods["lookup_secret"].Enrollable, "recovery codes need a real factor first")

	b.enrollTOTP()
	b.enrollCodes()
	for name, m := range a.newBrowser().login("ada").methods() {
		assert.Equal(t, name != "webauthn", m.Usable, name)
		assert.False(t, m.Enrollable, "%s, while pending", name)
	}
}
