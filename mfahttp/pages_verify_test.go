package mfahttp_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

var otherMethod = regexp.MustCompile(`<li><a [^>]*data-method="([^"]*)"`)

// offered returns the methods of a verify page, the one that it asks for first.
func offered(page string) []string {
	var methods []string
	if strings.Contains(page, `data-webauthn="verify"`) {
		methods = append(methods, "webauthn")
	} else if m := regexp.MustCompile(`id="verify" data-method="([^"]*)"`).FindStringSubmatch(page); m != nil {
		methods = append(methods, m[1])
	}
	for _, m := range otherMethod.FindAllStringSubmatch(page, -1) {
		methods = append(methods, m[1])
	}
	return methods
}

func TestVerify_WhatIsOffered(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	p := b.enrollTOTP()
	b.enrollKey("key")
	b.enrollCodes()
	for path, want := range map[string][]string{
		"/mfa/verify":                                                {"webauthn", "totp", "lookup_secret"},
		"/mfa/verify?method=totp":                                    {"totp", "webauthn", "lookup_secret"},
		"/mfa/verify?method=lookup_secret":                           {"lookup_secret", "webauthn", "totp"},
		"/mfa/verify?methods=totp,lookup_secret":                     {"totp", "lookup_secret"},
		"/mfa/verify?methods=lookup_secret,totp":                     {"totp", "lookup_secret"},
		"/mfa/verify?methods=totp&method=webauthn":                   {"totp"},
		"/mfa/verify?methods=webauthn":                               {"webauthn"},
		"/mfa/verify?methods=sms":                                    nil,
		"/mfa/verify?method=%3Cscript%3E&methods=%22%3E%3Cb%3E,totp": {"totp"},
	} {
		page := b.show(path)
		assert.Equal(t, want, offered(page), path)
		assert.Contains(t, page, `id="lost-device"`, path)
		assert.Contains(t, page, `id="cancel"`, path)
		assert.NotContains(t, page, "<script>", path)
	}
	// The others keep what the gate asked for.
	page := b.show("/mfa/verify?methods=totp,lookup_secret&return_to=%2Fhome%3Fa%3D1%26b%3D2")
	assert.Contains(t, page, `href="/mfa/verify?method=lookup_secret&amp;methods=totp%2Clookup_secret&amp;return_to=%2Fhome%3Fa%3D1%26b%3D2"`)
	requireSeeOther(t, b.submit(page, "verify", url.Values{"code": {p.next()}}), "/home?a=1&b=2")

	// A form cannot use what the gate did not ask for.
	got := b.send(http.MethodPost, "/mfa/verify", url.Values{"method": {"totp"}, "methods": {"webauthn"}, "code": {p.next()}}.Encode(), formHeader)
	assert.Equal(t, http.StatusConflict, got.status)
	assert.Contains(t, text(t, got.body, "alert"), "Try another way")
}

// The gate asks for a proof that is fresh: the page gives one although the
// session has the level.
func TestVerify_Refreshes(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	p := b.enrollTOTP()
	before := b.session()
	a.clock.Advance(time.Hour)
	requireSeeOther(t, b.submit(b.show("/mfa/verify?return_to=/home"), "verify", url.Values{"code": {p.next()}}), "/home")
	after := b.session()
	assert.Len(t, after.Methods, len(before.Methods)+1)
	assert.True(t, after.AuthenticatedAt.After(*before.AuthenticatedAt))
}

