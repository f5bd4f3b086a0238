package mfahttp_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// enrollAddress enrols an address.
func (b *browser) enrollAddress(f *mail, address string) credentialDocument {
	b.a.t.Helper()
	c := b.begin("/mfa/api/enrollments", object{"method": f.method, "params": object{"address": address}})
	return b.finishEnrollment(c.ID, f.last(b.a.t).code).Credential
}

func TestEnroll_Addresses(t *testing.T) {
	for method, c := range map[string]struct{ good, bad, input string }{
		"email": {"ann@inbox.example", "ann", `type="email" value="" maxlength="254" autocomplete="email" required`},
		"sms":   {"+4915112345678", "0151", `type="tel" value="" maxlength="64" autocomplete="tel" required`},
	} {
		f := &mail{method: method}
		a := newApp(t, delivering(f))
		b := a.newBrowser().login("ann")
		assert.Contains(t, b.show("/mfa/"), `id="add-`+method+`" href="/mfa/enroll/`+method+`"`)
		page := b.show("/mfa/enroll/" + method + "?return_to=/home")
		assert.Contains(t, page, c.input)

		got := b.submit(page, method+"-begin", url.Values{"address": {c.bad}})
		assert.Equal(t, http.StatusBadRequest, got.status)
		assert.Contains(t, text(t, got.body, "alert"), "We cannot send a code there")
		_, fields := formOf(t, got.body, method+"-begin")
		assert.Equal(t, c.bad, fields.Get("address"), "to be corrected")

		shown := b.submit(got.body, method+"-begin", url.Values{"address": {c.good}})
		require.Equal(t, http.StatusOK, shown.status, shown.body)
		assert.Equal(t, masked(c.good), text(t, shown.body, "to"))
		assert.NotContains(t, shown.body, c.good)
		assert.Contains(t, shown.body, `name="code" type="text" inputmode="numeric" autocomplete="one-time-code"`)
		assert.Contains(t, shown.body, `id="start-over" href="/mfa/enroll/`+method+`?return_to=%2Fhome"`)

		wrong := b.submit(shown.body, method+"-confirm", url.Values{"code": {"000000"}})
		assert.Equal(t, http.StatusUnprocessableEntity, wrong.status)
		assert.Contains(t, text(t, wrong.body, "alert"), "last one that was sent for this page")
		assert.Equal(t, masked(c.good), text(t, wrong.body, "to"))
		soon := b.submit(wrong.body, "resend", nil)
		assert.Equal(t, http.StatusTooManyRequests, soon.status)
		assert.Equal(t, "30", soon.header.Get("Retry-After"))
		assert.Equal(t, "No other code can be sent now. Try again in 30 seconds.", text(t, soon.body, "alert"))
		old := f.last(t).code
		a.clock.Advance(31 * time.Second)
		again := b.submit(soon.body, "resend", nil)
		require.Equal(t, http.StatusOK, again.status, again.body)
		assert.Contains(t, text(t, again.body, "notice"), "another code")
		assert.Equal(t, http.StatusUnprocessableEntity, b.submit(again.body, method+"-confirm", url.Values{"code": {old}}).status)
		requireSeeOther(t, b.submit(again.body, method+"-confirm", url.Values{"code": {f.last(t).code}}), "/mfa/recovery-codes?return_to=%2Fhome")
		assert.Contains(t, html.UnescapeString(b.show("/mfa/")), `<span data-address>`+masked(c.good)+`</span> · added`)
	}
}

