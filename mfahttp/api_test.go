package mfahttp_test

import (
	"encoding/json"
	"net/http"
	"strings"
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

func TestAPI_Credentials(t *testing.T) {
	a := newApp(t)
	assert.Equal(t, "no_session", a.newBrowser().do(http.MethodGet, "/mfa/api/credentials", nil).code())

	b := a.newBrowser().login("ada")
	got := b.do(http.MethodGet, "/mfa/api/credentials", nil)
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "[]\n", got.body)

	phone := b.enrollTOTP()
	enrolled := a.clock.Now()
	a.clock.Advance(time.Minute)
	key := b.enrollKey("Blue key")
	got = b.do(http.MethodGet, "/mfa/api/credentials", nil)
	var list []credentialDocument
	got.into(t, &list)
	require.Len(t, list, 2)
	assert.Equal(t, phone.credentialID, list[0].ID)
	assert.Equal(t, "totp", list[0].Name)
	assert.Equal(t, enrolled, list[0].CreatedAt)
	assert.Nil(t, list[0].LastUsedAt)
	assert.Equal(t, key.credentialID, list[1].ID)
	assert.Equal(t, "Blue key", list[1].Name)
	assert.Equal(t, "webauthn", list[1].Method)
	assert.NotEmpty(t, list[1].Details)

	pending := a.newBrowser().login("ada")
	got = pending.do(http.MethodGet, "/mfa/api/credentials", nil)
	assert.Equal(t, http.StatusUnauthorized, got.status)
	assert.Equal(t, "step_up_required", got.code())
}

func TestAPI_Enrollments(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser()
	assert.Equal(t, "no_session", b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "totp"}).code())
	b.login("ada")

	c := b.begin("/mfa/api/enrollments", object{"method": "totp", "name": "Phone", "params": object{}})
	assert.Equal(t, "totp", c.Method)
	assert.Equal(t, a.clock.Now().Add(10*time.Minute), c.ExpiresAt)
	phone := &totpApp{clock: a.clock, secret: secretOf(t, c)}
	assert.Contains(t, string(c.Prompt), "otpauth://totp/")
	assert.Contains(t, string(c.Prompt), "qr_svg")

	got := b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": phone.wrong()})
	assert.Equal(t, http.StatusUnprocessableEntity, got.status)
	assert.Equal(t, "rejected", got.code())
	assert.Equal(t, "aal1", b.session().AAL)

	done := b.finishEnrollment(c.ID, phone.code())
	assert.Equal(t, "Phone", done.Credential.Name)
	assert.Equal(t, "totp", done.Credential.Method)
	assert.True(t, done.RecoveryCodesNeeded)
	assert.Equal(t, "aal2", b.session().AAL)

	codes := b.begin("/mfa/api/enrollments", object{"method": "lookup_secret"})
	assert.False(t, b.finishEnrollment(codes.ID, "saved").RecoveryCodesNeeded, "these are the recovery codes")

	key := newSecurityKey()
	c = b.begin("/mfa/api/enrollments", object{"method": "webauthn", "name": "Blue key"})
	assert.False(t, b.finishEnrollment(c.ID, key.attest(t, c)).RecoveryCodesNeeded, "there are some")

	assert.Equal(t, "not_found", b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "sms"}).code())
	// A stale session has to prove itself again first.
	a.clock.Advance(16 * time.Minute)
	got = b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "totp"})
	assert.Equal(t, http.StatusUnauthorized, got.status)
	var p mfa.Problem
	require.NoError(t, json.Unmarshal([]byte(got.body), &p))
	assert.Equal(t, "step_up_required", p.Code)
	assert.Equal(t, 900, p.MaxAge)
	assert.Equal(t, "aal2", p.RequiredAAL)
	assert.Equal(t, []string{"webauthn", "totp", "lookup_secret"}, p.Methods)
	assert.Equal(t, "/mfa/verify?methods=webauthn%2Ctotp%2Clookup_secret", p.RedirectTo)
	assert.Equal(t, `Bearer error="insufficient_user_authentication", acr_values="aal2", max_age=900`, got.header.Get("WWW-Authenticate"))
}

