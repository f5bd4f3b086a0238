package mfahttp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

func TestB15_SignInPage(t *testing.T) {
	f, phone := &mail{method: "email"}, &mail{method: "sms"}
	a := newApp(t, delivering(f, phone))
	b := a.newBrowser()
	page := b.show("/mfa/signin?return_to=/home")
	assert.Contains(t, page, `name="method" value="email">Send me an e-mail</button>`)
	assert.Contains(t, page, `name="method" value="sms" class="mfa-secondary">Send me a text message</button>`)
	assert.Contains(t, page, `name="username" type="text" value="" maxlength="320" autocomplete="username"`)

	asked := b.submit(page, "signin", url.Values{"username": {" Ann "}})
	require.Equal(t, http.StatusOK, asked.status, asked.body)
	assert.Contains(t, asked.body, "We have sent a code, if that name can sign in this way.")
	assert.Contains(t, asked.body, `id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code"`)
	assert.Contains(t, asked.body, `id="start-over" href="/mfa/signin?return_to=%2Fhome"`)
	assert.NotContains(t, asked.body, "Ann")
	wrong := b.submit(asked.body, "signin-code", url.Values{"code": {"000000"}})
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	assert.Contains(t, text(t, wrong.body, "alert"), "did not work")

	soon := b.submit(wrong.body, "resend", nil)
	assert.Equal(t, http.StatusTooManyRequests, soon.status)
	assert.NotEmpty(t, soon.header.Get("Retry-After"))
	assert.Equal(t, "No other code can be sent now. Try again in 30 seconds.", text(t, soon.body, "alert"))
	a.clock.Advance(31 * time.Second)
	again := b.submit(soon.body, "resend", nil)
	require.Equal(t, http.StatusOK, again.status, again.body)
	assert.Contains(t, text(t, again.body, "notice"), "another code")
	assert.Equal(t, 2, f.sent())
	requireSeeOther(t, b.submit(again.body, "signin-code", url.Values{"code": {f.last(t).code + " "}}), "/home")
	assert.Equal(t, "home of ann", b.open("/home").body)
	assert.Empty(t, b.cookie(bindingCookie))

	// By the other button; without a place to go it ends at HomeURL.
	b = a.newBrowser()
	asked = b.submit(b.show("/mfa/signin"), "signin", url.Values{"username": {"bob"}, "method": {"sms"}})
	requireSeeOther(t, b.submit(asked.body, "signin-code", url.Values{"code": {phone.last(t).code}}), "/")

	// A second factor comes next.
	p := b.enrollTOTP()
	b = a.newBrowser()
	asked = b.submit(b.show("/mfa/signin?return_to=/home"), "signin", url.Values{"username": {"bob"}})
	got := b.submit(asked.body, "signin-code", url.Values{"code": {f.last(t).code}})
	requireSeeOther(t, got, "/mfa/verify?methods=totp&return_to=%2Fhome")
	assert.NotEqual(t, http.StatusOK, b.open("/home").status)
	requireSeeOther(t, b.submit(b.show(got.header.Get("Location")), "verify", url.Values{"code": {p.next()}}), "/home")
	assert.Equal(t, "home of bob", b.open("/home").body)
}

// A browser that has kept no cookie is told so: nothing it does can succeed.
func TestSignInPage_WithoutCookies(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	asked := b.submit(b.show("/mfa/signin"), "signin", url.Values{"username": {"ann"}})
	blind := a.newBrowser()
	for form, typed := range map[string]url.Values{"signin-code": {"code": {f.last(t).code}}, "resend": nil} {
		got := blind.submit(asked.body, form, typed)
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, form)
		assert.Contains(t, text(t, got.body, "alert"), "has not kept a cookie", form)
	}
	requireSeeOther(t, b.submit(asked.body, "signin-code", url.Values{"code": {f.last(t).code}}), "/")
	back := b.submit(asked.body, "signin-code", url.Values{"code": {f.last(t).code}})
	assert.NotContains(t, text(t, back.body, "alert"), "cookie", "who has come back is signed in")
}

func TestSignInPage_LeadsToTheLogin(t *testing.T) {
	a := newApp(t, byMail)
	assert.Contains(t, a.newBrowser().show("/mfa/signin?return_to=/home"), `<a id="login" href="/login?return_to=%2Fhome">`)
	for _, login := range []string{"/mfa/signin", "/mfa/signin?lang=en", "https://app.example.test/mfa/signin"} {
		a = newApp(t, byMail, setup{manager: func(c *mfa.Config) { c.LoginURL = login }})
		assert.NotContains(t, a.newBrowser().show("/mfa/signin"), `id="login"`, "it is the login")
	}
}

