package mfahttp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfahttp"
)

// route is one endpoint with a body that it can read.
type route struct{ method, path, body string }

func (r route) String() string { return r.method + " " + r.path }

func (r route) changes() bool { return r.method != http.MethodGet }

// routes are all endpoints of the API.
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
		{http.MethodPatch, api + "/credentials/" + credentialID, `{"name":"x"}`},
		{http.MethodDelete, api + "/credentials/" + credentialID, ``},
	}
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

func TestC06_OtherOriginsAreRefused(t *testing.T) {
	a := newApp(t)
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
	a := newApp(t)
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
	a := newApp(t)
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
	a := newApp(t)
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
	a := newApp(t)
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

func TestC09_HeadersOnEveryAnswer(t *testing.T) {
	a := newApp(t)
	none, full := a.newBrowser(), a.newBrowser().login("ada")
	phone := full.enrollTOTP()
	pending := a.newBrowser().login("ada")
	statuses := map[int]bool{}
	check := func(what string, got reply) {
		t.Helper()
		statuses[got.status] = true
		assert.Equal(t, []string{"no-store"}, got.header.Values("Cache-Control"), what)
		assert.Equal(t, []string{"nosniff"}, got.header.Values("X-Content-Type-Options"), what)
		assert.Equal(t, []string{"no-referrer"}, got.header.Values("Referrer-Policy"), what)
		assert.Contains(t, got.header.Get("Content-Security-Policy"), "frame-ancestors 'none'", what)
		assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"), what)
		assert.Empty(t, got.header.Get("Location"), what)
		if got.status >= http.StatusBadRequest && got.body != "" {
			assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"), what)
			assert.NotEmpty(t, got.code(), what)
		}
	}
	all := func() {
		for _, b := range []*browser{none, pending, full} {
			for _, r := range routes("x", "x") {
				check(r.String(), b.send(r.method, r.path, r.body, jsonHeader()))
				check(r.String()+" form", b.send(r.method, r.path, r.body, http.Header{"Content-Type": {"text/plain"}}))
				check(r.String()+" cross-site", b.send(r.method, r.path, r.body, http.Header{"Sec-Fetch-Site": {"cross-site"}}))
				check(r.String()+" unreadable", b.send(r.method, r.path, "{", jsonHeader()))
				check(r.String()+" large", b.send(r.method, r.path, strings.Repeat("x", 65<<10), jsonHeader()))
				check(r.String()+" PUT", b.do(http.MethodPut, r.path, nil))
				check(r.String()+" HEAD", b.do(http.MethodHead, r.path, nil))
				check(r.String()+" OPTIONS", b.do(http.MethodOptions, r.path, nil))
				check(r.String()+" unknown", b.do(r.method, strings.Split(r.path, "?")[0]+"/no/such", nil))
				check(r.String()+" unclean", b.do(r.method, strings.Replace(r.path, "/api/", "/api/%2e/", 1), nil))
			}
		}
	}
	all()
	for range 10 {
		check("throttled", full.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "refresh": true, "response": phone.wrong()}))
	}
	check("created", full.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "totp"}))
	check("removed", full.do(http.MethodDelete, "/mfa/api/credentials/"+phone.credentialID, nil))
	a.store.set(func(string) error { return errors.New("the database is gone") })
	all()
	a.store.set(func(string) error { panic("the database is gone") })
	all()
	for _, status := range []int{200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503} {
		assert.True(t, statuses[status], "no answer was a %d", status)
	}
}

func TestAPI_Throttled(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	for range 5 {
		assert.Equal(t, "rejected", b.verify("totp", phone.wrong()).code())
	}
	right := phone.code()
	for name, code := range map[string]string{"right": right, "wrong": phone.wrong()} {
		got := b.verify("totp", code)
		assert.Equal(t, http.StatusTooManyRequests, got.status, name)
		assert.Equal(t, "30", got.header.Get("Retry-After"), name)
		assert.JSONEq(t, `{"status":429,"code":"throttled","title":"Too many attempts, try again later","retry_after":30}`, got.body, name)
	}
	a.clock.Advance(31 * time.Second)
	assert.Equal(t, http.StatusOK, b.verify("totp", phone.code()).status)
}

// One body for whatever is wrong with an answer.
func TestAPI_RejectedLooksTheSame(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	spent := phone.code()
	b := a.newBrowser().login("ada")
	expired := b.begin("/mfa/api/challenges", object{"method": "totp"})
	live := b.begin("/mfa/api/challenges", object{"method": "totp"})
	answers := map[string]reply{
		"wrong":   b.do(http.MethodPost, "/mfa/api/challenges/"+live.ID, object{"response": phone.wrong()}),
		"spent":   b.do(http.MethodPost, "/mfa/api/challenges/"+live.ID, object{"response": spent}),
		"unknown": b.do(http.MethodPost, "/mfa/api/challenges/unknown", object{"response": phone.code()}),
		"others":  a.newBrowser().login("ada").do(http.MethodPost, "/mfa/api/challenges/"+live.ID, object{"response": phone.code()}),
	}
	a.clock.Advance(time.Hour)
	answers["expired"] = b.do(http.MethodPost, "/mfa/api/challenges/"+expired.ID, object{"response": phone.code()})
	for name, got := range answers {
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, name)
		assert.JSONEq(t, `{"status":422,"code":"rejected","title":"That did not work"}`, got.body, name)
	}
}