func TestAPI_ChallengesAtOnce(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser()
	assert.Equal(t, "no_session", b.verify("totp", "123456").code())
	b.login("ada")

	assert.Equal(t, "rejected", b.verify("totp", phone.wrong()).code())
	assert.Equal(t, "not_enrolled", b.verify("lookup_secret", "x").code())
	assert.Equal(t, "not_enrolled", b.verify("sms", "x").code())
	assert.Equal(t, "bad_request", b.verify("webauthn", "x").code(), "a method with a prompt")

	before := b.session()
	got := b.verify("totp", phone.next())
	require.Equal(t, http.StatusOK, got.status, got.body)
	var s sessionDocument
	got.into(t, &s)
	assert.True(t, s.Active)
	assert.Equal(t, "aal2", s.AAL)
	assert.Equal(t, before.ID, s.ID)
	assert.Equal(t, s, b.session())
	assert.Equal(t, http.StatusOK, b.do(http.MethodGet, "/home", nil).status)

	got = b.verify("totp", phone.next())
	assert.Equal(t, http.StatusConflict, got.status)
	assert.Equal(t, "already_satisfied", got.code())
	got = b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "refresh": true, "response": phone.next()})
	require.Equal(t, http.StatusOK, got.status, got.body)
	assert.Equal(t, a.clock.Now(), *b.session().AuthenticatedAt)
}

func TestAPI_Challenges(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	key := owner.enrollKey("Blue key")
	phone := owner.enrollTOTP()
	b := a.newBrowser()
	assert.Equal(t, "no_session", b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "webauthn"}).code())
	assert.Equal(t, "no_session", b.do(http.MethodPost, "/mfa/api/challenges/x", object{"response": "1"}).code())
	b.login("ada")

	c := b.begin("/mfa/api/challenges", object{"method": "webauthn"})
	assert.Equal(t, "webauthn", c.Method)
	assert.True(t, c.ExpiresAt.After(a.clock.Now()))
	got := b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": key.assert(t, c)})
	require.Equal(t, http.StatusOK, got.status, got.body)
	s := b.session()
	assert.Equal(t, "aal2", s.AAL)
	assert.Equal(t, []string{"pop", "pwd", "user", "mfa"}, s.AMR)

	assert.Equal(t, "already_satisfied", b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "webauthn"}).code())
	c = b.begin("/mfa/api/challenges", object{"method": "totp", "refresh": true})
	assert.Empty(t, c.Prompt)
	got = b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": phone.next()})
	assert.Equal(t, http.StatusOK, got.status, got.body)
}

// Nothing is sent for these methods, so there is nothing to send again.
func TestAPI_Resend(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser()
	for _, kind := range []string{"enrollments", "challenges"} {
		assert.Equal(t, "no_session", b.do(http.MethodPost, "/mfa/api/"+kind+"/x/resend", object{}).code())
	}
	b.login("ada")
	c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
	assert.Equal(t, "not_found", b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID+"/resend", object{}).code())
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/enrollments/unknown/resend", "").code())
	assert.Equal(t, "bad_request", b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID+"/resend", object{"to": "eve@example.test"}).code())
	assert.Equal(t, "unsupported_media_type", b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID+"/resend", nil).code())
}

func TestAPI_RenameCredential(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	path := "/mfa/api/credentials/" + phone.credentialID

	got := b.do(http.MethodPatch, path, object{"name": "  Grey phone "})
	require.Equal(t, http.StatusOK, got.status, got.body)
	var c credentialDocument
	got.into(t, &c)
	assert.Equal(t, phone.credentialID, c.ID)
	assert.Equal(t, "Grey phone", c.Name)

	assert.Equal(t, "not_found", b.do(http.MethodPatch, "/mfa/api/credentials/unknown", object{"name": "x"}).code())
	assert.Equal(t, "no_session", a.newBrowser().do(http.MethodPatch, path, object{"name": "x"}).code())
	assert.Equal(t, "step_up_required", a.newBrowser().login("ada").do(http.MethodPatch, path, object{"name": "x"}).code())
	a.clock.Advance(16 * time.Minute)
	assert.Equal(t, "step_up_required", b.do(http.MethodPatch, path, object{"name": "x"}).code())
}

