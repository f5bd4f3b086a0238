package mfahttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestM02_ContentType(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	body := func() string { return `{"method":"totp","refresh":true,"response":"` + phone.next() + `"}` }
	for _, good := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8", `application/json;charset="UTF-8"`} {
		got := b.send(http.MethodPost, "/mfa/api/challenges", body(), http.Header{"Content-Type": {good}})
		assert.Equal(t, http.StatusOK, got.status, "%q: %s", good, got.body)
	}
	for _, bad := range [][]string{
		nil, {""}, {"json"}, {"text/json"}, {"text/plain"}, {"application/json; charset=iso-8859-1"}, {"application/json; charset=utf-8; charset=utf-16"},
		{"application/json; version=1"}, {"application/jsonp"}, {"application/json-seq"}, {"application/problem+json"}, {"application/json, text/plain"},
		{"application/x-www-form-urlencoded"}, {"multipart/form-data; boundary=application/json"}, {"application/json", "application/json"},
		{"text/plain", "application/json"}, {"application/json", "text/plain"}, {"application/json;"}, {"*/*"},
	} {
		got := b.send(http.MethodPost, "/mfa/api/challenges", body(), http.Header{"Content-Type": bad})
		if len(bad) == 1 && bad[0] == "application/json;" {
			assert.Equal(t, http.StatusOK, got.status, "an empty parameter is none (RFC 9110, section 5.6.6)")
			continue
		}
		assert.Equal(t, http.StatusUnsupportedMediaType, got.status, "%q", bad)
		assert.Equal(t, "unsupported_media_type", got.code(), "%q", bad)
	}
	path := "/mfa/api/credentials/" + phone.credentialID
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	assert.Equal(t, "unsupported_media_type", b.send(http.MethodDelete, path, "", form).code(), "a form made into a DELETE by an override")
	assert.Equal(t, "unsupported_media_type", b.send(http.MethodDelete, path, "{}", nil).code(), "a body without its type")
}

// What cannot be read is refused before anybody looks at who asks.
func TestM01_StrictBodies(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	c := b.begin("/mfa/api/challenges", object{"method": "totp", "refresh": true})
	writes := a.store.written()
	for _, r := range routes(c.ID, phone.credentialID) {
		if !r.changes() {
			continue
		}
		for _, body := range []string{
			`null`, `[]`, `"x"`, `1`, `true`, `{"unknown":1}`, `{"method":"totp","method":"totp"}`, `{"Method":"totp"}`, `{"Response":"1"}`, `{"NAME":"x"}`,
			`{"response":"1","Response":"2"}`, `{"name":null}`, `{"method":null}`, `{"response":null}`, r.body + `{}`, r.body + `x`, `{"method":["totp"]}`,
			`{"response":1e5,"method":"totp"}`, `{"method":"totp","response":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`, "\xff", `{`,
		} {
			if body == `{}` {
				continue // what a DELETE followed by {} comes to
			}
			got := b.send(r.method, r.path, body, jsonHeader())
			assert.Equal(t, http.StatusBadRequest, got.status, "%s %s", r, body)
			assert.Equal(t, "bad_request", got.code(), "%s %s", r, body)
		}
		got := a.newBrowser().send(r.method, r.path, `{`, jsonHeader())
		assert.Equal(t, "bad_request", got.code(), "%s without a session", r)
	}
	assert.Equal(t, writes, a.store.written())
}

func TestG11_TooLarge(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ada")
	b.enrollTOTP()
	fill := func(n int) string {
		const frame = `{"method":"totp","refresh":true,"response":""}`
		return strings.TrimSuffix(frame, `"}`) + strings.Repeat("1", n-len(frame)) + `"}`
	}
	require.Len(t, fill(64<<10), 64<<10)
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/challenges", fill(64<<10)).code())
	for _, r := range routes("x", "x") {
		if !r.changes() {
			continue
		}
		for _, n := range []int{64<<10 + 1, 10 << 20} {
			got := b.send(r.method, r.path, fill(n), jsonHeader())
			assert.Equal(t, http.StatusRequestEntityTooLarge, got.status, r)
			assert.Equal(t, "too_large", got.code(), r)
		}
	}
}
