package mfahttp_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestE07_CodesAreShownOnce(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	b.enrollByForms("phone")
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
	assert.Contains(t, text(t, got.body, "alert"), "confirmed before", "a form sent twice is no reason to throw the codes away")
	everything := b.crawl() + got.body
	for _, code := range append(old, fresh...) {
		assert.NotContains(t, everything, code)
	}
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
		"/mfa/signin", "/mfa/signin/code", "/mfa/signin/resend", "/mfa/enroll/email", "/mfa/enroll/email/resend", "/mfa/verify/send", "/mfa/verify/resend", someLink,
		"/mfa/recovery-codes", "/mfa/recovery-codes/confirm", "/mfa/api/session", "/mfa/api/methods", "/mfa/api/credentials", "/mfa/api/enrollments",
	} {
		all.WriteString(b.open(path).body)
	}
	return all.String()
}

func TestC06_OpeningPagesChangesNothing(t *testing.T) {
	a := newApp(t, byMail)
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
