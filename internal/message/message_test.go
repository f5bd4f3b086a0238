package message

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func files(change map[string]string) fstest.MapFS {
	f := fstest.MapFS{
		"layout.html": {Data: []byte(`{{range .Paragraphs}}{{if .Link}}<a href="{{.Link}}">{{else}}<p>{{range .Lines}}{{.}}{{end}}{{end}}{{end}}`)},
		"en/hi.txt":   {Data: []byte(`{{define "subject"}}S {{.Name}}{{end}}{{define "text"}}Hi {{.Name}}` + "\n\n{{.Link}}\n" + `{{end}}{{define "sms"}}{{.Name}}{{end}}`)},
	}
	for name, data := range change {
		f[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return f
}

type greeting struct{ Name, Link string }

// An error of a template is found when the set is made, and names the file.
func TestNewRefuses(t *testing.T) {
	for want, over := range map[string]map[string]string{
		"en/hi.txt":                   {"en/hi.txt": "{{define"},
		`en/hi.txt defines no "text"`: {"en/hi.txt": `{{define "subject"}}{{end}}`},
		"can't evaluate field Nope":   {"en/hi.txt": `{{define "subject"}}{{.Nope}}{{end}}{{define "text"}}{{end}}`},
		"layout.html":                 {"layout.html": "{{if}}"},
		"is no language":              {"en us/hi.txt": ""},
		"de/hi.txt":                   {"de/other.txt": ""},
	} {
		_, err := New(files(nil), files(over), []string{"hi"}, greeting{})
		require.ErrorContains(t, err, want)
	}
	_, err := New(fstest.MapFS{"layout.html": {}}, nil, []string{"hi"})
	require.EqualError(t, err, "there is no folder en")
	s, err := New(files(nil), nil, []string{"hi"}, greeting{})
	require.NoError(t, err)
	_, err = s.Mail("bye", "en", greeting{}, "", "")
	require.EqualError(t, err, `message: no template for "bye"`)
}

func TestMail(t *testing.T) {
	s, err := New(files(nil), nil, []string{"hi"}, greeting{})
	require.NoError(t, err)
	m, err := s.Mail("hi", "en", greeting{"A\r\nB", "https://x.example/?a=1&b=2"}, "", "https://x.example/?a=1&b=2")
	require.NoError(t, err)
	assert.Equal(t, "S A B", m.Subject, "a subject is one line")
	assert.Equal(t, "Hi A\nB\n\nhttps://x.example/?a=1&b=2\n", m.Text)
	assert.Equal(t, `<p>Hi AB<a href="https://x.example/?a=1&amp;b=2">`, m.HTML)
	for link, href := range map[string]string{
		"https://x.example/l": `<a href="https://x.example/l">`, "http://localhost:8080/l": `<a href="http://localhost:8080/l">`,
		"http://x.example/l": "<p>http://x.example/l", "javascript:alert(1)": "<p>javascript:alert(1)", "http://[": "<p>http://[",
	} {
		m, err = s.Mail("hi", "en", greeting{"<b>", link}, "", link)
		require.NoError(t, err)
		assert.Equal(t, "<p>Hi &lt;b&gt;"+href, m.HTML, "only https, and http on this machine, is a link")
	}
}

// What the files of a language share can be replaced like any other file.
func TestSharedParts(t *testing.T) {
	own := files(map[string]string{
		"en/shared.txt": `{{define "hello"}}Hello {{.Name}}{{end}}`,
		"en/hi.txt":     `{{define "subject"}}S{{end}}{{define "text"}}{{template "hello" .}}!{{end}}`,
	})
	text := func(over map[string]string, locale string) string {
		s, err := New(own, files(over), []string{"hi"}, greeting{})
		require.NoError(t, err)
		m, err := s.Mail("hi", locale, greeting{Name: "A"}, "", "")
		require.NoError(t, err)
		return m.Text
	}
	hi := string(own["en/hi.txt"].Data)
	assert.Equal(t, "Hello A!\n", text(map[string]string{"en/hi.txt": hi}, "en"))
	over := map[string]string{
		"en/hi.txt": hi, "en/shared.txt": `{{define "hello"}}Dear {{.Name}}{{end}}`,
		"de/hi.txt": hi, "de/shared.txt": `{{define "hello"}}Hallo {{.Name}}{{end}}`,
	}
	assert.Equal(t, "Dear A!\n", text(over, "en"))
	assert.Equal(t, "Hallo A!\n", text(over, "de-AT"))
	_, err := New(own, files(map[string]string{"de/hi.txt": hi}), []string{"hi"}, greeting{})
	require.ErrorContains(t, err, `de/hi.txt:1:`, "another language shares nothing with English")
	_, err = New(own, files(map[string]string{"en/shared.txt": "{{define"}), []string{"hi"}, greeting{})
	require.ErrorContains(t, err, "en/shared.txt")
}

func TestF09_Line(t *testing.T) {
	for in, want := range map[string]string{
		"Alice":                 "Alice",
		"  A \t\r\n B  ":        "A B",
		"a\x00b\u202ec\u200bd":  "a b c d",
		"\xff\xfe":              "",
		"Ünïcödé 日本":            "Ünïcödé 日本",
		strings.Repeat("x", 65): strings.Repeat("x", 63) + "…",
		strings.Repeat("x", 64): strings.Repeat("x", 64),
	} {
		assert.Equal(t, want, Line(in))
	}
}

// Whatever a user's locale is, some language serves it.
func FuzzMatch(f *testing.F) {
	s, err := New(files(nil), files(map[string]string{"pt-BR/hi.txt": `{{define "subject"}}{{end}}{{define "text"}}{{end}}`}), []string{"hi"}, greeting{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, locale string) {
		served := s.match(locale)
		require.Contains(t, s.texts, served)
		if served != fallback {
			require.True(t, strings.HasPrefix(strings.ToLower(locale), served))
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		line := Line(s)
		require.LessOrEqual(t, len([]rune(line)), maxLine)
		require.False(t, strings.ContainsAny(line, "\r\n\t\x00\u2028\u202e"))
		require.Equal(t, line, Line(line))
	})
}

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"Alice": "Alice", "Dr. Alice Ä": "Dr. Alice Ä", "Alice (work), No. 2": "Alice (work), No. 2", "山田 太郎": "山田 太郎", "O'Neil-Smith": "O'Neil-Smith",
		"": "", "\u202e \n": "", "alice@example.com": "", "win-money.example": "", "1.example": "", "a.1": "", "192.0.2.1": "", "https://evil.example": "",
		"see evil/login": "", "tel:123": "", `a\b`: "",
	} {
		assert.Equal(t, want, Name(name), name)
	}
	assert.Equal(t, "bob", Name("bob@example.com", "bob"), "the first that is one")
	assert.Empty(t, Name())
}
