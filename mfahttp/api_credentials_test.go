package mfahttp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

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

func TestL03_CredentialsOfOthers(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	eve := a.newBrowser().login("eve")
	eve.enrollTOTP()
	path := "/mfa/api/credentials/" + phone.credentialID
	unknown := eve.do(http.MethodDelete, "/mfa/api/credentials/unknown", nil)
	for name, got := range map[string]reply{
		"remove": eve.do(http.MethodDelete, path, nil),
		"rename": eve.do(http.MethodPatch, path, object{"name": "mine"}),
	} {
		assert.Equal(t, http.StatusNotFound, got.status, name)
		assert.Equal(t, unknown.body, got.body, name)
	}
	assert.NotContains(t, eve.do(http.MethodGet, "/mfa/api/credentials", nil).body, phone.credentialID)
	var list []credentialDocument
	owner.do(http.MethodGet, "/mfa/api/credentials", nil).into(t, &list)
	require.Len(t, list, 1)
	assert.Equal(t, "totp", list[0].Name)
}

func TestL07_NothingCanBeClearedByPatching(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	path := "/mfa/api/credentials/" + phone.credentialID
	for _, body := range []string{
		`{"mfa":null}`, `{"name":null}`, `{}`, `null`, `{"name":"x","data":null}`, `{"name":"x","method":""}`, `{"name":"x","user_id":"eve"}`, `{"secret":""}`,
		`{"enabled":false}`, `{"name":{"$unset":true}}`, `[{"op":"remove","path":"/"}]`,
	} {
		assert.Equal(t, "bad_request", b.do(http.MethodPatch, path, body).code(), body)
	}
	for _, name := range []string{"", " ", strings.Repeat("x", 65), "a\u202eb", "a\x00b"} {
		assert.Equal(t, http.StatusBadRequest, b.do(http.MethodPatch, path, object{"name": name}).status, "%q", name)
	}
	assert.Equal(t, "totp", b.begin("/mfa/api/challenges", object{"method": "totp", "refresh": true}).Method)
	var list []credentialDocument
	b.do(http.MethodGet, "/mfa/api/credentials", nil).into(t, &list)
	require.Len(t, list, 1)
	assert.Equal(t, "totp", list[0].Name)
}

// Whoever has only the password, or an old proof, manages nothing.
func TestL01_ManagingNeedsAFreshProof(t *testing.T) {
	a := newApp(t)
	stale := a.newBrowser().login("ada")
	phone := stale.enrollTOTP()
	open := stale.begin("/mfa/api/enrollments", object{"method": "totp"})
	other := &totpApp{clock: a.clock, secret: secretOf(t, open)}
	a.clock.Advance(15*time.Minute + time.Second)
	stale.login("ada") // a fresh password freshens no second factor
	for _, b := range []*browser{stale, a.newBrowser().login("ada")} {
		for _, r := range []route{
			{http.MethodPost, "/mfa/api/enrollments", `{"method":"totp"}`},
			{http.MethodPost, "/mfa/api/enrollments", `{"method":"lookup_secret"}`},
			{http.MethodPatch, "/mfa/api/credentials/" + phone.credentialID, `{"name":"x"}`},
			{http.MethodDelete, "/mfa/api/credentials/" + phone.credentialID, ``},
		} {
			got := b.send(r.method, r.path, r.body, jsonHeader())
			assert.Equal(t, http.StatusUnauthorized, got.status, r)
			assert.Equal(t, "step_up_required", got.code(), r)
		}
	}
	assert.GreaterOrEqual(t, stale.do(http.MethodPost, "/mfa/api/enrollments/"+open.ID, object{"response": other.code()}).status, 400)
	require.Equal(t, http.StatusOK, stale.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "refresh": true, "response": phone.next()}).status)
	assert.Equal(t, http.StatusNoContent, stale.do(http.MethodDelete, "/mfa/api/credentials/"+phone.credentialID, nil).status)
}
