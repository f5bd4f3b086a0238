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

func TestPages_WithoutScripts(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	page := b.show("/mfa/?return_to=/home")
	assert.Contains(t, page, `id="continue" href="/home"`)
	assert.Contains(t, page, `href="/mfa/enroll/totp?return_to=%2Fhome"`)
	assert.NotContains(t, page, `id="create-codes"`, "no codes without a real factor")

	// An authenticator app, with a wrong code first.
	shown := b.submit(b.show("/mfa/enroll/totp"), "totp-begin", url.Values{"name": {"My <b>phone</b>"}})
	require.Equal(t, http.StatusOK, shown.status)
	secret := text(t, shown.body, "secret")
	assert.Regexp(t, `^([A-Z2-7]{4} )+[A-Z2-7]{1,4}$`, secret)
	p := &totpApp{clock: a.clock, secret: strings.ReplaceAll(secret, " ", "")}
	assert.Contains(t, shown.body, `href="otpauth://totp/Example:ann?secret=`+p.secret+`&amp;`)
	assert.Contains(t, shown.body, `<div class="mfa-qr" id="qr"><svg `)
	wrong := b.submit(shown.body, "totp-confirm", url.Values{"code": {p.wrong()}})
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	assert.Contains(t, text(t, wrong.body, "alert"), "did not work")
	assert.Contains(t, wrong.body, "<title>Error: ")
	_, again := formOf(t, wrong.body, "start-over")
	assert.Equal(t, "My <b>phone</b>", again.Get("name"))
	code := p.code()
	requireSeeOther(t, b.submit(wrong.body, "totp-confirm", url.Values{"code": {" " + code[:3] + " " + code[3:] + "\t "}}), "/mfa/recovery-codes")

	// Recovery codes.
	shown = b.submit(b.show("/mfa/recovery-codes"), "codes-begin", nil)
	require.Equal(t, http.StatusOK, shown.status)
	codes := codesOn(shown.body)
	require.Len(t, codes, 12)
	requireSeeOther(t, b.submit(shown.body, "codes-confirm", nil), "/mfa/?done=codes")
	page = b.show("/mfa/?done=codes")
	assert.Equal(t, "12 of 12 left", text(t, page, "codes-left"))
	assert.Contains(t, text(t, page, "notice"), "codes")
	assert.Contains(t, page, "<h3>My &lt;b&gt;phone&lt;/b&gt;</h3>")
	assert.NotContains(t, page, "<b>phone")

	// Rename it.
	requireSeeOther(t, b.submit(page, "rename", url.Values{"name": {"Old phone"}}), "/mfa/?done=renamed")
	page = b.show("/mfa/?done=renamed")
	assert.Contains(t, page, "<h3>Old phone</h3>")
	bad := b.submit(page, "rename", url.Values{"name": {strings.Repeat("x", 65)}})
	assert.Equal(t, http.StatusBadRequest, bad.status)
	assert.Contains(t, text(t, bad.body, "alert"), "64 characters")

	// Sign in again, with the app and with a code.
	b = a.newBrowser().login("ann")
	requireSeeOther(t, b.open("/mfa/?return_to=/home"), "/mfa/verify?methods=totp%2Clookup_secret&return_to=%2Fhome")
	page = b.show("/mfa/verify?methods=totp%2Clookup_secret&return_to=%2Fhome")
	assert.Contains(t, page, `data-method="totp"`)
	code = p.next()
	requireSeeOther(t, b.submit(page, "verify", url.Values{"code": {code[:3] + " " + code[3:]}}), "/home")
	assert.Equal(t, http.StatusOK, b.open("/home").status)
	b = a.newBrowser().login("ann")
	page = b.show("/mfa/verify?method=lookup_secret")
	requireSeeOther(t, b.submit(page, "verify", url.Values{"code": {strings.ToUpper(codes[3])}}), "/")
	page = b.show("/mfa/")
	assert.Equal(t, "11 of 12 left", text(t, page, "codes-left"))
	assert.Contains(t, page, "last used <time")

	// Remove it, and the codes go too.
	requireSeeOther(t, b.submit(page, "remove", nil), "/mfa/?done=removed")
	page = b.show("/mfa/?done=removed")
	assert.NotContains(t, page, "Old phone")
	assert.NotContains(t, page, "codes-left")
}

