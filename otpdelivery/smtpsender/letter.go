package smtpsender

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/go-mfa/mfa/otpdelivery"
)

// compose returns the mail as it is sent. What could forge a header is refused.
func (s *Sender) compose(m otpdelivery.Message) ([]byte, error) {
	switch {
	case m.Channel != otpdelivery.Email:
		return nil, refuse("the message is not for the channel email: send it by another Sender")
	case !isAddress(m.To):
		return nil, refuse("Message.To is no address: give a mailbox alone, such as jane@example.com")
	case !isLine(m.Subject):
		return nil, refuse("Message.Subject is no line of text: take out line breaks and control characters")
	case !idToken.MatchString(m.ID):
		return nil, refuse("Message.ID is empty or has other characters than letters, digits and . _ -: give each message a random one")
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(&mail.Address{Address: m.To})
	if s.replyTo != nil {
		msg.ReplyToMailAddress(s.replyTo)
	}
	msg.Subject(encodeLine(m.Subject))
	_, domain, _ := strings.Cut(s.from.Address, "@")
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("smtpsender: the mail was not composed: %w", err)
	}
	return b.Bytes(), nil
}

func refuse(why string) error { return fmt.Errorf("smtpsender: %s: %w", why, otpdelivery.ErrPermanent) }

// idToken is what may stand before the @ of a Message-ID (RFC 5322, section
// 3.6.4), or less.
var idToken = regexp.MustCompile(`\A[A-Za-z0-9_-]{1,128}(\.[A-Za-z0-9_-]{1,128})*\z`)

// readable is a line that a header can hold as it is, and that can be folded
// at any space.
var readable = regexp.MustCompile(`\A[!-~]{1,60}( [!-~]{1,60})*\z`)

// encodeLine returns a line as it stands in a header: as it is, or as encoded
// words (RFC 2047, section 2).
func encodeLine(s string) string {
	if readable.MatchString(s) && !strings.Contains(s, "=?") {
		return s
	}
	const most = 39 // bytes, so that "Subject" and a word fit into 76 characters
	var words []string
	for s != "" {
		end := min(most, len(s))
		for end < len(s) && !utf8.RuneStart(s[end]) {
			end--
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:end]))+"?=")
		s = s[end:]
	}
	return strings.Join(words, " ")
}