func TestAPI_RemoveCredential(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	key := b.enrollKey("Blue key")
	path := "/mfa/api/credentials/" + phone.credentialID

	assert.Equal(t, "no_session", a.newBrowser().do(http.MethodDelete, path, nil).code())
	assert.Equal(t, "step_up_required", a.newBrowser().login("ada").do(http.MethodDelete, path, nil).code())
	assert.Equal(t, "not_found", b.do(http.MethodDelete, "/mfa/api/credentials/unknown", nil).code())
	assert.Equal(t, "bad_request", b.do(http.MethodDelete, path, object{"id": "x"}).code())

	got := b.do(http.MethodDelete, path, nil)
	assert.Equal(t, http.StatusNoContent, got.status)
	assert.Empty(t, got.body)
	assert.Equal(t, "not_found", b.do(http.MethodDelete, path, nil).code())
	assert.Equal(t, "aal2", b.session().AAL, "the key still counts")
	assert.Equal(t, http.StatusNoContent, b.do(http.MethodDelete, "/mfa/api/credentials/"+key.credentialID, object{}).status)
	assert.Equal(t, "aal1", b.session().AAL)
	assert.Equal(t, []string{"pwd"}, b.session().AMR)
}

func TestAPI_RemovingTheLastFactorUnderARequirement(t *testing.T) {
	a := newApp(t, setup{manager: func(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL2} }})
	b := a.newBrowser().login("ada")
	assert.False(t, b.session().Active)
	phone := b.enrollTOTP()
	assert.True(t, b.session().Active)
	got := b.do(http.MethodDelete, "/mfa/api/credentials/"+phone.credentialID, nil)
	assert.Equal(t, http.StatusConflict, got.status)
	assert.Equal(t, "conflict", got.code())
}

func TestAPI_UnknownPathsAndMethods(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	for _, path := range []string{
		"/mfa/api", "/mfa/api/", "/mfa/api/nothing", "/mfa/api/session/", "/mfa/api/session/x", "/mfa/api/credentials/", "/mfa/api/signin", "/mfa/api/signin/x",
		"/mfa/api/Session", "/mfa/api/challenges/x/y", "/mfa/api/%2e%2e/session", "/mfa/api/x%2f..%2fsession", "/mfa/api/session%00",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			got := b.do(method, path, nil)
			assert.Equal(t, http.StatusNotFound, got.status, "%s %s", method, path)
			assert.Equal(t, "not_found", got.code(), "%s %s", method, path)
		}
	}
	for path, allow := range map[string]string{
		"/mfa/api/session":              "GET, HEAD",
		"/mfa/api/methods":              "GET, HEAD",
		"/mfa/api/credentials":          "GET, HEAD",
		"/mfa/api/credentials/x":        "DELETE, PATCH",
		"/mfa/api/enrollments":          "POST",
		"/mfa/api/enrollments/x":        "POST",
		"/mfa/api/enrollments/x/resend": "POST",
		"/mfa/api/challenges":           "POST",
		"/mfa/api/challenges/x":         "POST",
		"/mfa/api/challenges/x/resend":  "POST",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
			if strings.Contains(allow, method) {
				continue
			}
			got := b.do(method, path, nil)
			assert.Equal(t, http.StatusMethodNotAllowed, got.status, "%s %s", method, path)
			assert.Equal(t, allow, got.header.Get("Allow"), "%s %s", method, path)
			if method != http.MethodHead {
				assert.Equal(t, "method_not_allowed", got.code(), "%s %s", method, path)
			}
		}
	}
}