func TestC09_EveryPageAndAsset(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ann")
	p, _ := b.enrollByForms("phone")
	codes := b.submit(b.show("/mfa/recovery-codes"), "codes-begin", nil)
	replies := map[string]reply{"codes": codes}
	for _, path := range []string{
		"/mfa/signin", "/mfa/enroll/email", someLink,
		"/mfa/", "/mfa/enroll/totp", "/mfa/enroll/webauthn", "/mfa/verify", "/mfa/verify?methods=webauthn", "/mfa/recovery-codes",
		"/mfa/assets/mfa.css", "/mfa/assets/mfa.js", "/mfa/assets/other.js", "/mfa/enroll/other", "/mfa/nothing", "/mfa/enroll/lookup_secret",
	} {
		replies[path] = b.open(path)
	}
	replies["secret"] = b.submit(b.show("/mfa/enroll/totp"), "totp-begin", nil)
	replies["wrong"] = b.submit(replies["/mfa/verify"].body, "verify", url.Values{"code": {p.wrong()}})
	replies["redirect"] = a.newBrowser().open("/mfa/")
	for name, got := range replies {
		assert.Equal(t, pageCSP, got.header.Get("Content-Security-Policy"), name)
		assert.Equal(t, "no-store", got.header.Get("Cache-Control"), name)
		assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"), name)
		policy := "same-origin"
		if name == someLink {
			policy = "strict-origin"
		}
		assert.Equal(t, policy, got.header.Get("Referrer-Policy"), name)
		assert.NotRegexp(t, `(?i)<style|style="|<script>| on[a-z]+="|javascript:`, got.body, name)
	}
	for name, status := range map[string]int{
		"/mfa/signin": 200, "/mfa/enroll/email": 200, someLink: 200,
		"/mfa/": 200, "/mfa/assets/mfa.css": 200, "/mfa/assets/mfa.js": 200,
		"/mfa/assets/other.js": 404, "/mfa/enroll/other": 404, "/mfa/nothing": 404, "/mfa/enroll/lookup_secret": 303, "redirect": 303,
	} {
		assert.Equal(t, status, replies[name].status, name)
	}
	assert.Equal(t, "text/javascript; charset=utf-8", replies["/mfa/assets/mfa.js"].header.Get("Content-Type"))
	assert.Equal(t, "text/css; charset=utf-8", replies["/mfa/assets/mfa.css"].header.Get("Content-Type"))
}

// The ids that scripts and browser tests rely on.
func TestPages_StableIDs(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	b.enrollByForms("phone")
	b.enrollKey("key")
	b.enrollCodes()
	for path, ids := range map[string][]string{
		"/mfa/":                             {`data-method="totp"`, `data-method="webauthn"`, `id="add-totp"`, `id="add-webauthn"`, `id="recovery"`, `id="codes-left"`, `id="create-codes"`, `data-form="rename"`, `data-form="remove"`},
		"/mfa/enroll/totp":                  {`id="totp-begin"`, `name="name"`},
		"/mfa/enroll/webauthn":              {`id="webauthn-enroll"`, `data-webauthn="enroll"`, `id="webauthn-error"`, `data-codes="/mfa/recovery-codes"`, `data-next="/mfa/?done=added"`, `data-invalid="`, `data-conflict="`, `<noscript>`},
		"/mfa/verify":                       {`id="webauthn-verify"`, `data-webauthn="verify"`, `data-next="/"`, `id="lost-device"`, `id="others"`, `id="cancel"`, `<noscript>`},
		"/mfa/verify?method=totp":           {`id="verify"`, `name="code" type="text" inputmode="numeric" autocomplete="one-time-code"`, `id="lost-device"`},
		"/mfa/verify?method=lookup_secret":  {`id="verify"`, `name="code" type="text" autocomplete="off"`, `id="lost-device"`},
		"/mfa/recovery-codes?return_to=%2F": {`id="codes-begin"`, `id="codes-skip"`, `id="codes-left"`},
	} {
		page := b.show(path)
		for _, id := range ids {
			assert.Contains(t, page, id, path)
		}
	}
	page := b.show("/mfa/")
	assert.Contains(t, page, `data-credential="`)
	assert.Regexp(t, `synced between devices|on this one device only`, page)
	assert.NotContains(t, b.show("/mfa/verify?method=lookup_secret"), "inputmode")
}