func TestEnroll_AddressesGoWrong(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser().login("ann")
	page := b.show("/mfa/enroll/email")
	shown := b.submit(page, "email-begin", url.Values{"address": {"ann@inbox.example"}})
	other := a.newBrowser().login("bob")
	assert.Equal(t, http.StatusUnprocessableEntity, other.submit(shown.body, "email-confirm", url.Values{"code": {f.last(t).code}}).status)
	a.clock.Advance(11 * time.Minute)
	late := b.submit(shown.body, "resend", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, late.status)
	assert.Contains(t, late.body, `id="email-begin"`, "it begins again")

	f.broken = true
	got := b.submit(page, "email-begin", url.Values{"address": {"ann@inbox.example"}})
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.NotContains(t, got.body, "canary")
	f.broken = false
	for _, path := range []string{"/mfa/enroll/totp/resend", "/mfa/enroll/sms", "/mfa/enroll/sms/resend", "/mfa/enroll/x/resend"} {
		got := b.send(http.MethodPost, path, "id=x&address=x@y.example", formHeader)
		assert.GreaterOrEqual(t, got.status, 400, path)
		assert.NotEqual(t, http.StatusServiceUnavailable, got.status, path)
	}

	// Whoever lacks the second factor sets nothing up, and a stale session neither.
	b.enrollAddress(f, "ann@inbox.example")
	pending := a.newBrowser().login("ann")
	n := f.sent()
	requireSeeOther(t, pending.open("/mfa/enroll/email"), "/mfa/verify?methods=email&return_to=%2F")
	got = pending.send(http.MethodPost, "/mfa/enroll/email", "address=eve@evil.test", formHeader)
	requireSeeOther(t, got, "/mfa/verify?methods=email&return_to=%2Fmfa%2Fenroll%2Femail")
	a.clock.Advance(time.Hour)
	requireSeeOther(t, b.submit(page, "email-begin", url.Values{"address": {"x@inbox.example"}}), "/mfa/verify?methods=email&return_to=%2Fmfa%2Fenroll%2Femail")
	requireSeeOther(t, a.newBrowser().send(http.MethodPost, "/mfa/enroll/email/resend", "id=x", formHeader), "/login?return_to=%2Fmfa%2Fenroll%2Femail")
	assert.Equal(t, n, f.sent())
}

// Addresses whose masks are the same are told apart by what they are called.
func TestVerify_AddressesHaveNames(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser().login("ann")
	for address, name := range map[string]string{"ann@example.com": "Work <1>", "amy@eample.com": ""} {
		c := b.begin("/mfa/api/enrollments", object{"method": "email", "name": name, "params": object{"address": address}})
		b.finishEnrollment(c.ID, f.last(t).code)
		a.clock.Advance(31 * time.Second)
	}
	page := a.newBrowser().login("ann").show("/mfa/verify")
	assert.Contains(t, page, "Send it to "+masked("ann@example.com")+" (Work &lt;1&gt;)</button>")
	assert.Contains(t, page, "Send it to "+masked("amy@eample.com")+"</button>")
}

func TestVerify_Delivered(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	owner := a.newBrowser().login("ann")
	owner.enrollAddress(f, "ann@inbox.example")
	n := f.sent()

	b := a.newBrowser().login("ann")
	page := b.show("/mfa/verify?methods=email&return_to=/home")
	assert.Contains(t, page, "Send me a code")
	assert.Contains(t, page, masked("ann@inbox.example"))
	assert.Equal(t, n, f.sent(), "looking sends nothing")
	asked := b.submit(page, "send", nil)
	require.Equal(t, http.StatusOK, asked.status, asked.body)
	assert.Equal(t, n+1, f.sent())
	assert.Equal(t, masked("ann@inbox.example"), text(t, asked.body, "to"))
	assert.Contains(t, asked.body, `name="code" type="text" inputmode="numeric" autocomplete="one-time-code"`)
	wrong := b.submit(asked.body, "verify", url.Values{"code": {"000000"}})
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	assert.Contains(t, text(t, wrong.body, "alert"), "last one that was sent for this page")
	soon := b.submit(wrong.body, "resend", nil)
	assert.Equal(t, http.StatusTooManyRequests, soon.status)
	assert.Equal(t, "30", soon.header.Get("Retry-After"))
	a.clock.Advance(31 * time.Second)
	again := b.submit(soon.body, "resend", nil)
	require.Equal(t, http.StatusOK, again.status, again.body)
	assert.Contains(t, text(t, again.body, "notice"), "another code")
	assert.False(t, b.session().Active)
	requireSeeOther(t, b.submit(again.body, "verify", url.Values{"code": {f.last(t).code}}), "/home")
	assert.Equal(t, http.StatusOK, b.open("/home").status)

	// Too late: it asks whether to send one.
	asked = b.submit(b.show("/mfa/verify?method=email"), "send", nil)
	a.clock.Advance(11 * time.Minute)
	late := b.submit(asked.body, "resend", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, late.status)
	assert.Contains(t, late.body, `id="send"`)
}

func TestVerify_WhichAddress(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser().login("ann")
	first := b.enrollAddress(f, "one@inbox.example")
	second := b.enrollAddress(f, "two@other.example")
	b.enrollTOTP()
	b = a.newBrowser().login("ann")
	page := b.show("/mfa/verify?method=email")
	assert.Equal(t, []string{"totp"}, othersOn(page))
	for _, c := range []struct{ id, to string }{{first.ID, "one@inbox.example"}, {second.ID, "two@other.example"}} {
		assert.Contains(t, page, `name="credential" value="`+c.id+`">Send it to `+masked(c.to)+`</button>`)
		asked := b.submit(page, "send", url.Values{"credential": {c.id}})
		require.Equal(t, http.StatusOK, asked.status, asked.body)
		assert.Equal(t, c.to, f.last(t).to)
		assert.Equal(t, []string{"totp"}, othersOn(asked.body))
	}
	n := f.sent()
	stranger := a.newBrowser().login("bob").enrollAddress(f, "bob@inbox.example")
	for _, id := range []string{"x", "eve@evil.test", stranger.ID} {
		got := b.submit(page, "send", url.Values{"credential": {id}})
		assert.Equal(t, http.StatusConflict, got.status, id)
	}
	assert.Equal(t, n+1, f.sent(), "bob's enrolment alone")
}

