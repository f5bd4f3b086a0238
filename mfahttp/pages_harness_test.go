package mfahttp_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
// a browser without scripts does: its hidden fields, what was typed, and the
// first button.
func (b *browser) submit(page, form string, typed url.Values) reply {
	b.a.t.Helper()
	action, fields := formOf(b.a.t, page, form)
	for name, values := range typed {
		require.Contains(b.a.t, fields, name, "the form has no such field")
		fields[name] = values
	}
	got := b.send(http.MethodPost, action, fields.Encode(), formHeader)
	if to := got.header.Get("Location"); got.status == http.StatusSeeOther && strings.Contains(to, "sent=") {
		return b.open(to) // to where the code is asked for
	}
	return got
}

var (
	inputTag = regexp.MustCompile(`<input [^>]*>`)
	nameAttr = regexp.MustCompile(` name="([^"]*)"`)
	// submitButton is the first one: what the Enter key presses.
	submitButton = regexp.MustCompile(`<button type="submit" name="([^"]*)" value="([^"]*)"`)
	valueAttr    = regexp.MustCompile(` value="([^"]*)"`)
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
	if button := submitButton.FindStringSubmatch(tag[2]); button != nil {
		fields.Set(button[1], html.UnescapeString(button[2]))
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