func TestPages_WhoIsPendingSeesOnlyWhatItNeeds(t *testing.T) {
	mandatory := setup{manager: func(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL2} }}
	a := newApp(t, mandatory)
	b := a.newBrowser().login("ann")

	// Nothing is set up: the overview offers only that.
	page := b.show("/mfa/?return_to=/home")
	assert.Contains(t, page, `id="add-totp" href="/mfa/enroll/totp?return_to=%2Fhome"`)
	assert.NotContains(t, page, `id="recovery"`)
	assert.NotContains(t, page, `id="continue"`)
	assert.Contains(t, page, `id="cancel"`)
	requireSeeOther(t, b.open("/mfa/recovery-codes"), "/mfa/?return_to=%2Fmfa%2Frecovery-codes")

	// Setting up the first signs in.
	shown := b.submit(b.show("/mfa/enroll/totp?return_to=%2Fhome"), "totp-begin", nil)
	p := &totpApp{clock: a.clock, secret: strings.ReplaceAll(text(t, shown.body, "secret"), " ", "")}
	requireSeeOther(t, b.submit(shown.body, "totp-confirm", url.Values{"code": {p.code()}}), "/mfa/recovery-codes?return_to=%2Fhome")
	page = b.show("/mfa/recovery-codes?return_to=%2Fhome")
	assert.Contains(t, page, `id="codes-skip" href="/home"`)
	shown = b.submit(page, "codes-begin", nil)
	requireSeeOther(t, b.submit(shown.body, "codes-confirm", nil), "/home")
	assert.Equal(t, http.StatusOK, b.open("/home").status)

	// The last one stays.
	page = b.show("/mfa/")
	assert.Contains(t, page, "<h3>Authenticator app</h3>", "what has no name is called by its method")
	got := b.submit(page, "remove", nil)
	assert.Equal(t, http.StatusConflict, got.status)
	assert.Contains(t, text(t, got.body, "alert"), "Set up another one first")
	assert.Contains(t, got.body, "<h3>Authenticator app</h3>")

	// Pending again: nothing is told, and cancelling ends it.
	b = a.newBrowser().login("ann")
	requireSeeOther(t, b.open("/mfa/"), "/mfa/verify?methods=totp%2Clookup_secret&return_to=%2Fmfa%2F")
	requireSeeOther(t, b.open("/mfa/enroll/totp"), "/mfa/verify?methods=totp%2Clookup_secret&return_to=%2F")
	requireSeeOther(t, b.submit(b.show("/mfa/verify"), "cancel", nil), "/")
	requireSeeOther(t, b.open("/mfa/"), "/login?return_to=%2Fmfa%2F")
}