func TestVerify_WhatGoesWrong(t *testing.T) {
	a := newApp(t)
	p := a.newBrowser().login("ann").enrollTOTP()
	b := a.newBrowser().login("ann")
	page := b.show("/mfa/verify?return_to=/home")

	// A fault is not the user's: the same form, and 503.
	broken := errors.New("the disk is full: canary")
	a.store.set(func(call string) error {
		if call == "UpdateCredential" {
			return broken
		}
		return nil
	})
	got := b.submit(page, "verify", url.Values{"code": {p.next()}})
	a.store.set(nil)
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.NotEmpty(t, got.header.Get("Retry-After"))
	assert.Contains(t, text(t, got.body, "alert"), "Try again")
	assert.NotContains(t, got.body, "canary")
	assert.Contains(t, a.logs.String(), "canary")
	assert.Equal(t, []string{"totp"}, offered(got.body))

	// A failing session elevates nothing.
	a.session.fault = func() error { return broken }
	got = b.submit(page, "verify", url.Values{"code": {p.next()}})
	a.session.fault = nil
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.False(t, b.session().Active)

	for range 5 {
		got = b.submit(page, "verify", url.Values{"code": {p.wrong()}})
		require.Equal(t, http.StatusUnprocessableEntity, got.status)
		assert.Contains(t, text(t, got.body, "alert"), "did not work")
		assert.Contains(t, got.body, `autofocus aria-invalid="true" aria-describedby="alert"`)
		_, fields := formOf(t, got.body, "verify")
		assert.Equal(t, "/home", fields.Get("return_to"))
	}
	got = b.submit(page, "verify", url.Values{"code": {p.code()}})
	assert.Equal(t, http.StatusTooManyRequests, got.status)
	assert.Equal(t, "30", got.header.Get("Retry-After"))
	assert.Contains(t, text(t, got.body, "alert"), "Try again in 30 seconds.")
	assert.False(t, b.session().Active)
}

// What was typed is in no page, log or place to go.
func TestC13_WhatWasTypedIsNowhere(t *testing.T) {
	a := newApp(t)
	a.newBrowser().login("ann").enrollTOTP()
	b := a.newBrowser().login("ann")
	got := b.submit(b.show("/mfa/verify"), "verify", url.Values{"code": {"canary-4711"}})
	assert.Equal(t, http.StatusUnprocessableEntity, got.status)
	assert.NotContains(t, got.body, "canary-4711")
	assert.NotContains(t, a.logs.String(), "canary-4711")
}

func TestEnroll_ExpiredOrCancelled(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	shown := b.submit(b.show("/mfa/enroll/totp"), "totp-begin", nil)
	p := &totpApp{clock: a.clock, secret: strings.ReplaceAll(text(t, shown.body, "secret"), " ", "")}

	a.clock.Advance(11 * time.Minute)
	got := b.submit(shown.body, "totp-confirm", url.Values{"code": {p.code()}})
	assert.Equal(t, http.StatusUnprocessableEntity, got.status)
	require.NotContains(t, b.show("/mfa/"), "data-credential")

	// Starting over makes another secret, and the old one is worth nothing.
	again := b.submit(got.body, "start-over", nil)
	require.Equal(t, http.StatusOK, again.status)
	assert.NotContains(t, again.body, p.secret)
	assert.Equal(t, http.StatusUnprocessableEntity, b.submit(again.body, "totp-confirm", url.Values{"code": {p.next()}}).status)
	assert.Equal(t, http.StatusUnprocessableEntity, b.send(http.MethodPost, "/mfa/enroll/totp/confirm", "id=unknown&code="+p.code(), formHeader).status)

	// Another session cannot finish it.
	other := a.newBrowser().login("bob")
	p.secret = strings.ReplaceAll(text(t, again.body, "secret"), " ", "")
	assert.Equal(t, http.StatusUnprocessableEntity, other.submit(again.body, "totp-confirm", url.Values{"code": {p.code()}}).status)
	requireSeeOther(t, b.submit(again.body, "totp-confirm", url.Values{"code": {p.code()}}), "/mfa/recovery-codes")
}

func TestEnroll_NotOffered(t *testing.T) {
	a := newApp(t, setup{manager: func(c *mfa.Config) { c.Limits.Credentials = 1 }})
	b := a.newBrowser().login("ann")
	page := b.show("/mfa/enroll/totp")
	b.enrollTOTP()
	assert.NotContains(t, b.show("/mfa/"), `id="add-totp"`)
	for _, got := range []reply{b.open("/mfa/enroll/totp"), b.submit(page, "totp-begin", nil)} {
		assert.Equal(t, http.StatusConflict, got.status)
		assert.Contains(t, text(t, got.body, "alert"), "too many of this kind")
	}
	for _, path := range []string{"/mfa/enroll/webauthn", "/mfa/enroll/lookup_secret", "/mfa/enroll/webauthn/confirm", "/mfa/enroll/sms"} {
		assert.Equal(t, http.StatusNotFound, b.send(http.MethodPost, path, "", formHeader).status, path)
	}
}
