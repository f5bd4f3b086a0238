package mfahttp_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A session between its two factors can see what it is asked for and answer;
// everything else refuses it.
func TestB01_PendingSessions(t *testing.T) {
	a := newApp(t, byMail)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	open := map[string]bool{"GET /mfa/api/session": true, "GET /mfa/api/methods": true}
	for _, r := range append(routes("x", phone.credentialID), route{http.MethodGet, "/home", ""}) {
		got := b.send(r.method, r.path, r.body, jsonHeader())
		switch {
		case open[r.String()]:
			assert.Equal(t, http.StatusOK, got.status, r)
		case strings.HasSuffix(r.path, "/signin"):
			assert.Equal(t, http.StatusCreated, got.status, r)
		case r.body == `{"method":"totp"}` && strings.HasSuffix(r.path, "/challenges"):
			assert.Equal(t, http.StatusCreated, got.status, r)
		default:
			assert.GreaterOrEqual(t, got.status, 400, r)
		}
	}
	for _, r := range []route{
		{http.MethodGet, "/mfa/api/credentials", ""},
		{http.MethodPost, "/mfa/api/enrollments", `{"method":"totp"}`},
		{http.MethodPost, "/mfa/api/enrollments", `{"method":"webauthn"}`},
		{http.MethodPost, "/mfa/api/enrollments", `{"method":"lookup_secret"}`},
		{http.MethodPatch, "/mfa/api/credentials/" + phone.credentialID, `{"name":"x"}`},
		{http.MethodDelete, "/mfa/api/credentials/" + phone.credentialID, ""},
		{http.MethodGet, "/home", ""},
	} {
		got := b.send(r.method, r.path, r.body, jsonHeader())
		assert.Equal(t, http.StatusUnauthorized, got.status, r)
		assert.Equal(t, "step_up_required", got.code(), r)
	}
	assert.False(t, b.session().Active)
	assert.Equal(t, "aal1", b.session().AAL)
	assert.Equal(t, http.StatusOK, b.verify("totp", phone.next()).status)
}

// The user of a request is the session's, never the request's.
func TestB03_UserIDsInRequestsAreRefused(t *testing.T) {
	a := newApp(t)
	a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("bob")
	for _, member := range []string{"user_id", "user", "username", "session", "id", "credential_id"} {
		got := b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "totp", member: "ada"})
		assert.Equal(t, "bad_request", got.code(), member)
	}
	assert.Equal(t, "not_enrolled", b.do(http.MethodPost, "/mfa/api/challenges?user_id=ada", object{"method": "totp", "params": object{"user_id": "ada"}}).code())
}

// A ceremony is good for one user, one session and one purpose, and its id is
// not to be mistaken for another kind's.
func TestB05_CeremoniesAreBound(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	b := a.newBrowser().login("ada")
	challenge := b.begin("/mfa/api/challenges", object{"method": "totp"})
	raw, err := base64.RawURLEncoding.DecodeString(challenge.ID)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(raw), 16)
	enrolling := owner.begin("/mfa/api/enrollments", object{"method": "totp"})
	enrollingPhone := &totpApp{clock: a.clock, secret: secretOf(t, enrolling)}

	a.clock.Advance(30 * time.Second)
	code := phone.code()
	bob := a.newBrowser().login("bob")
	for name, got := range map[string]reply{
		"another user":             bob.do(http.MethodPost, "/mfa/api/challenges/"+challenge.ID, object{"response": code}),
		"another session":          a.newBrowser().login("ada").do(http.MethodPost, "/mfa/api/challenges/"+challenge.ID, object{"response": code}),
		"a challenge to enrol":     owner.do(http.MethodPost, "/mfa/api/enrollments/"+challenge.ID, object{"response": code}),
		"an enrolment to verify":   owner.do(http.MethodPost, "/mfa/api/challenges/"+enrolling.ID, object{"response": enrollingPhone.code()}),
		"another user's enrolment": bob.do(http.MethodPost, "/mfa/api/enrollments/"+enrolling.ID, object{"response": enrollingPhone.code()}),
		"a credential's id":        b.do(http.MethodPost, "/mfa/api/challenges/"+phone.credentialID, object{"response": code}),
		"the session's id":         b.do(http.MethodPost, "/mfa/api/challenges/"+b.session().ID, object{"response": code}),
		"the code":                 b.do(http.MethodPost, "/mfa/api/challenges/"+code, object{"response": code}),
		"digits":                   b.do(http.MethodPost, "/mfa/api/challenges/1", object{"response": code}),
	} {
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, name)
		assert.Equal(t, "rejected", got.code(), name)
	}
	assert.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/challenges/"+challenge.ID, object{"response": code}).status, "none of these spent it")
}

// Whatever is a part of an id, or more than it, is another id.
func TestM04_IdsAreExact(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	b := a.newBrowser().login("ada")
	c := b.begin("/mfa/api/challenges", object{"method": "totp"})
	code := phone.next()
	variants := func(id string) []string {
		out := []string{id + "A", id + "%20", "%20" + id, id + "%00", id + "=", strings.ToUpper(id), strings.ToLower(id)}
		for n := 1; n < len(id); n++ {
			out = append(out, id[:n], id[n:])
		}
		return out
	}
	for _, id := range variants(c.ID) {
		if id != c.ID {
			assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/challenges/"+id, object{"response": code}).code(), id)
		}
	}
	for _, id := range variants(phone.credentialID) {
		if id != phone.credentialID {
			assert.Equal(t, "not_found", owner.do(http.MethodDelete, "/mfa/api/credentials/"+id, nil).code(), id)
		}
	}
	assert.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": code}).status)
}
