package otpdelivery

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

func TestParseEmail(t *testing.T) {
	for typed, want := range map[string]string{
		"alice@example.com":                       "alice@example.com",
		"  Alice@EXAMPLE.com\n":                   "Alice@example.com",
		"a.b+c_d@sub.example.com":                 "a.b+c_d@sub.example.com",
		"jürgen@example.de":                       "jürgen@example.de",
		"alice@xn--mnchen-3ya.example":            "alice@xn--mnchen-3ya.example",
		"alice@münchen.example":                   "", // another spelling of the one above
		"ju\u0308rgen@example.de":                 "", // another spelling of jürgen
		"-froot@example.com":                      "", // an option to who calls sendmail
		"o'brien@example.com":                     "o'brien@example.com",
		"":                                        "",
		"alice":                                   "",
		"alice@":                                  "",
		"@example.com":                            "",
		"alice@localhost":                         "",
		"alice@[192.0.2.1]":                       "",
		"Alice <alice@example.com>":               "",
		"<alice@example.com>":                     "",
		"a@example.com, b@example.com":            "",
		"alice@example.com (work)":                "",
		"alice@example.com\r\nBcc: b@example.com": "",
		"\"a b\"@example.com":                     "",
		"\"a@b\"@example.com":                     "",
		"a@b@example.com":                         "",
		"alice@exam\x00ple.com":                   "",
		"alice@example.com\u202e":                 "",
		strings.Repeat("a", 250) + "@example.com": "",
	} {
		got, err := parseEmail(typed)
		assert.Equal(t, want, got, "%q", typed)
		if want == "" {
			require.ErrorIs(t, err, factor.ErrInvalid, "%q", typed)
			assert.NotContains(t, err.Error(), "example", "an address is nobody else's to read")
		}
	}
}

func TestParseNumber(t *testing.T) {
	f := &Factor{channel: SMS, cfg: Config{Countries: []string{"+49", "+1"}}}
	for typed, want := range map[string]string{
		"+49 151 12345678":              "+4915112345678",
		"0049 (151) 1234-5678":          "+4915112345678",
		" +1.555.555.0100 ":             "+15555550100",
		"0151 12345678":                 "", // of no country
		"+44 7700 900123":               "", // not allowed
		"+49":                           "",
		"+4912345":                      "", // too short
		"+4912345678901234567":          "", // more than 15 digits
		"+0151123456789":                "",
		"++4915112345678":               "",
		"+49 151 1234567a":              "",
		"+49151١٢٣٤٥٦٧٨":                "",
		"+4915112345678;+4915112345679": "",
		"+4915112345678\r\nx":           "",
		"":                              "",
	} {
		got, err := f.parseNumber(typed)
		assert.Equal(t, want, got, "%q", typed)
		if want == "" {
			require.ErrorIs(t, err, factor.ErrInvalid, "%q", typed)
		}
	}
}

func TestMask(t *testing.T) {
	email, sms := &Factor{channel: Email}, &Factor{channel: SMS}
	assert.Equal(t, "a•••@e•••.com", email.mask("alice@example.com"))
	assert.Equal(t, "a•••@s•••.uk", email.mask("a@sub.example.co.uk"))
	assert.Equal(t, "ü•••@e•••.de", email.mask("über@example.de"))
	assert.Equal(t, "••• 00", sms.mask("+15555550100"))
}

// G07: an address is one credential of a user, however it is written, and may
// be one of others, too.
func TestKeyOf(t *testing.T) {
	f := &Factor{channel: Email}
	key := f.keyOf("alice", "Alice@example.com")
	assert.LessOrEqual(t, len(key), 64)
	assert.Equal(t, key, f.keyOf("alice", "alice@example.com"))
	assert.NotEqual(t, key, f.keyOf("bob", "alice@example.com"))
	assert.NotEqual(t, key, f.keyOf("alice", "alice@example.org"))
}

func FuzzParseAddress(f *testing.F) {
	email, sms := &Factor{channel: Email}, &Factor{channel: SMS, cfg: Config{Countries: []string{"+1"}}}
	f.Fuzz(func(t *testing.T, typed string) {
		for _, of := range []*Factor{email, sms} {
			address, err := of.parseAddress(typed)
			if err != nil {
				require.ErrorIs(t, err, factor.ErrInvalid)
				continue
			}
			again, err := of.parseAddress(address)
			require.NoError(t, err)
			require.Equal(t, address, again, "it is kept in one form")
			require.False(t, strings.ContainsAny(address, "\r\n\x00 <>,;"), "%q", address)
			masked := of.mask(address)
			require.Contains(t, masked, "•••")
			require.NotContains(t, masked, address)
		}
	})
}