func othersOn(page string) []string {
	var methods []string
	for _, m := range otherMethod.FindAllStringSubmatch(page, -1) {
		methods = append(methods, m[1])
	}
	return methods
}

// No form gets past a step, whatever it names.
func TestB01_DeliveryCannotSkip(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	owner := a.newBrowser().login("ann")
	owner.enrollAddress(f, "ann@inbox.example")
	p := owner.enrollTOTP()
	b := a.newBrowser().login("ann")
	enrolling := owner.begin("/mfa/api/enrollments", object{"method": "email", "params": object{"address": "x@inbox.example"}})
	code := f.last(t).code
	n := f.sent()
	for _, form := range []url.Values{
		{"method": {"email"}},
		{"method": {"email"}, "id": {""}, "code": {""}},
		{"method": {"email"}, "id": {enrolling.ID}, "code": {code}},
		{"method": {"email"}, "id": {p.credentialID}, "code": {code}},
		{"method": {"totp"}, "id": {enrolling.ID}, "code": {code}},
		{"method": {"sms"}, "id": {enrolling.ID}, "code": {code}},
		{"method": {"email"}, "methods": {"totp"}, "id": {enrolling.ID}, "code": {code}},
		{"method": {"<b>"}, "id": {"<b>"}, "to": {"<b>"}, "code": {code}},
	} {
		for _, path := range []string{"/mfa/verify", "/mfa/verify/resend"} {
			got := b.send(http.MethodPost, path, form.Encode(), formHeader)
			assert.GreaterOrEqual(t, got.status, 400, "%s %v", path, form)
			assert.NotContains(t, got.body, "<b>")
		}
	}
	for _, form := range []url.Values{
		{"method": {"totp"}}, {"method": {"sms"}}, {"method": {"lookup_secret"}}, {"method": {""}}, {"method": {"email"}, "methods": {"totp"}},
	} {
		assert.Equal(t, http.StatusConflict, b.send(http.MethodPost, "/mfa/verify/send", form.Encode(), formHeader).status, "%v", form)
	}
	assert.Equal(t, n, f.sent())
	assert.False(t, b.session().Active)
	requireSeeOther(t, a.newBrowser().send(http.MethodPost, "/mfa/verify/send", "method=email", formHeader), "/login?return_to=%2F")
	requireSeeOther(t, a.newBrowser().send(http.MethodPost, "/mfa/verify/resend", "method=email", formHeader), "/login?return_to=%2F")
}

// J07: wrong codes count for the account, however many ceremonies they are
// spread over, and where they are typed in.
func TestJ07_WrongCodesCountTogether(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	a.newBrowser().login("ann").enrollAddress(f, "ann@inbox.example")
	b := a.newBrowser().login("ann")
	for i := range 5 {
		asked := b.submit(b.show("/mfa/verify"), "send", nil)
		require.Equal(t, http.StatusOK, asked.status, asked.body)
		if i%2 == 0 {
			require.Equal(t, http.StatusUnprocessableEntity, b.submit(asked.body, "verify", url.Values{"code": {"000000"}}).status)
			continue
		}
		id := regexp.MustCompile(`name="id" value="([^"]*)"`).FindStringSubmatch(asked.body)
		require.NotNil(t, id)
		require.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/challenges/"+id[1], object{"response": "000000"}).code())
	}
	asked := b.submit(b.show("/mfa/verify"), "send", nil)
	got := b.submit(asked.body, "verify", url.Values{"code": {f.last(t).code}})
	assert.Equal(t, http.StatusTooManyRequests, got.status, "the right one, too")
	assert.Contains(t, text(t, got.body, "alert"), "Too many attempts.")
	assert.Equal(t, http.StatusTooManyRequests, b.press(f.last(t).path(t)).status, "and the link")
	// Signing in has a budget of its own.
	assert.Equal(t, http.StatusOK, a.newBrowser().signIn(f, "ann").status)
	assert.NotEmpty(t, a.eventsOf(mfa.EventLocked))
}
