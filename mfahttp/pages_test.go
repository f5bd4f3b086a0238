package mfahttp_test

import (
	"html"
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

const pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; " +
	"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"

// open asks for a page as a browser does that follows a link.
func (b *browser) open(path string) reply {
	b.a.t.Helper()
	return b.send(http.MethodGet, path, "", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}})
}

// show asks for a page that must be there.
func (b *browser) show(path string) string {
	b.a.t.Helper()
	got := b.open(path)
	require.Equal(b.a.t, http.StatusOK, got.status, got.body)
	return got.body
}

var formHeader = http.Header{
	"Content-Type":   {"application/x-www-form-urlencoded"},
	"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"},
}

// submit sends the form with this id (or with this data-form) from a page, as
// a browser without scripts does: its hidden fields and what was typed.
func (b *browser) submit(page, form string, typed url.Values) reply {
	b.a.t.Helper()
	action, fields := formOf(b.a.t, page, form)
	for name, values := range typed {
		require.Contains(b.a.t, fields, name, "the form has no such field")
		fields[name] = values
	}
	return b.send(http.MethodPost, action, fields.Encode(), formHeader)
}

var (
	inputTag  = regexp.MustCompile(`<input [^>]*>`)
	nameAttr  = regexp.MustCompile(` name="([^"]*)"`)
	valueAttr = regexp.MustCompile(` value="([^"]*)"`)
)

func formOf(t *testing.T, page, form string) (action string, fields url.Values) {
	t.Helper()
	tag := regexp.MustCompile(`(?s)<form method="post" action="([^"]*)" (?:id|data-form)="` + form + `"[^>]*>(.*?)</form>`).FindStringSubmatch(page)
	require.NotNil(t, tag, "no form %s in %s", form, page)
	fields = url.Values{}
	for _, input := range inputTag.FindAllString(tag[2], -1) {
		name := nameAttr.FindStringSubmatch(input)
		require.NotNil(t, name, input)
		value := ""
		if v := valueAttr.FindStringSubmatch(input); v != nil {
			value = html.UnescapeString(v[1])
		}
		require.NotContains(t, fields, name[1], "a field twice")
		fields.Set(html.UnescapeString(name[1]), value)
	}
	return html.UnescapeString(tag[1]), fields
}

