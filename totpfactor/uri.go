package totpfactor

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxIssuer  = 100 // bytes: with every byte escaped, the URI still fits a QR code
	maxAccount = 255
)

// labelable reports whether an otpauth URI can carry s as issuer or account.
// A colon separates the two, and apps disagree on escaped ones.
func labelable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == ':' || unicode.IsControl(r) })
}

// uri returns the key URI that authenticator apps read: type, label
// "issuer:account" and parameters, in the format that Google Authenticator
// introduced and draft-linuxgemini-otpauth-uri describes.
func (k key) uri(issuer, account string) string {
	return "otpauth://totp/" + escape(issuer) + ":" + escape(account) +
		"?secret=" + k.base32() +
		"&issuer=" + escape(issuer) +
		"&algorithm=" + k.algorithm.String() +
		"&digits=" + strconv.Itoa(k.digits) +
		"&period=" + strconv.FormatInt(k.period, 10)
}

// escape leaves only the unreserved characters of RFC 3986, section 2.3. A
// space becomes %20: a plus sign is a plus sign to many apps.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
