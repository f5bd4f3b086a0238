package mfahttp_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfahttp"
)

func overlay(files map[string]string) fs.FS {
	fsys := fstest.MapFS{}
	for name, source := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(source)}
	}
	return fsys
}

func withTemplates(fsys fs.FS) setup {
	return setup{handler: func(c *mfahttp.Config) { c.Templates = fsys }}
}

func TestTemplates_LaidOverFileByFile(t *testing.T) {
	a := newApp(t, withTemplates(overlay(map[string]string{
		"layout.html": `<title>{{.Title}}</title><nav>our own chrome</nav>{{with .Alert}}<p id="alert">{{.}}</p>{{end}}{{template "content" .}}`,
		"verify.html": `{{define "content"}}<form method="post" action="{{.Prefix}}/verify" id="verify"><input type="hidden" name="method" value="{{.Method}}">
			<input type="hidden" name="return_to" value="{{.ReturnTo}}"><input name="code"></form>{{.AlertCode}}{{end}}`,
	})))
	b := a.newBrowser().login("ann")
	page := b.show("/mfa/")
	assert.Contains(t, page, "our own chrome")
	assert.Contains(t, page, `id="add-totp"`, "the rest is ours")
	p, _ := b.enrollByForms("phone")
	page = b.show("/mfa/verify?return_to=/home")
	got := b.submit(page, "verify", url.Values{"code": {p.wrong()}})
	assert.Contains(t, got.body, "</form>rejected")
	requireSeeOther(t, b.submit(page, "verify", url.Values{"code": {p.next()}}), "/home")
}

func TestNew_FindsMistakesInTemplates(t *testing.T) {
	m := newApp(t).m
	for name, c := range map[string]struct {
		templates fs.FS
		want      string
	}{
		"does not parse":  {overlay(map[string]string{"verify.html": `{{define "content"}}{{if}}{{end}}`}), "template verify.html cannot be parsed: mend it in Config.Templates"},
		"layout":          {overlay(map[string]string{"layout.html": `{{template "content" .}`}), "cannot be parsed: mend it in Config.Templates"},
		"no such field":   {overlay(map[string]string{"overview.html": `{{define "content"}}{{.Metods}}{{end}}`}), "template overview.html cannot show a *mfahttp.OverviewPage: mend it in Config.Templates"},
		"in a branch":     {overlay(map[string]string{"enroll.html": `{{define "content"}}{{with .TOTP}}{{.Sekret}}{{end}}{{end}}`}), "template enroll.html cannot show a *mfahttp.EnrollPage"},
		"no content":      {overlay(map[string]string{"error.html": `<p>{{.BackURL}}</p>`}), "template error.html cannot show"},
		"unsafe context":  {overlay(map[string]string{"error.html": `{{define "content"}}<a href="{{.BackURL}}>{{end}}`}), "template error.html cannot show"},
		"no page has it":  {overlay(map[string]string{"verfiy.html": "", "notes.txt": ""}), `Config.Templates has a file "verfiy.html", which no page uses: name it as one of enroll.html, error.html, layout.html,`},
		"not the folder":  {overlay(map[string]string{"mfa/layout.html": ""}), `Config.Templates has a file "mfa/layout.html", which no page uses: give the folder that it is in, with fs.Sub`},
		"cannot be read":  {unreadable{}, "template layout.html cannot be read from Config.Templates: no permission"},
		"cannot be found": {unlistable{}, "Config.Templates cannot be listed: no permission"},
	} {
		_, err := mfahttp.New(m, mfahttp.Config{Templates: c.templates})
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), c.want, name)
		assert.Regexp(t, `^mfahttp: `, err.Error(), name)
	}
	for _, fine := range []fs.FS{overlay(nil), overlay(map[string]string{"mail/welcome.html": "", "notes.txt": ""})} {
		_, err := mfahttp.New(m, mfahttp.Config{Templates: fine})
		require.NoError(t, err)
	}
}

type unreadable struct{}

func (unreadable) Open(name string) (fs.File, error) {
	if name == "." {
		return overlay(nil).Open(".")
	}
	return nil, errors.New("no permission")
}

type unlistable struct{}

func (unlistable) Open(string) (fs.File, error) { return nil, fs.ErrInvalid }

func (unlistable) Glob(string) ([]string, error) { return nil, errors.New("no permission") }

// What New could not foresee is a 503 and no half of a page.
func TestTemplates_FailingLater(t *testing.T) {
	a := newApp(t, withTemplates(overlay(map[string]string{
		"overview.html": `{{define "content"}}half a page{{if eq .ReturnTo "/boom"}}{{index .Methods 77}}{{end}}{{end}}`,
	})))
	b := a.newBrowser().login("ann")
	assert.Contains(t, b.show("/mfa/"), "half a page")
	got := b.open("/mfa/?return_to=/boom")
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.NotContains(t, got.body, "half a page")
	assert.Contains(t, a.logs.String(), "template overview.html")
}

// A layout tells those who are signed in from those whose sign-in waits.
func TestTemplates_KnowWhoIsSignedIn(t *testing.T) {
	a := newApp(t, withTemplates(overlay(map[string]string{
		"layout.html": `{{if .Active}}signed in{{else}}waiting{{end}}{{template "content" .}}`,
	})), setup{manager: func(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL2} }})
	waiting := a.newBrowser().login("ann")
	shown := waiting.submit(waiting.show("/mfa/enroll/totp"), "totp-begin", nil)
	for _, got := range []reply{
		shown,
		waiting.submit(shown.body, "totp-confirm", url.Values{"code": {"12345"}}),
		waiting.open("/mfa/nowhere"),
	} {
		assert.Regexp(t, `^waiting`, got.body)
	}
	signedIn := a.newBrowser().login("bob")
	signedIn.enrollByForms("phone")
	shown = signedIn.submit(signedIn.show("/mfa/enroll/totp"), "totp-begin", nil)
	for _, got := range []reply{
		shown,
		signedIn.submit(shown.body, "totp-confirm", url.Values{"code": {"12345"}}),
		signedIn.open("/mfa/nowhere"),
	} {
		assert.Regexp(t, `^signed in`, got.body)
	}
}

func TestPages_OfAnAppWithoutAName(t *testing.T) {
	a := newApp(t, setup{handler: func(c *mfahttp.Config) { c.AppName = "" }})
	assert.Contains(t, a.newBrowser().login("ann").show("/mfa/"), `<a href="/">this site</a>`, "a link has a text")
}

func TestPages_UnderAnotherPrefix(t *testing.T) {
	a := newApp(t, setup{handler: func(c *mfahttp.Config) { c.Prefix, c.HomeURL, c.AppName = "/account/security", "/start", "A & B" }})
	b := a.newBrowser().login("ann")
	page := b.show("/account/security/")
	assert.Contains(t, page, `href="/account/security/enroll/totp"`)
	assert.Contains(t, page, `src="/account/security/assets/mfa.js"`)
	assert.Contains(t, page, `<a href="/start">A &amp; B</a>`)
	shown := b.submit(b.show("/account/security/enroll/totp"), "totp-begin", nil)
	assert.Equal(t, http.StatusOK, shown.status)
}
