package otpdelivery

import (
	"embed"
	"io/fs"
	"strings"
	"unicode/utf16"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/message"
)

//go:embed templates
var embedded embed.FS

// Templates are the templates of this package: a folder for each language, with
// a file for each purpose, and layout.html. Config.Templates replaces them one
// by one and adds languages.
//
// A file defines "subject", "text", and "sms", in text/template over [Fields].
// The HTML of a mail is made from the paragraphs of its text.
func Templates() fs.FS {
	sub, err := fs.Sub(embedded, "templates")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

func newTemplates(over fs.FS) (*message.Set, error) {
	purposes := []string{string(factor.PurposeEnroll), string(factor.PurposeVerify), string(factor.PurposeSignIn)}
	full := Fields{App: "App", Host: "example.com", Name: "Name", Code: "123456", Link: "https://example.com/mfa/link/x", Minutes: 10}
	return message.New(Templates(), over, purposes, Fields{}, full)
}

// maxSMS is how long an SMS is at most, in units of UTF-16.
const maxSMS = 140

// write puts the text into a message.
func (f *Factor) write(m *Message, locale string) error {
	if m.Channel == SMS {
		return f.writeSMS(m, locale)
	}
	mail, err := f.templates.Mail(m.Purpose, locale, m.Fields, m.Fields.Code, m.Fields.Link)
	m.Subject, m.Text, m.HTML, m.Locale = mail.Subject, mail.Text, mail.HTML, mail.Locale
	return err
}

// writeSMS ends the text with the line by which phones fill in the code. If all
// of it is too long, the app's name is cut, and then that line left out.
func (f *Factor) writeSMS(m *Message, locale string) error {
	fields := m.Fields
	for _, autofill := range []bool{m.Fields.Host != "", false} {
		for n := len([]rune(m.Fields.App)); n > 0; n-- {
			fields.App = cut(m.Fields.App, n)
			text, language, err := f.templates.SMS(m.Purpose, locale, fields)
			if err != nil {
				return err
			}
			if autofill {
				text += "\n\n@" + m.Fields.Host + " #" + m.Fields.Code
			}
			m.Text, m.Locale = text, language
			if len(utf16.Encode([]rune(text))) <= maxSMS {
				return nil
			}
		}
	}
	return nil // an app's own template that is too long is sent as it is
}

// cut returns at most n characters of s. It marks nothing: a character outside
// the alphabet of SMS would halve the room.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimSpace(string(r[:n]))
}
