package otpdelivery

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-mfa/mfa/factor"
)

// parseAddress returns what a person typed in the form in which it is kept and
// sent to.
func (f *Factor) parseAddress(typed string) (string, error) {
	if f.channel == SMS {
		return f.parseNumber(typed)
	}
	return parseEmail(typed)
}

// maxEmail is the longest address that a mail can have (RFC 5321, section
// 4.5.3.1.3, without the brackets).
const maxEmail = 254

// parseEmail takes an address alone: no name, no comment, no list. One inbox must
// not have several spellings, each of which could be taken for another inbox: a
// domain beyond ASCII is written with xn--, and characters are composed.
func parseEmail(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	parsed, err := mail.ParseAddress(typed)
	if err != nil || parsed.Address != typed || len(typed) > maxEmail || strings.ContainsFunc(typed, unprintable) {
		return "", fmt.Errorf("%w: that is no e-mail address", factor.ErrInvalid)
	}
	local, domain := typed[:strings.LastIndexByte(typed, '@')], typed[strings.LastIndexByte(typed, '@')+1:]
	if strings.ContainsAny(local, `" @`) || !strings.Contains(domain, ".") || strings.HasPrefix(domain, "[") ||
		strings.HasPrefix(local, "-") || strings.ContainsFunc(domain, beyondASCII) || strings.ContainsFunc(local, combining) {
		return "", fmt.Errorf("%w: that is no e-mail address", factor.ErrInvalid)
	}
	return local + "@" + strings.ToLower(domain), nil
}

func unprintable(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

func beyondASCII(r rune) bool { return r > unicode.MaxASCII }

func combining(r rune) bool { return unicode.Is(unicode.Mn, r) }

// maxNumber is the length of the longest number, with its +.
const maxNumber = 16

// e164 is a number as it is dialled from anywhere (ITU-T E.164, section 6).
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// parseNumber takes a number with its country, written with + or 00, and with
// what people put between digits.
func (f *Factor) parseNumber(typed string) (string, error) {
	number := strings.TrimPrefix(factor.PhoneChannel(strings.TrimSpace(typed)), "tel:")
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		number = "+" + rest
	}
	if !e164.MatchString(number) {
		return "", fmt.Errorf("%w: that is no phone number with its country code", factor.ErrInvalid)
	}
	if !f.serves(number) {
		return "", fmt.Errorf("%w: no messages are sent to that country", factor.ErrInvalid)
	}
	return number, nil
}

func (f *Factor) serves(number string) bool {
	return slices.ContainsFunc(f.cfg.Countries, func(code string) bool { return strings.HasPrefix(number, code) })
}

// channelOf names what a code sent to an address proves.
func (f *Factor) channelOf(address string) string {
	if f.channel == SMS {
		return factor.PhoneChannel(address)
	}
	return factor.EmailChannel(address)
}

// contact returns the user's verified address for the channel, if it can be
// sent to.
func (f *Factor) contact(u factor.User) (address string, ok bool) {
	address = u.Email
	if f.channel == SMS {
		address = u.Phone
	}
	if address == "" {
		return "", false
	}
	address, err := f.parseAddress(address)
	return address, err == nil
}

// keyOf is the Credential.Key of an address: each once for a user.
func (f *Factor) keyOf(userID, address string) string {
	h := sha256.New()
	for _, part := range []string{"go-mfa/mfa otpdelivery key", userID, f.channelOf(address)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // never fails (hash.Hash)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// mask leaves of an address what its owner recognises.
func (f *Factor) mask(address string) string {
	const hidden = "•••"
	if f.channel == SMS {
		return hidden + " " + address[max(0, len(address)-2):]
	}
	at := strings.LastIndexByte(address, '@')
	domain := address[at+1:]
	return first(address) + hidden + "@" + first(domain) + hidden + domain[strings.LastIndexByte(domain, '.'):]
}

func first(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
