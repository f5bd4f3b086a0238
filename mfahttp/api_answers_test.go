package mfahttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestC09_HeadersOnEveryAnswer(t *testing.T) {
	a := newApp(t, byMail)
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

// A refusal of a WebAuthn answer says nothing about what was expected.
func TestG12_RefusalsOfKeysSayNothing(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	key := owner.enrollKey("Blue key")
	b := a.newBrowser().login("ada")
	for name, spoil := range map[string]func(string) string{
		"challenge": func(s string) string { return s },
		"type":      func(s string) string { return strings.Replace(s, "public-key", "password", 1) },
		"empty":     func(string) string { return "{}" },
		"id":        func(s string) string { return strings.Replace(s, `"rawId":"`, `"rawId":"AAAA`, 1) },
	} {
		old := b.begin("/mfa/api/challenges", object{"method": "webauthn"})
		response := spoil(string(key.assert(t, old)))
		c := b.begin("/mfa/api/challenges", object{"method": "webauthn"})
		got := b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": json.RawMessage(response)})
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, name)
		assert.JSONEq(t, `{"status":422,"code":"rejected","title":"That did not work"}`, got.body, name)
		assert.NotContains(t, a.logs.String(), challengeOf(t, c), name)
	}
}

func TestAPI_Unavailable(t *testing.T) {
	a := newApp(t, byMail)
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
	a := newApp(t, byMail)
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
