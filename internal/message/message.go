// Package message writes messages from templates: one file for each language
// and purpose, with what an app lays over them.
//
// A file defines "subject" and "text", and for codes "sms". What the files of a
// language have in common may be in its shared.txt. The HTML of a mail is made
// from the paragraphs of its text by layout.html, so that both say the same.
package message

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
)

// Set is the templates of some purposes in some languages. It is safe for
// concurrent use.
type Set struct {
	texts  map[string]map[string]*texttemplate.Template // by lower-case locale and purpose
	layout *template.Template
}

// Mail is a text with its subject and as HTML.
type Mail struct {
	Subject, Text, HTML string
	Locale              string // of the text
}

// page is the data of layout.html.
type page struct {
	Lang, Subject string
	Paragraphs    []paragraph
}

// paragraph is a paragraph of the text. One that is the code, or the link, and
// nothing else is set apart.
type paragraph struct {
	Lines []string
	Code  string
	Link  template.URL
}

// New loads the templates of purposes from own, with the files of over in their
// place and its languages beside them, and writes each with every one of the
// samples. Its error names the file.
func New(own, over fs.FS, purposes []string, samples ...any) (*Set, error) {
	s := &Set{texts: map[string]map[string]*texttemplate.Template{}}
	layout, err := read(own, over, "layout.html")
	if err != nil {
		return nil, err
	}
	if s.layout, err = template.New("layout.html").Parse(layout); err != nil {
		return nil, fmt.Errorf("layout.html: %w", err)
	}
	for _, source := range []fs.FS{own, over} {
		if source == nil {
			continue
		}
		entries, err := fs.ReadDir(source, ".")
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			if !languageTag.MatchString(e.Name()) {
				return nil, fmt.Errorf("%s is no language: name a folder like \"en\" or \"pt-BR\"", e.Name())
			}
			if err := s.load(own, over, e.Name(), purposes); err != nil {
				return nil, err
			}
		}
	}
	if len(s.texts[fallback]) != len(purposes) {
		return nil, errors.New("there is no folder en")
	}
	return s, s.try(samples)
}

// load reads one language, which must have all purposes.
func (s *Set) load(own, over fs.FS, locale string, purposes []string) error {
	texts := map[string]*texttemplate.Template{}
	shared, err := read(own, over, path.Join(locale, "shared.txt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, purpose := range purposes {
		name := path.Join(locale, purpose+".txt")
		text, err := read(own, over, name)
		if err != nil {
			return err
		}
		t, err := texttemplate.New(locale + "/shared.txt").Parse(shared)
		if err != nil {
			return err
		}
		if t, err = t.New(name).Parse(text); err != nil {
			return err
		}
		for _, part := range []string{"subject", "text"} {
			if t.Lookup(part) == nil {
				return fmt.Errorf("%s defines no %q", name, part)
			}
		}
		texts[purpose] = t
	}
	s.texts[strings.ToLower(locale)] = texts
	return nil
}

func read(own, over fs.FS, name string) (string, error) {
	if over != nil {
		b, err := fs.ReadFile(over, name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return string(b), err
		}
	}
	b, err := fs.ReadFile(own, name)
	return string(b), err
}

// try writes everything once.
func (s *Set) try(samples []any) error {
	for locale, texts := range s.texts {
		for purpose, t := range texts {
			for _, data := range samples {
				if _, err := s.Mail(purpose, locale, data, "", ""); err != nil {
					return err
				}
				if t.Lookup("sms") == nil {
					continue
				}
				if _, _, err := s.SMS(purpose, locale, data); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Mail writes a mail in the language that serves a locale best. A paragraph
// that is code or link alone is set apart in the HTML.
func (s *Set) Mail(purpose, locale string, data any, code, link string) (Mail, error) {
	m := Mail{Locale: s.match(locale)}
	subject, err := s.part(purpose, m.Locale, "subject", data)
	if err != nil {
		return Mail{}, err
	}
	m.Subject = strings.Join(strings.Fields(subject), " ")
	text, err := s.part(purpose, m.Locale, "text", data)
	if err != nil {
		return Mail{}, err
	}
	p := page{Lang: m.Locale, Subject: m.Subject}
	var paragraphs []string
	for block := range strings.SplitSeq(text, "\n\n") {
		if block = strings.TrimSpace(block); block == "" {
			continue
		}
		paragraphs = append(paragraphs, block)
		p.Paragraphs = append(p.Paragraphs, paragraphOf(block, code, link))
	}
	m.Text = strings.Join(paragraphs, "\n\n") + "\n"
	var html bytes.Buffer
	if err := s.layout.Execute(&html, p); err != nil {
		return Mail{}, err
	}
	m.HTML = html.String()
	return m, nil
}

func paragraphOf(block, digits, link string) paragraph {
	p := paragraph{Lines: strings.Split(block, "\n")}
	if digits != "" && block == digits {
		p.Code = digits
	}
	if block == link && clickable(link) {
		p.Link = template.URL(link) //nolint:gosec // of Config.BaseURL, and clickable
	}
	return p
}

// clickable reports whether a link may be one in HTML: https, or http on the
// same machine.
func clickable(link string) bool {
	u, err := url.Parse(link)
	if err != nil {
		return false
	}
	local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// SMS writes the text of an SMS, and says in which language it is.
func (s *Set) SMS(purpose, locale string, data any) (text, language string, err error) {
	language = s.match(locale)
	text, err = s.part(purpose, language, "sms", data)
	return strings.TrimSpace(text), language, err
}

func (s *Set) part(purpose, locale, name string, data any) (string, error) {
	t := s.texts[locale][purpose]
	if t == nil {
		return "", fmt.Errorf("message: no template for %q", purpose)
	}
	var b strings.Builder
	err := t.ExecuteTemplate(&b, name, data)
	return strings.ReplaceAll(b.String(), "\r", ""), err
}
