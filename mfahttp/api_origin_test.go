package mfahttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestC06_OtherOriginsAreRefused(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	self := a.server.URL
	for name, c := range map[string]struct {
		header  http.Header
		refused bool
	}{
		"cross-site":                     {http.Header{"Sec-Fetch-Site": {"cross-site"}}, true},
		"same-site":                      {http.Header{"Sec-Fetch-Site": {"same-site"}}, true},
		"unknown site":                   {http.Header{"Sec-Fetch-Site": {"Same-Origin"}}, true},
		"cross-site with our origin":     {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {self}}, true},
		"foreign origin":                 {http.Header{"Origin": {"https://evil.example"}}, true},
		"null origin":                    {http.Header{"Origin": {"null"}}, true},
		"origin that begins like ours":   {http.Header{"Origin": {self + ".evil.example"}}, true},
		"same-origin":                    {http.Header{"Sec-Fetch-Site": {"same-origin"}}, false},
		"typed in":                       {http.Header{"Sec-Fetch-Site": {"none"}}, false},
		"our origin":                     {http.Header{"Origin": {self}}, false},
		"no browser":                     {http.Header{}, false},
		"same-origin, forwarded foreign": {http.Header{"Sec-Fetch-Site": {"same-origin"}, "X-Forwarded-Host": {"evil.example"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range routes("x", phone.credentialID+"x") {
				header := c.header.Clone()
				header.Set("Content-Type", "application/json")
				writes, saves := a.store.written(), a.session.saved()
				got := b.send(r.method, r.path, r.body, header)
				if !c.refused || !r.changes() {
					assert.NotEqual(t, "cross_origin", got.code(), r)
					continue
				}
				assert.Equal(t, http.StatusForbidden, got.status, r)
				assert.Equal(t, "cross_origin", got.code(), r)
				assert.Equal(t, writes, a.store.written(), r)
				assert.Equal(t, saves, a.session.saved(), r)
			}
		})
	}
}

// GET and HEAD change nothing, whatever the path, the parameters and the body.
func TestC06_ReadingChangesNothing(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	pending := a.newBrowser().login("ada")
	c := pending.begin("/mfa/api/challenges", object{"method": "totp"})
	writes, saves := a.store.written(), a.session.saved()
	for _, client := range []*browser{b, pending} {
		for _, r := range routes(c.ID, phone.credentialID) {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				path := r.path
				if !strings.Contains(path, "?") {
					path += "?method=totp&response=" + phone.code() + "&_method=DELETE"
				}
				got := client.send(method, path, "", http.Header{"X-Http-Method-Override": {r.method}})
				if r.changes() && r.path != "/mfa/api/credentials" {
					assert.Equal(t, http.StatusMethodNotAllowed, got.status, "%s %s", method, r.path)
				}
			}
		}
	}
	assert.Equal(t, writes, a.store.written(), "the store was written to")
	assert.Equal(t, saves, a.session.saved(), "the session was saved")
}

// A browser too old to say where a request comes from can be made to send a
// form, and no form has this type.
func TestC07_JSONIsDemandedWhereTheOriginIsUnknown(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	c := b.begin("/mfa/api/challenges", object{"method": "totp", "refresh": true})
	writes, saves := a.store.written(), a.session.saved()
	for _, r := range routes(c.ID, phone.credentialID) {
		if r.method != http.MethodPost && r.method != http.MethodPatch {
			continue
		}
		for _, media := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""} {
			header := http.Header{}
			if media != "" {
				header.Set("Content-Type", media)
			}
			got := b.send(r.method, r.path, r.body, header)
			assert.Equal(t, http.StatusUnsupportedMediaType, got.status, "%s as %q", r, media)
			assert.Equal(t, "unsupported_media_type", got.code(), "%s as %q", r, media)
		}
	}
	assert.Equal(t, writes, a.store.written())
	assert.Equal(t, saves, a.session.saved())
	assert.Equal(t, http.StatusOK, b.send(http.MethodPost, "/mfa/api/challenges",
		`{"method":"totp","refresh":true,"response":"`+phone.next()+`"}`, jsonHeader()).status)
}
