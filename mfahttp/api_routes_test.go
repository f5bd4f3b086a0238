package mfahttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// route is one endpoint with a body that it can read.
type route struct{ method, path, body string }

func (r route) String() string { return r.method + " " + r.path }

func (r route) changes() bool { return r.method != http.MethodGet }

// routes are all endpoints of the API, of an app whose users sign in by mail.
func routes(ceremonyID, credentialID string) []route {
	const api = "/mfa/api"
	return []route{
		{http.MethodGet, api + "/session", ""},
		{http.MethodGet, api + "/session?required_aal=aal2", ""},
		{http.MethodGet, api + "/methods", ""},
		{http.MethodGet, api + "/credentials", ""},
		{http.MethodPost, api + "/enrollments", `{"method":"totp"}`},
		{http.MethodPost, api + "/enrollments/" + ceremonyID, `{"response":"123456"}`},
		{http.MethodPost, api + "/enrollments/" + ceremonyID + "/resend", `{}`},
		{http.MethodPost, api + "/challenges", `{"method":"totp"}`},
		{http.MethodPost, api + "/challenges", `{"method":"totp","response":"123456"}`},
		{http.MethodPost, api + "/challenges/" + ceremonyID, `{"response":"123456"}`},
		{http.MethodPost, api + "/challenges/" + ceremonyID + "/resend", `{}`},
		{http.MethodPost, api + "/signin", `{"method":"email","username":"nobody"}`},
		{http.MethodPost, api + "/signin/" + ceremonyID, `{"response":"123456"}`},
		{http.MethodPost, api + "/signin/" + ceremonyID + "/resend", `{}`},
		{http.MethodPatch, api + "/credentials/" + credentialID, `{"name":"x"}`},
		{http.MethodDelete, api + "/credentials/" + credentialID, ``},
	}
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

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
	a = newApp(t, byMail)
	b = a.newBrowser().login("ada")
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
		"/mfa/api/signin":               "POST",
		"/mfa/api/signin/x":             "POST",
		"/mfa/api/signin/x/resend":      "POST",
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
