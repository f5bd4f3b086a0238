package notice_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/notice"
	"github.com/go-mfa/mfa/otpdelivery"
)

var (
	update    = flag.Bool("update", false, "write testdata anew; read it before committing it")
	languages = []string{"en", "de", "fr", "es", "pt", "ja"}
)

// texts are one event for each text that there is.
func texts() []mfa.Event {
	var events []mfa.Event
	for _, e := range []mfa.Event{
		{Kind: mfa.EventEnrolled, Method: "totp", Name: "Pixel"},
		{Kind: mfa.EventEnrolled, Method: "lookup_secret"},
		{Kind: mfa.EventRemoved, Method: "webauthn"},
		{Kind: mfa.EventRemoved, Method: "email", Name: "a•••@e•••.com"},
		{Kind: mfa.EventReset, Method: "sms", Name: "••• 00"},
		{Kind: mfa.EventVerified, Method: "lookup_secret"},
		{Kind: mfa.EventLowCodes, Method: "lookup_secret", Reason: "3 of 12 codes left"},
		{Kind: mfa.EventLowCodes, Method: "lookup_secret", Reason: "1 of 12 codes left"},
		{Kind: mfa.EventLowCodes, Method: "lookup_secret", Reason: "0 of 12 codes left"},
		{Kind: mfa.EventLocked, Method: "totp", Role: mfa.RoleSecond},
		{Kind: mfa.EventLocked, Method: "email", Role: mfa.RoleFirst},
		{Kind: mfa.EventSuspicious, Method: "sms"},
		{Kind: mfa.EventContactChanged, Channel: factor.EmailChannel(alice.Email)},
		{Kind: mfa.EventContactChanged, Channel: factor.PhoneChannel(alice.Phone)},
		{Kind: mfa.EventContactChanged},
	} {
		e.UserID, e.Time = alice.ID, at
		events = append(events, e)
	}
	return events
}

// What testdata says is what people read.
func TestTextsInEveryLanguage(t *testing.T) {
	for _, language := range languages {
		var all strings.Builder
		u := alice
		u.Locale, u.DisplayName = language, "Alice Ä"
		n, box, _ := newNotices(t, u, nil)
		for _, e := range texts() {
			n.OnEvent(t.Context(), e)
			sent := box.take()
			require.Len(t, sent, 1)
			m := sent[0]
			assert.Equal(t, language, m.Locale)
			assert.Contains(t, m.HTML, `<html lang="`+language+`">`)
			for line := range strings.Lines(m.Text) {
				assert.Contains(t, m.HTML, strings.TrimSuffix(line, "\n"), "HTML and text say the same")
			}
			fmt.Fprintf(&all, "### %s\n\nSubject: %s\n\n%s\n", strings.TrimSpace(string(e.Kind)+" "+m.Fields.Method), m.Subject, m.Text)
		}
		compare(t, language+".txt", all.String())
	}
	compare(t, "enrolled.html", about(t, alice, texts()[0], nil).HTML)
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(got), 0o600))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "%s: -update writes it anew", name)
}

// Mails of codes and notices look alike.
func TestLayoutIsThatOfCodes(t *testing.T) {
	own, err := fs.ReadFile(notice.Templates(), "layout.html")
	require.NoError(t, err)
	other, err := fs.ReadFile(otpdelivery.Templates(), "layout.html")
	require.NoError(t, err)
	assert.Equal(t, string(other), string(own))
}

func TestLocales(t *testing.T) {
	for locale, want := range map[string]string{
		"de-AT": "de", "DE": "de", "pt-BR": "pt", "": "fr", "nl": "en", "../de": "en", "de\x00": "en", strings.Repeat("de-", 4000): "en",
	} {
		u := alice
		u.Locale = locale
		assert.Equal(t, want, about(t, u, texts()[0], func(c *notice.Config) { c.Locale = "fr" }).Locale, "%.20q", locale)
	}
}

func TestMethodsThatHaveNoWord(t *testing.T) {
	m := about(t, alice, mfa.Event{Kind: mfa.EventEnrolled, UserID: alice.ID, Method: "yubi_otp", Time: at}, nil)
	assert.Contains(t, m.Text, "Method: yubi_otp\n")
}

