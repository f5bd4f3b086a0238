package factor

import "strings"

// Category is the kind of proof a factor gives (NIST SP 800-63B-4, section 2).
type Category uint8

// The categories. The zero value proves nothing in particular.
const (
	Unknown    Category = iota
	Knowledge           // something you know
	Possession          // something you have
	Inherence           // something you are
)

// String returns the lower-case name of the category.
func (c Category) String() string {
	switch c {
	case Knowledge:
		return "knowledge"
	case Possession:
		return "possession"
	case Inherence:
		return "inherence"
	default:
		return "unknown"
	}
}

// Evidence is what one use of a factor proved. The zero value claims nothing.
type Evidence struct {
	Category Category
	// Channel is where an out-of-band secret went or comes from, as made by
	// EmailChannel or PhoneChannel. Two methods that share a channel count
	// as one. Empty: no channel; it equals nothing, not even another empty
	// one.
	Channel           string
	UserVerified      bool // this use verified the user by PIN or biometrics
	PhishingResistant bool // bound to the verifier's name (NIST SP 800-63B-4, section 3.2.5)
	HardwareBound     bool // the key is proved to be unable to leave its hardware
}

// EmailChannel names the channel of an e-mail address. Addresses that differ
// only in letter case are one channel. No address is no channel.
func EmailChannel(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	if address == "" {
		return ""
	}
	return "email:" + address
}

// PhoneChannel names the channel of a phone number in E.164 form. Spaces,
// hyphens, dots and parentheses are dropped. No number is no channel.
func PhoneChannel(number string) string {
	number = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '.', '(', ')':
			return -1
		}
		return r
	}, number)
	if number == "" {
		return ""
	}
	return "tel:" + number
}
