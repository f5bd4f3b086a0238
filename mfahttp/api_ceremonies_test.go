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