// text returns what is inside of the element with this id.
func text(t *testing.T, page, id string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<[a-z]+ [^>]*id="` + id + `"[^>]*>(.*?)</`).FindStringSubmatch(page)
	require.NotNil(t, found, "no #%s in %s", id, page)
	return strings.TrimSpace(html.UnescapeString(found[1]))
}

var codeItem = regexp.MustCompile(`<li><code translate="no">([^<]*)</code></li>`)

func codesOn(page string) []string {
	var codes []string
	for _, found := range codeItem.FindAllStringSubmatch(page, -1) {
		codes = append(codes, found[1])
	}
	return codes
}

// requireSeeOther requires a redirect after a form, to exactly this place.
func requireSeeOther(t *testing.T, got reply, to string) {
	t.Helper()
	require.Equal(t, http.StatusSeeOther, got.status, got.body)
	require.Equal(t, to, got.header.Get("Location"))
}

// enrollByForms sets up an authenticator app without scripts.
func (b *browser) enrollByForms(name string) (*totpApp, reply) {
	b.a.t.Helper()
	shown := b.submit(b.show("/mfa/enroll/totp"), "totp-begin", url.Values{"name": {name}})
	require.Equal(b.a.t, http.StatusOK, shown.status, shown.body)
	p := &totpApp{clock: b.a.clock, secret: strings.ReplaceAll(text(b.a.t, shown.body, "secret"), " ", "")}
	return p, b.submit(shown.body, "totp-confirm", url.Values{"code": {p.code()}})
}

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
	assert.Equal(t, http.StatusConflict, bad.status)
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
	a := newApp(t)
	b := a.newBrowser().login("ann")
	p, _ := b.enrollByForms("phone")
	codes := b.submit(b.show("/mfa/recovery-codes"), "codes-begin", nil)
	replies := map[string]reply{"codes": codes}
	for _, path := range []string{
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
		assert.Equal(t, "same-origin", got.header.Get("Referrer-Policy"), name)
		assert.NotRegexp(t, `(?i)<style|style="|<script>| on[a-z]+="|javascript:`, got.body, name)
	}
	for name, status := range map[string]int{
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
	p, _ := b.enrollByForms("phone")
	b.enrollKey("key")
	b.enrollCodes()
	for path, ids := range map[string][]string{
		"/mfa/":                             {`data-method="totp"`, `data-method="webauthn"`, `id="add-totp"`, `id="add-webauthn"`, `id="recovery"`, `id="codes-left"`, `id="create-codes"`, `data-form="rename"`, `data-form="remove"`},
		"/mfa/enroll/totp":                  {`id="totp-begin"`, `name="name"`},
		"/mfa/enroll/webauthn":              {`id="webauthn-enroll"`, `data-webauthn="enroll"`, `id="webauthn-error"`, `data-codes="/mfa/recovery-codes"`, `data-next="/mfa/?done=added"`, `<noscript>`},
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
	_ = p
}

func TestE07_CodesAreShownOnce(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	p, _ := b.enrollByForms("phone")
	first := b.submit(b.show("/mfa/recovery-codes"), "codes-begin", nil)
	old := codesOn(first.body)
	requireSeeOther(t, b.submit(first.body, "codes-confirm", nil), "/mfa/?done=codes")

	// New ones: the old ones work until the new ones are confirmed.
	second := b.submit(b.show("/mfa/recovery-codes"), "codes-begin", nil)
	fresh := codesOn(second.body)
	require.Len(t, fresh, 12)
	assert.Contains(t, second.body, "Your old codes keep working")
	other := a.newBrowser().login("ann")
	requireSeeOther(t, other.submit(other.show("/mfa/verify?method=lookup_secret"), "verify", url.Values{"code": {old[0]}}), "/")
	got := other.submit(other.show("/mfa/verify?method=lookup_secret"), "verify", url.Values{"code": {fresh[0]}})
	assert.Equal(t, http.StatusUnprocessableEntity, got.status)
	requireSeeOther(t, b.submit(second.body, "codes-confirm", nil), "/mfa/?done=codes")
	got = other.submit(other.show("/mfa/verify?method=lookup_secret"), "verify", url.Values{"code": {old[1]}})
	assert.Equal(t, http.StatusUnprocessableEntity, got.status)

	// Confirming again shows nothing and changes nothing.
	got = b.submit(second.body, "codes-confirm", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, got.status)
	assert.Contains(t, text(t, got.body, "alert"), "Create new ones")
	everything := b.crawl() + got.body
	for _, code := range append(old, fresh...) {
		assert.NotContains(t, everything, code)
	}
	_ = p
}

func TestC08_SecretIsShownOnce(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	shown := b.submit(b.show("/mfa/enroll/totp"), "totp-begin", nil)
	grouped := text(t, shown.body, "secret")
	p := &totpApp{clock: a.clock, secret: strings.ReplaceAll(grouped, " ", "")}
	wrong := b.submit(shown.body, "totp-confirm", url.Values{"code": {p.wrong()}})
	during := b.crawl() + wrong.body
	done := b.submit(shown.body, "totp-confirm", url.Values{"code": {p.code()}})
	requireSeeOther(t, done, "/mfa/recovery-codes")
	again := b.submit(shown.body, "totp-confirm", url.Values{"code": {p.next()}})
	for _, page := range []string{during, b.crawl(), again.body, a.logs.String(), done.header.Get("Location")} {
		assert.NotContains(t, page, p.secret)
		assert.NotContains(t, page, grouped)
		assert.NotContains(t, page, "otpauth:")
	}
	// What describes the picture does not tell the secret.
	label := regexp.MustCompile(`aria-label="([^"]*)"`).FindStringSubmatch(shown.body)
	require.NotNil(t, label)
	assert.NotContains(t, label[1], p.secret)
}

// crawl returns everything that can be asked for by GET.
func (b *browser) crawl() string {
	var all strings.Builder
	for _, path := range []string{
		"/mfa/", "/mfa/enroll/totp", "/mfa/enroll/totp/confirm", "/mfa/enroll/webauthn", "/mfa/verify", "/mfa/verify?method=totp", "/mfa/verify?method=lookup_secret",
		"/mfa/recovery-codes", "/mfa/recovery-codes/confirm", "/mfa/api/session", "/mfa/api/methods", "/mfa/api/credentials", "/mfa/api/enrollments",
	} {
		all.WriteString(b.open(path).body)
	}
	return all.String()
}

func TestC06_OpeningPagesChangesNothing(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	p, _ := b.enrollByForms("phone")
	id := credentialID(t, b.show("/mfa/"))
	writes, saves := a.store.written(), a.session.saved()
	b.crawl()
	for _, path := range []string{"/mfa/credentials/" + id + "/remove", "/mfa/credentials/" + id + "/rename?name=x", "/mfa/cancel", "/mfa/verify?method=totp&code=" + p.next()} {
		b.open(path)
	}
	assert.Equal(t, writes, a.store.written())
	assert.Equal(t, saves, a.session.saved())
}

func credentialID(t *testing.T, page string) string {
	t.Helper()
	found := regexp.MustCompile(`data-credential="([^"]*)"`).FindStringSubmatch(page)
	require.NotNil(t, found)
	return found[1]
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
