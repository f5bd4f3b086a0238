package mfahttp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The client's word that it has verified counts for nothing.
func TestC15_ClaimsAreNotEvidence(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	key := owner.enrollKey("Blue key")
	b := a.newBrowser().login("ada")
	for _, body := range []string{
		`{"method":"webauthn","verified":true}`,
		`{"method":"webauthn","verified":true,"response":{}}`,
		`{"method":"totp","aal":"aal2"}`,
		`{"method":"totp","amr":["otp"],"response":"123456"}`,
	} {
		assert.Equal(t, "bad_request", b.do(http.MethodPost, "/mfa/api/challenges", body).code(), body)
	}
	c := b.begin("/mfa/api/challenges", object{"method": "webauthn"})
	for _, response := range []any{
		key.credentialID, phone.credentialID, object{"id": key.credentialID}, object{"verified": true}, object{"user_verified": true, "type": "public-key"}, phone.next(),
	} {
		assert.GreaterOrEqual(t, b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": response}).status, 400)
		c = b.begin("/mfa/api/challenges", object{"method": "webauthn"})
	}
	assert.GreaterOrEqual(t, b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "webauthn", "response": object{"id": key.credentialID}}).status, 400)
	assert.Equal(t, "aal1", b.session().AAL)
	assert.False(t, b.session().Active)
}

// A code is a string of ASCII digits. Other JSON types are not looked at: they
// cost no attempt.
func TestD10_TypesOfCodes(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	a.clock.Advance(30 * time.Second)
	code := phone.code()
	for _, response := range []string{code, "-" + code, "1e6", "null", "true", "false", `["` + code + `"]`, `[]`, `"` + code, `'` + code + `'`} {
		writes := a.store.written()
		got := b.do(http.MethodPost, "/mfa/api/challenges", `{"method":"totp","response":`+response+`}`)
		assert.Equal(t, http.StatusBadRequest, got.status, response)
		assert.Equal(t, writes, a.store.written(), response)
	}
	fullWidth := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
	for _, response := range []any{object{"code": code}, "", fullWidth, code + "0"} {
		got := b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "response": response})
		assert.Equal(t, "rejected", got.code(), response)
	}
	assert.Equal(t, http.StatusOK, b.verify("totp", code).status)
}

// The secret is the server's: what a client sends for one is refused or
// ignored.
func TestD12_SecretsOfClientsAreIgnored(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	const chosen = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	assert.Equal(t, "bad_request", b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "totp", "secret": chosen}).code())
	c := b.begin("/mfa/api/enrollments", object{"method": "totp", "params": object{"secret": chosen, "digits": "1", "period": "3600", "algorithm": "none"}})
	assert.NotEqual(t, chosen, secretOf(t, c))
	attackers := &totpApp{clock: a.clock, secret: chosen}
	phone := &totpApp{clock: a.clock, secret: secretOf(t, c)}
	assert.Equal(t, "bad_request", b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": attackers.code(), "secret": chosen}).code())
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": attackers.code()}).code())
	b.finishEnrollment(c.ID, phone.code())
}

// The time is the server's.
func TestD15_ClientTimeIsIgnored(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	future := &clock{now: a.clock.Now().Add(time.Hour)}
	early := (&totpApp{clock: future, secret: phone.secret}).code()
	for _, member := range []string{"time", "timestamp", "now", "skew", "window"} {
		got := b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "response": early, member: future.now.Unix()})
		assert.Equal(t, "bad_request", got.code(), member)
	}
	header := jsonHeader()
	header.Set("Date", future.now.Format(http.TimeFormat))
	assert.Equal(t, "rejected", b.send(http.MethodPost, "/mfa/api/challenges?time=9999999999", `{"method":"totp","response":"`+early+`"}`, header).code())
	got := b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "response": early, "params": object{"time": "9999999999", "skew": "1000"}})
	assert.Equal(t, "rejected", got.code())
}