func TestAPI_Unavailable(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	a.store.set(func(string) error { return errors.New("connection refused at 10.0.0.7") })
	for _, r := range routes("x", phone.credentialID) {
		got := b.send(r.method, r.path, r.body, jsonHeader())
		assert.Equal(t, http.StatusServiceUnavailable, got.status, r)
		assert.Equal(t, "unavailable", got.code(), r)
		assert.NotEmpty(t, got.header.Get("Retry-After"), r)
		assert.NotContains(t, got.body, "10.0.0.7", r)
	}
	assert.Contains(t, a.logs.String(), "connection refused at 10.0.0.7")
	a.store.set(nil)
	assert.Equal(t, "aal2", b.session().AAL)
}

// An enrolment is not begun to be finished if what follows cannot be answered,
// and an elevation that was not saved is none.
func TestAPI_SaveFails(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	a.session.mu.Lock()
	a.session.fault = func() error { return errors.New("no session store") }
	a.session.mu.Unlock()
	got := b.verify("totp", phone.next())
	assert.Equal(t, "unavailable", got.code())
	assert.Empty(t, got.header.Values("Set-Cookie"))
	assert.False(t, b.session().Active)
}

func TestP19_PanicsAreAnswered(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	pending := a.newBrowser().login("ada")
	for name, value := range map[string]any{"text": "secret-in-a-panic", "error": errors.New("secret-in-a-panic")} {
		a.store.set(func(string) error { panic(value) })
		for _, r := range routes("x", phone.credentialID) {
			got := pending.send(r.method, r.path, r.body, jsonHeader())
			assert.Equal(t, http.StatusServiceUnavailable, got.status, "%s: %s", name, r)
			assert.Equal(t, "unavailable", got.code(), "%s: %s", name, r)
		}
	}
	a.store.set(func(string) error { var m map[string]int; m["x"] = 1; return nil }) //nolint:govet,staticcheck // a panic of the runtime
	assert.Equal(t, "unavailable", pending.do(http.MethodGet, "/mfa/api/session", nil).code())
	logged := a.logs.String()
	assert.Contains(t, logged, `"panic":"string"`)
	assert.Contains(t, logged, "assignment to entry in nil map")
	assert.Contains(t, logged, "faultyStore")

	a.store.set(nil)
	a.clock.Advance(time.Minute)
	assert.Equal(t, http.StatusOK, pending.verify("totp", phone.code()).status, "a lock was left behind")
}

func TestC12_ClientAddress(t *testing.T) {
	clientOf := func(t *testing.T, a *app) string {
		t.Helper()
		phone := a.newBrowser().login("ada").enrollTOTP()
		b := a.newBrowser().login("ada")
		got := b.send(http.MethodPost, "/mfa/api/challenges", `{"method":"totp","response":"`+phone.next()+`"}`, http.Header{
			"Content-Type": {"application/json"}, "X-Forwarded-For": {"203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"},
		})
		require.Equal(t, http.StatusOK, got.status)
		events := a.eventsOf(mfa.EventVerified)
		require.Len(t, events, 1)
		return events[0].Client
	}
	t.Run("the connection's own", func(t *testing.T) {
		assert.Equal(t, "127.0.0.1", clientOf(t, newApp(t)))
	})
	t.Run("the app's", func(t *testing.T) {
		assert.Equal(t, "198.51.100.1", clientOf(t, newApp(t, setup{handler: func(c *mfahttp.Config) {
			c.Client = func(*http.Request) string { return "198.51.100.1" }
		}})))
	})
}

func TestPrefix(t *testing.T) {
	a := newApp(t, setup{handler: func(c *mfahttp.Config) { c.Prefix = "/account/two-factor" }})
	b := a.newBrowser().login("ada")
	assert.Equal(t, http.StatusOK, b.do(http.MethodGet, "/account/two-factor/api/session", nil).status)
	assert.Equal(t, http.StatusMethodNotAllowed, b.do(http.MethodPost, "/account/two-factor/api/session", nil).status)
	root := newApp(t, setup{handler: func(c *mfahttp.Config) { c.Prefix = "/" }})
	assert.Equal(t, http.StatusOK, root.newBrowser().login("ada").do(http.MethodGet, "/api/session", nil).status)
}

func TestNew_Misconfigured(t *testing.T) {
	m := newApp(t).m
	_, err := mfahttp.New(nil, mfahttp.Config{})
	require.EqualError(t, err, "mfahttp: the Manager is nil: make one with mfa.New and check its error")
	for _, prefix := range []string{"mfa", "/mfa/", "//", "/mfa//x", "/../mfa", "/{id}", "/m fa", "/mfa?x", "https://example.com/mfa", "/mfa%2f"} {
		_, err := mfahttp.New(m, mfahttp.Config{Prefix: prefix})
		require.ErrorContains(t, err, "Config.Prefix", prefix)
		require.ErrorContains(t, err, ": give ", prefix)
	}
	for _, home := range []string{"home", "//evil.example", "javascript:alert(1)", "https://", "ftp://example.com", "\x00"} {
		_, err := mfahttp.New(m, mfahttp.Config{HomeURL: home})
		require.ErrorContains(t, err, "Config.HomeURL", home)
	}
	for _, home := range []string{"", "/", "/home?x=1", "https://example.com/"} {
		_, err := mfahttp.New(m, mfahttp.Config{HomeURL: home})
		require.NoError(t, err, home)
	}
}

// A client that goes away is no fault worth more than a 503 that nobody reads.
func TestP07_CancelledBeforeTheAnswerIsSpent(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	code := phone.next()
	a.store.set(func(call string) error {
		if call == "UpdateCredential" {
			return context.Canceled
		}
		return nil
	})
	assert.Equal(t, "unavailable", b.verify("totp", code).code())
	a.store.set(nil)
	assert.Equal(t, http.StatusOK, b.verify("totp", code).status)
}
