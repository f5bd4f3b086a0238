package mfahttp_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const someLink = "/mfa/link/sign_in.AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBB"

// forms are all of them, with what they need to be read.
func forms(id string) map[string]string {
	return map[string]string{
		"/mfa/credentials/" + id + "/rename": "name=other",
		"/mfa/credentials/" + id + "/remove": "",
		"/mfa/enroll/totp":                   "name=x",
		"/mfa/enroll/totp/confirm":           "id=x&code=123456",
		"/mfa/verify":                        "method=totp&code=123456",
		"/mfa/recovery-codes":                "",
		"/mfa/recovery-codes/confirm":        "id=x",
		"/mfa/cancel":                        "",
		"/mfa/enroll/email":                  "address=x@example.test",
		"/mfa/enroll/email/confirm":          "id=x&code=123456",
		"/mfa/enroll/email/resend":           "id=x",
		"/mfa/verify/send":                   "method=email",
		"/mfa/verify/resend":                 "method=email&id=x",
		"/mfa/signin":                        "method=email&username=ann",
		"/mfa/signin/code":                   "id=x&code=123456",
		"/mfa/signin/resend":                 "id=x",
		someLink:                             "",
	}
}

func TestC07_FormsWithoutAnOriginAreRefused(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ann")
	b.enrollTOTP()
	id := credentialID(t, b.show("/mfa/"))
	writes, saves := a.store.written(), a.session.saved()
	for path, body := range forms(id) {
		for name, header := range map[string]http.Header{
			"neither header":           {},
			"another site":             {"Sec-Fetch-Site": {"cross-site"}},
			"a sibling":                {"Sec-Fetch-Site": {"same-site"}},
			"another origin":           {"Origin": {"https://evil.test"}},
			"a sandboxed page":         {"Origin": {"null"}},
			"own origin, another site": {"Origin": {a.server.URL}, "Sec-Fetch-Site": {"cross-site"}},
		} {
			header.Set("Content-Type", "application/x-www-form-urlencoded")
			got := b.send(http.MethodPost, path, body, header)
			assert.Equal(t, http.StatusForbidden, got.status, "%s with %s", path, name)
		}
	}
	assert.Equal(t, writes, a.store.written())
	assert.Equal(t, saves, a.session.saved())

	// An older browser sends Origin alone.
	got := b.send(http.MethodPost, "/mfa/credentials/"+id+"/rename", "name=other", http.Header{
		"Origin": {a.server.URL}, "Content-Type": {"application/x-www-form-urlencoded"},
	})
	requireSeeOther(t, got, "/mfa/?done=renamed")
}

