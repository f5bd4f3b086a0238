package mfahttp_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The page that asks for a code is one that can be left, come back to and loaded
// again: nothing is sent by that, and the code still works.
func TestPages_AskingForACodeCanBeComeBackTo(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	for _, c := range []struct{ page, form, confirm string }{
		{"/mfa/signin?return_to=/home", "signin", "signin-code"},
		{"/mfa/enroll/email?return_to=/home", "email-begin", "email-confirm"},
		{"/mfa/verify?method=email&return_to=/home", "send", "verify"},
	} {
		page := b.show(c.page)
		action, fields := formOf(t, page, c.form)
		if fields.Has("username") {
			fields.Set("username", "ann")
		}
		if fields.Has("address") {
			fields.Set("address", "ann@inbox.example")
		}
		got := b.send(http.MethodPost, action, fields.Encode(), formHeader)
		require.Equal(t, http.StatusSeeOther, got.status, got.body)
		to := got.header.Get("Location")
		assert.Contains(t, to, "return_to=%2Fhome")
		assert.Contains(t, to, "sent=first")
		n := f.sent()
		asked := b.show(to)
		b.show("/mfa/assets/mfa.css")
		assert.Equal(t, asked, b.show(to), "loaded again")
		assert.NotContains(t, b.show(strings.Replace(to, "sent=first", "", 1)), `name="code"`, "who comes anew is not asked for it")
		assert.NotContains(t, a.newBrowser().open(to).body, `name="code"`, "in another browser neither")

		a.clock.Advance(31 * time.Second)
		again := b.submit(asked, "resend", nil)
		require.Equal(t, http.StatusOK, again.status)
		assert.Contains(t, text(t, again.body, "notice"), "another code")
		assert.Equal(t, n+1, f.sent())
		requireSeeOther(t, b.submit(again.body, c.confirm, url.Values{"code": {f.last(t).code}}), map[bool]string{
			true: "/mfa/recovery-codes?return_to=%2Fhome", false: "/home",
		}[c.form == "email-begin"])
		assert.Empty(t, b.cookie("mfa_sent"), "the cookie is taken away")
		a.clock.Advance(time.Minute)
	}
}

// N01: nor does the answer that leads there say whether anybody has the name.
func TestN01_BeginningASignInLeadsEverybodyToOnePage(t *testing.T) {
	look := func(name string) string {
		a := newApp(t, byMail)
		got := a.newBrowser().send(http.MethodPost, "/mfa/signin", "method=email&username="+name, formHeader)
		require.Equal(t, http.StatusSeeOther, got.status)
		cookies := got.header.Values("Set-Cookie")
		require.Len(t, cookies, 2)
		for i, c := range cookies {
			name, value, _ := strings.Cut(c, "=")
			value, attributes, _ := strings.Cut(value, ";")
			cookies[i] = name + strings.Repeat("•", len(value)) + attributes
		}
		got.header.Del("Date")
		return looks(got)
	}
	assert.Equal(t, look("ann"), look("nobody"))
}

// What is in the cookie is shown, and opens nothing.
func FuzzSentCookie(f *testing.F) {
	for _, value := range []string{"", "{}", `{"purpose":"sign_in","id":"AAAAAAAAAAAAAAAAAAAAAA"}`, `{"purpose":"sign_in","id":"\"><script>"}`, `{"purpose":"verify","id":"x","method":"email"}`, "null", "[1]"} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		a := newApp(t, byMail)
		header := http.Header{"Cookie": {"mfa_sent=" + base64.RawURLEncoding.EncodeToString(value)}}
		got := a.newBrowser().send(http.MethodGet, "/mfa/signin?sent=first", "", header)
		assert.Equal(t, http.StatusOK, got.status)
		assert.NotContains(t, got.body, "<script>")
		assert.Equal(t, 1, strings.Count(got.body, "<script"))
	})
}