// F09: what users call themselves and their factors is text: it starts no
// header, no line, no element, no template.
func TestF09_HostileNamesAreInert(t *testing.T) {
	enrolled := texts()[0]
	clean := about(t, alice, enrolled, nil)
	for _, name := range []string{
		"<img src=x onerror=alert(1)>", "{{.Method}}", `{{template "subject"}}`, "a\r\nBcc: b@example.com", "a\n\nb", "\u202egnp.exe",
		"a\x00b", "https://evil.example/", "'\"`&</p><script>", strings.Repeat("long ", 1000), "\xff\xfeb", "\u2066a\u2069\u200f",
	} {
		u, e := alice, enrolled
		u.DisplayName, e.Name = name, name
		m := about(t, u, e, func(c *notice.Config) { c.App = "App" + name })
		assert.NotContains(t, m.Subject, "\n")
		assert.Equal(t, strings.Count(clean.Text, "\n"), strings.Count(m.Text, "\n"), "%q", name)
		assert.Equal(t, strings.Count(clean.HTML, "<"), strings.Count(m.HTML, "<"), "%q", name)
		assert.NotContains(t, m.HTML, "href")
		for _, text := range []string{m.Subject, m.Text, m.HTML} {
			assert.False(t, strings.ContainsAny(text, "\r\x00\u202e\u2066\u2069\u200f"), "%q", name)
			assert.NotContains(t, text, "authenticator appauthenticator")
		}
		assert.LessOrEqual(t, len([]rune(m.Subject)), 64+len("New sign-in method for your  account"))
		if strings.HasPrefix(name, "{{") {
			assert.Contains(t, m.Text, "“"+name+"”", "values are never templates")
			assert.Contains(t, m.Subject, "App"+name)
		}
	}
}

func TestTemplatesCanBeReplaced(t *testing.T) {
	own := fstest.MapFS{
		"de/enrolled.txt":   {Data: []byte(`{{define "subject"}}Moin{{end}}{{define "text"}}{{template "facts" .}}{{end}}`)},
		"en/shared.txt":     {Data: []byte(`{{define "hello"}}Dear {{.Name}},` + "\n\n" + `{{end}}{{define "facts"}}F{{end}}{{define "ok"}}O{{end}}{{define "stranger"}}S{{end}}{{define "help"}}H{{end}}{{define "time"}}T{{end}}`)},
		"layout.html":       {Data: []byte(`<b>{{range .Paragraphs}}{{range .Lines}}{{.}}{{end}}{{end}}</b>`)},
		"templates.md":      {Data: []byte("no folder")},
		"de/sign_in.txt":    {Data: []byte("of codes, which may be in the same folder")},
		"pt-BR/unknown.txt": {},
	}
	require.NoError(t, fs.WalkDir(notice.Templates(), "pt", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(notice.Templates(), path)
		own["pt-BR/"+d.Name()] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(b), "remova", "REMOVA"))}
		return err
	}))
	replace := func(c *notice.Config) { c.Templates = own }
	in := func(locale string) otpdelivery.Message {
		u := alice
		u.Locale = locale
		return about(t, u, texts()[0], replace)
	}
	m := in("de")
	assert.Equal(t, "Moin", m.Subject)
	assert.Equal(t, "Verfahren: Authenticator-App „Pixel“\nZeit: 26.11.2026, 08:05 UTC\n", m.Text, "with what is shared in German")
	assert.Equal(t, "<b>Verfahren: Authenticator-App „Pixel“Zeit: 26.11.2026, 08:05 UTC</b>", m.HTML)
	assert.True(t, strings.HasPrefix(in("en").Text, "Dear Alice,\n\n"))
	assert.Contains(t, in("pt-BR").Text, "REMOVA")
	assert.NotContains(t, in("pt").Text, "REMOVA")

	delete(own, "pt-BR/locked.txt")
	_, err := notice.New(notice.Config{App: "Example", Sender: &outbox{}, User: userOf(alice), Templates: own})
	require.ErrorContains(t, err, "pt-BR/locked.txt", "a language is complete")
	for _, broken := range []string{
		"{{", `{{define "subject"}}{{if eq .Method "sms"}}{{.Nope}}{{end}}{{end}}{{define "text"}}{{end}}`,
		`{{define "subject"}}{{.Code.X}}{{end}}{{define "text"}}{{end}}`, `{{define "subject"}}{{end}}`,
	} {
		_, err := notice.New(notice.Config{
			App: "Example", Sender: &outbox{}, User: userOf(alice), Templates: fstest.MapFS{"fr/reset.txt": {Data: []byte(broken)}},
		})
		require.ErrorContains(t, err, "notice: Config.Templates: ")
		require.ErrorContains(t, err, "fr/reset.txt")
	}
}