func TestM02_FormsAreForms(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ann")
	b.enrollTOTP()
	id := credentialID(t, b.show("/mfa/"))
	writes := a.store.written()
	for path := range forms(id) {
		for _, c := range []struct {
			contentType, body string
			status            int
		}{
			{"", "name=x", http.StatusUnsupportedMediaType},
			{"application/json", `{"name":"x"}`, http.StatusUnsupportedMediaType},
			{"text/plain", "name=x", http.StatusUnsupportedMediaType},
			{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nx\r\n--b--\r\n", http.StatusUnsupportedMediaType},
			{"application/x-www-form-urlencoded", "code=1&code=2", http.StatusBadRequest},
			{"application/x-www-form-urlencoded", "code=%zz", http.StatusBadRequest},
			{"application/x-www-form-urlencoded", "name=" + strings.Repeat("x", 64<<10), http.StatusRequestEntityTooLarge},
		} {
			header := http.Header{"Sec-Fetch-Site": {"same-origin"}}
			if c.contentType != "" {
				header.Set("Content-Type", c.contentType)
			}
			got := b.send(http.MethodPost, path, c.body, header)
			assert.Equal(t, c.status, got.status, "%s %s %.20s", path, c.contentType, c.body)
		}
	}
	assert.Equal(t, writes, a.store.written())
}

// Parameters of the URL are no part of a form.
func TestC13_FormsIgnoreTheURL(t *testing.T) {
	a := newApp(t)
	p := a.newBrowser().login("ann").enrollTOTP()
	b := a.newBrowser().login("ann")
	got := b.send(http.MethodPost, "/mfa/verify?method=totp&return_to=/home&code="+p.next(), "", formHeader)
	assert.NotEqual(t, http.StatusSeeOther, got.status)
	assert.False(t, b.session().Active)
}

var hostile = []string{
	"", "/", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "\\/evil.test", "https://evil.test", "http:evil.test", "https:/evil.test",
	"javascript:alert(1)", "data:text/html,x", "/\t/evil.test", "/\n/evil.test", "\t//evil.test", " //evil.test", "//evil.test/%2f..", "/%2fevil.test",
	"/%5cevil.test", "/%252fevil.test", "/.//evil.test", "/..//evil.test", "/a/..//evil.test", "//user@evil.test", "/@evil.test", "@evil.test",
	".evil.test", "evil.test", "?x", "#x", "/home#//evil.test", "/home?x=//evil.test", "/;//evil.test", "/\x00/evil.test", "/\u2028/evil.test", "/%0d%0aSet-Cookie:x=1",
	"/home\r\nSet-Cookie: x=1", "//[::1]", "//evil.test:80", "/home%", "/%09/evil.test", strings.Repeat("/", 3000),
}

// requireOwnHost requires that a Location stays on the host, as a browser
// reads it: control characters dropped, backslashes as slashes.
func requireOwnHost(t *testing.T, base, location string) {
	t.Helper()
	read := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(strings.TrimSpace(location))
	from, err := url.Parse(base)
	require.NoError(t, err)
	to, err := from.Parse(read)
	require.NoError(t, err, location)
	require.Equal(t, from.Host, to.Host, location)
	require.Equal(t, from.Scheme, to.Scheme, location)
}

func TestC10_ReturnToStaysOnThisHost(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ann")
	p := b.enrollTOTP()
	for _, to := range append(hostile, "/home?x=1") {
		got := b.send(http.MethodPost, "/mfa/verify", url.Values{"method": {"totp"}, "code": {p.next()}, "return_to": {to}}.Encode(), formHeader)
		require.Equal(t, http.StatusSeeOther, got.status, "%q: %s", to, got.body)
		requireOwnHost(t, a.server.URL, got.header.Get("Location"))
		for _, page := range []string{"/mfa/", "/mfa/verify", "/mfa/verify?method=lookup_secret", "/mfa/enroll/totp", "/mfa/enroll/webauthn", "/mfa/recovery-codes"} {
			sep := "?"
			if strings.Contains(page, "?") {
				sep = "&"
			}
			body := b.show(page + sep + "return_to=" + url.QueryEscape(to))
			for _, link := range linksOn(body) {
				requireOwnHost(t, a.server.URL, link)
			}
		}
	}
}

func FuzzC10_ReturnTo(f *testing.F) {
	for _, to := range hostile {
		f.Add(to)
	}
	f.Fuzz(func(t *testing.T, to string) {
		a := newApp(t)
		b := a.newBrowser().login("ann")
		p := b.enrollTOTP()
		got := b.send(http.MethodPost, "/mfa/verify", url.Values{"method": {"totp"}, "code": {p.next()}, "return_to": {to}}.Encode(), formHeader)
		require.Equal(t, http.StatusSeeOther, got.status, got.body)
		requireOwnHost(t, a.server.URL, got.header.Get("Location"))
	})
}

var linkAttr = regexp.MustCompile(`(?:href|action|data-next|data-codes)="([^"]*)"`)

func linksOn(page string) []string {
	var links []string
	for _, found := range linkAttr.FindAllStringSubmatch(page, -1) {
		links = append(links, html.UnescapeString(found[1]))
	}
	return links
}