// The verify page is no dead end for a sign-in that cannot go on there.
func TestPages_WhoHasNothingToVerifyWithIsLedOn(t *testing.T) {
	a := newApp(t, setup{manager: func(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL2} }})
	b := a.newBrowser().login("ann")
	to := "/mfa/?return_to=%2Fhome"
	requireSeeOther(t, b.open("/mfa/verify?return_to=/home"), to)
	assert.Contains(t, b.show(to), `id="add-totp" href="/mfa/enroll/totp?return_to=%2Fhome"`)

	// What kept the sign-in pending was removed elsewhere: a fresh first factor helps.
	a = newApp(t)
	first := a.newBrowser().login("ann")
	first.enrollByForms("phone")
	b = a.newBrowser().login("ann")
	b.show("/mfa/verify")
	requireSeeOther(t, first.submit(first.show("/mfa/"), "remove", nil), "/mfa/?done=removed")
	requireSeeOther(t, b.open("/mfa/verify?return_to=/home"), "/login?return_to=%2Fhome")
	assert.Equal(t, http.StatusOK, b.login("ann").open("/home").status)
}

// A method of the app's own is offered, even if the pages cannot set it up.
func TestPages_MethodsTheyDoNotKnow(t *testing.T) {
	a := newApp(t, setup{manager: func(c *mfa.Config) { c.Factors = append(c.Factors, &courier{}) }})
	page := a.newBrowser().login("ann").show("/mfa/")
	assert.Contains(t, page, `data-method="courier"`)
	assert.NotContains(t, page, "no longer offered")
}

func TestPages_CancelLeavesTheSignedInAlone(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	requireSeeOther(t, b.send(http.MethodPost, "/mfa/cancel", "", formHeader), "/")
	assert.Equal(t, http.StatusOK, b.open("/home").status)
	requireSeeOther(t, a.newBrowser().send(http.MethodPost, "/mfa/cancel", "", formHeader), "/login?return_to=%2Fmfa%2F")
}

// Whatever needs a fresh proof leads to the verify page and back.
func TestPages_StepUpLeadsBack(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	p, _ := b.enrollByForms("phone")
	overview, enroll, codes := b.show("/mfa/"), b.show("/mfa/enroll/totp?return_to=%2Fhome"), b.show("/mfa/recovery-codes")
	a.clock.Advance(16 * time.Minute)
	for _, c := range []struct{ page, form, back string }{
		{overview, "rename", "/mfa/"},
		{overview, "remove", "/mfa/"},
		{enroll, "totp-begin", "/mfa/enroll/totp?return_to=%2Fhome"},
		{codes, "codes-begin", "/mfa/recovery-codes"},
	} {
		got := b.submit(c.page, c.form, nil)
		to := "/mfa/verify?methods=totp&return_to=" + url.QueryEscape(c.back)
		requireSeeOther(t, got, to)
		requireSeeOther(t, b.submit(b.show(to), "verify", url.Values{"code": {p.next()}}), c.back)
		a.clock.Advance(16 * time.Minute)
	}
	assert.Contains(t, overview, "phone")
}

func TestL03_FormsForOthersCredentials(t *testing.T) {
	a := newApp(t)
	ann, bob := a.newBrowser().login("ann"), a.newBrowser().login("bob")
	ann.enrollByForms("phone")
	bob.enrollByForms("other")
	id := credentialID(t, ann.show("/mfa/"))
	for _, action := range []string{"rename", "remove"} {
		got := bob.send(http.MethodPost, "/mfa/credentials/"+id+"/"+action, "name=mine", formHeader)
		assert.Equal(t, http.StatusNotFound, got.status)
	}
	assert.Contains(t, ann.show("/mfa/"), "<h3>phone</h3>")
}

func TestPages_SayWhatARouteNeeds(t *testing.T) {
	b := newApp(t).newBrowser().login("ann")
	b.enrollTOTP()
	page := b.show("/mfa/?methods=webauthn&return_to=/home")
	assert.Contains(t, text(t, page, "needs"), "needs “Security key or passkey”")
	assert.NotContains(t, page, `id="continue"`, "it would lead straight back")
	page = b.show("/mfa/?methods=webauthn,totp&return_to=/home")
	assert.NotContains(t, page, `id="needs"`, "one of them is there")
	assert.Contains(t, page, `id="continue"`)
	page = b.show("/mfa/?methods=<b>x&return_to=/home")
	assert.NotContains(t, page, "<b>x")
	assert.Contains(t, page, `id="continue"`)
}