// A browser that asks anew for the address of an answer begins again.
func TestPages_AddressesOfAnswers(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser()
	for path, to := range map[string]string{
		"/verify/send": "/verify", "/verify/resend": "/verify", "/signin/code": "/signin", "/signin/resend": "/signin",
		"/enroll/email/confirm": "/enroll/email", "/enroll/a%2fb/resend": "/enroll/a%2Fb", "/recovery-codes/confirm": "/recovery-codes",
		"/cancel": "/", "/credentials/x/rename": "/", "/credentials/x/remove": "/",
	} {
		requireSeeOther(t, b.open("/mfa"+path), "/mfa"+to)
		requireSeeOther(t, b.open("/mfa"+path+"?return_to=/home"), "/mfa"+to+"?return_to=%2Fhome")
		requireSeeOther(t, b.open("/mfa"+path+"?return_to=//evil.test"), "/mfa"+to)
	}
	assert.Equal(t, http.StatusNotFound, b.open("/mfa/verify/other").status)
	assert.Equal(t, http.StatusNotFound, newApp(t).newBrowser().open("/mfa/signin/code").status, "there is no sign-in")
}

func TestB15_SignInMustSetUpASecondFactor(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f), setup{manager: func(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL2} }})
	b := a.newBrowser()
	asked := b.submit(b.show("/mfa/signin?return_to=/home"), "signin", url.Values{"username": {"ann"}})
	got := b.submit(asked.body, "signin-code", url.Values{"code": {f.last(t).code}})
	requireSeeOther(t, got, "/mfa/?return_to=%2Fhome")
	assert.Contains(t, b.show("/mfa/?return_to=%2Fhome"), `id="add-totp"`)
}

func TestN01_SignInPagesAreTheSame(t *testing.T) {
	look := func(name string, broken bool) []string {
		return seen(t, broken, func(a *app, b *browser, see func(reply) reply) {
			asked := see(b.submit(b.show("/mfa/signin?return_to=/home"), "signin", url.Values{"username": {name}}))
			see(b.submit(asked.body, "resend", nil))
			a.clock.Advance(time.Minute)
			see(b.submit(asked.body, "resend", nil))
			for range 7 {
				see(b.submit(asked.body, "signin-code", url.Values{"code": {"000000"}}))
			}
			a.clock.Advance(time.Hour)
			see(b.submit(asked.body, "signin-code", url.Values{"code": {"000000"}}))
			see(b.submit(asked.body, "resend", nil))
		})
	}
	want := look("ann", false)
	assert.Contains(t, strings.Join(want, "\n"), "429")
	assert.Equal(t, want, look("nobody", false))
	assert.Equal(t, want, look("ann", true), "a sender that fails")
}

func TestSignInPage_WhatGoesWrong(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	page := b.show("/mfa/signin?return_to=/home")
	for _, name := range []string{"", "   ", strings.Repeat("x", 321), "a\xffb"} {
		got := b.submit(page, "signin", url.Values{"username": {name}})
		assert.Equal(t, http.StatusBadRequest, got.status, "%q", name)
		assert.Contains(t, text(t, got.body, "alert"), "Enter the name that you sign in with.")
	}
	got := b.submit(page, "signin", url.Values{"username": {`<script>"` + strings.Repeat("x", 320)}})
	assert.NotContains(t, got.body, "<script>\"")
	for _, method := range []string{"", "totp", "sms", "webauthn", "lookup_secret", "../email", "<b>", "email,totp", "EMAIL"} {
		got := b.submit(page, "signin", url.Values{"username": {"ann"}, "method": {method}})
		assert.Equal(t, http.StatusNotFound, got.status, method)
		assert.NotContains(t, got.body, "<b>")
	}
	assert.Zero(t, f.sent())
	got = b.submit(page, "signin", url.Values{"username": {"crash"}})
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.NotContains(t, got.body, "canary")
	assert.Contains(t, a.logs.String(), "canary")

	// Ids of whatever else there is.
	owner := a.newBrowser().login("ann")
	p := owner.enrollTOTP()
	challenge := owner.begin("/mfa/api/challenges", object{"method": "totp", "refresh": true})
	asked := b.submit(page, "signin", url.Values{"username": {"ann"}})
	code := f.last(t).code
	for _, id := range []string{"", "x", "<b>", challenge.ID, p.credentialID, code} {
		got := b.send(http.MethodPost, "/mfa/signin/code", url.Values{"id": {id}, "code": {code}}.Encode(), formHeader)
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, id)
		assert.NotContains(t, got.body, "<b>")
		got = b.send(http.MethodPost, "/mfa/signin/resend", url.Values{"id": {id}}.Encode(), formHeader)
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, id)
		assert.Contains(t, text(t, got.body, "alert"), "too late")
	}
	// Another browser, however often, costs nothing; where it goes on to stays on the host.
	for range 7 {
		assert.Equal(t, http.StatusUnprocessableEntity, a.newBrowser().submit(asked.body, "signin-code", url.Values{"code": {code}}).status)
	}
	_, fields := formOf(t, asked.body, "signin-code")
	fields.Set("code", code)
	fields.Set("return_to", "//evil.test")
	requireSeeOther(t, b.send(http.MethodPost, "/mfa/signin/code", fields.Encode(), formHeader), "/mfa/verify?methods=totp&return_to=%2F")
}
