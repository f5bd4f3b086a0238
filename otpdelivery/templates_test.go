package otpdelivery

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

var (
	update    = flag.Bool("update", false, "write testdata anew; read it before committing it")
	languages = []string{"en", "de", "fr", "es", "pt", "ja"}
)

// written returns what is sent to a user for a purpose.
func written(t *testing.T, f *Factor, purpose factor.Purpose, u factor.User) Message {
	t.Helper()
	o, ok := f.cfg.Sender.(*outbox)
	require.True(t, ok)
	r := request(purpose, u)
	var (
		step factor.Step
		err  error
	)
	if purpose == factor.PurposeEnroll {
		r.Params = map[string]string{"address": "+15555550100"}
		if f.channel == Email {
			r.Params = map[string]string{"address": "alice@work.example"}
		}
		step, err = f.BeginEnroll(t.Context(), r)
	} else {
		step, err = f.BeginVerify(t.Context(), r)
	}
	require.NoError(t, err)
	require.NoError(t, step.Deliver(t.Context()))
	return o.last(t)
}

var purposes = []factor.Purpose{factor.PurposeEnroll, factor.PurposeVerify, factor.PurposeSignIn}

// What testdata says is what people read.
func TestTextsInEveryLanguage(t *testing.T) {
	mail := newTestEmail(t, &outbox{}, func(c *Config) { c.Links, c.UseVerifiedContact = true, true })
	sms := newTestSMS(t, &outbox{}, func(c *Config) { c.UseVerifiedContact = true })
	read := func(f *Factor, purpose factor.Purpose, language string) Message {
		u := alice
		u.Locale, u.DisplayName = language, "Alice Ä"
		m := written(t, f, purpose, u)
		secrets := []string{m.Fields.Code, "123456"}
		if m.Fields.Link != "" {
			secrets = append(secrets, m.Fields.Link, "https://example.com/mfa/link/…")
		}
		constant := strings.NewReplacer(secrets...)
		m.Text, m.HTML = constant.Replace(m.Text), constant.Replace(m.HTML)
		return m
	}
	for _, language := range languages {
		var all strings.Builder
		for _, purpose := range purposes {
			m := read(mail, purpose, language)
			fmt.Fprintf(&all, "### %s by e-mail\n\nSubject: %s\n\n%s\n", purpose, m.Subject, m.Text)
			fmt.Fprintf(&all, "### %s by SMS\n\n%s\n\n", purpose, read(sms, purpose, language).Text)
		}
		compare(t, language+".txt", all.String())
	}
	compare(t, "sign_in.html", read(mail, factor.PurposeSignIn, "en").HTML)
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

func TestMailsInEveryLanguage(t *testing.T) {
	f := newTestEmail(t, &outbox{}, func(c *Config) { c.Links, c.UseVerifiedContact = true, true })
	seen := map[string]bool{}
	for _, language := range languages {
		for _, purpose := range purposes {
			u := alice
			u.Locale, u.DisplayName = language, "Alice Ä"
			m := written(t, f, purpose, u)
			assert.Equal(t, language, m.Locale)
			assert.Regexp(t, `(?m)^\d{6}$`, m.Text, "the code alone in its line")
			assert.Regexp(t, `(?m)^https://example\.com/mfa/link/`+string(purpose)+`\.ceremony\.[\w-]{22}$`, m.Text)
			assert.Equal(t, purpose != factor.PurposeEnroll, strings.Contains(m.Text, "Alice Ä"), "strangers are sent nothing that the user chose")
			assert.Contains(t, m.Text, "10")
			assert.Contains(t, m.Subject, "Example")
			assert.NotContains(t, m.Subject, m.Fields.Code, "subjects are logged by mail servers")
			assert.Contains(t, m.HTML, ">"+m.Fields.Code+"</p>")
			assert.Contains(t, m.HTML, `<a href="`+m.Fields.Link+`">`)
			assert.Contains(t, m.HTML, `<html lang="`+language+`">`)
			assert.NotContains(t, m.Text, "\n\n\n")
			assert.False(t, seen[m.Subject+strings.ReplaceAll(m.Text, m.Fields.Code, "")], "every text is another one")
			seen[m.Subject+strings.ReplaceAll(m.Text, m.Fields.Code, "")] = true
		}
	}
}

func TestSMSInEveryLanguage(t *testing.T) {
	f := newTestSMS(t, &outbox{}, func(c *Config) { c.UseVerifiedContact = true })
	long := newTestSMS(t, &outbox{}, func(c *Config) {
		c.UseVerifiedContact, c.Digits = true, 8
		c.App, c.BaseURL = "The Extraordinarily Long Name of an App that Goes On", "https://accounts.subdomain.of.an-example-company.example/mfa"
	})
	tooLong := newTestSMS(t, &outbox{}, func(c *Config) {
		c.UseVerifiedContact, c.BaseURL = true, "https://"+strings.Repeat("a", 60)+"."+strings.Repeat("b", 60)+".example/mfa"
	})
	for _, language := range languages {
		for _, purpose := range purposes {
			u := alice
			u.Locale = language
			for _, f := range []*Factor{f, long, tooLong} {
				m := written(t, f, purpose, u)
				assert.LessOrEqual(t, len(utf16.Encode([]rune(m.Text))), 140, m.Text)
				assert.True(t, strings.HasPrefix(m.Text, m.Fields.Code), m.Text)
				assert.Equal(t, f != tooLong, strings.HasSuffix(m.Text, "\n@"+f.host+" #"+m.Fields.Code), m.Text)
				assert.Empty(t, m.HTML+m.Subject)
			}
		}
	}
}

func TestLocales(t *testing.T) {
	f := newTestEmail(t, &outbox{}, func(c *Config) { c.UseVerifiedContact, c.Locale = true, "fr" })
	for locale, want := range map[string]string{
		"de-AT": "de", "DE": "de", "pt-BR": "pt", "ja-JP-u-ca-japanese": "ja", "": "fr", "nl": "en", "x": "en",
		"../de": "en", "de/../fr": "en", "de\x00": "en", strings.Repeat("de-", 4000): "en",
	} {
		u := alice
		u.Locale = locale
		assert.Equal(t, want, written(t, f, factor.PurposeVerify, u).Locale, "%.20q", locale)
	}
}

// F09: what users call themselves is text: it starts no header, no line, no
// element, no template.
func TestF09_HostileNamesAreInert(t *testing.T) {
	f := newTestEmail(t, &outbox{}, func(c *Config) { c.UseVerifiedContact, c.Links = true, true })
	clean := alice
	clean.DisplayName = "Alice"
	want := written(t, f, factor.PurposeVerify, clean)
	for _, name := range []string{
		"<img src=x onerror=alert(1)>", "{{.Code}}", `{{template "subject"}}`, "a\r\nBcc: b@example.com", "a\n\n999999\n\nb",
		"\u202egnp.exe", "a\x00b", "https://evil.example/", "'\"`&</p><script>", strings.Repeat("long ", 1000), "\xff\xfe",
	} {
		u := alice
		u.DisplayName = name
		m := written(t, f, factor.PurposeVerify, u)
		assert.Equal(t, want.Subject, m.Subject)
		assert.Equal(t, strings.Count(want.Text, "\n"), strings.Count(m.Text, "\n"), "%q", name)
		assert.NotContains(t, m.Text, "\r")
		assert.NotContains(t, m.Text, "\u202e")
		assert.NotContains(t, m.HTML, "<img")
		assert.NotContains(t, m.HTML, "<script")
		assert.Equal(t, strings.Count(want.HTML, "<"), strings.Count(m.HTML, "<"), "%q", name)
		assert.NotContains(t, m.HTML, `href="https://evil`)
		assert.Equal(t, 1, strings.Count(m.Text, m.Fields.Code), "%q", name)
		assert.LessOrEqual(t, len([]rune(m.Fields.Name)), 64)
	}
}

func TestTemplatesCanBeReplaced(t *testing.T) {
	own := fstest.MapFS{
		"de/verify.txt": {Data: []byte(`{{define "subject"}}Moin{{end}}{{define "text"}}Code: {{.Code}}{{end}}`)},
		"layout.html":   {Data: []byte(`<b>{{range .Paragraphs}}{{range .Lines}}{{.}}{{end}}{{end}}</b>`)},
	}
	for _, purpose := range []string{"enroll", "verify", "sign_in"} {
		b, err := fs.ReadFile(Templates(), "pt/"+purpose+".txt")
		require.NoError(t, err)
		own["pt-BR/"+purpose+".txt"] = &fstest.MapFile{Data: regexp.MustCompile("senha").ReplaceAll(b, []byte("SENHA"))}
	}
	f := newTestEmail(t, &outbox{}, func(c *Config) { c.UseVerifiedContact, c.Templates = true, own })
	u := alice
	u.Locale = "de"
	m := written(t, f, factor.PurposeVerify, u)
	assert.Equal(t, "Moin", m.Subject)
	assert.Equal(t, "Code: "+m.Fields.Code+"\n", m.Text)
	assert.Equal(t, "<b>Code: "+m.Fields.Code+"</b>", m.HTML)
	u.Locale = "pt-BR"
	assert.Contains(t, written(t, f, factor.PurposeVerify, u).Text, "SENHA")
	u.Locale = "pt-PT"
	assert.NotContains(t, written(t, f, factor.PurposeVerify, u).Text, "SENHA")
	assert.Equal(t, "en", written(t, f, factor.PurposeSignIn, alice).Locale)
}
