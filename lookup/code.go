package lookup

import (
	"io"

	"github.com/go-mfa/mfa/factor"
)

const (
	// alphabet has 32 characters, none of which is taken for another: the
	// letters i, l, o and u are missing.
	alphabet      = "0123456789abcdefghjkmnpqrstvwxyz"
	bitsPerChar   = 5
	charsPerGroup = 4
	bitsPerGroup  = bitsPerChar * charsPerGroup

	maxAnswer = 128 // bytes, separators included
)

// newCode returns a code as it is shown: groups of four, joined by hyphens.
// The size of the alphabet divides 256, so that every character is as likely
// as any other.
func newCode(random io.Reader, groups int) (string, error) {
	b := make([]byte, groups*charsPerGroup)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", err
	}
	code := make([]byte, 0, len(b)+groups-1)
	for i, c := range b {
		if i > 0 && i%charsPerGroup == 0 {
			code = append(code, '-')
		}
		code = append(code, alphabet[c%byte(len(alphabet))])
	}
	return string(code), nil
}

// normalize returns the characters of a code, by the rule in the package's
// documentation.
func normalize(answer []byte) ([]byte, error) {
	if len(answer) > maxAnswer {
		return nil, factor.Reject("code too long")
	}
	code := make([]byte, 0, len(answer))
	for _, c := range answer {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch {
		case c == ' ' || c == '-':
		case c == 'o':
			code = append(code, '0')
		case c == 'i' || c == 'l':
			code = append(code, '1')
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z' && c != 'u':
			code = append(code, c)
		default:
			return nil, factor.Reject("malformed code")
		}
	}
	if len(code) == 0 {
		return nil, factor.Reject("malformed code")
	}
	return code, nil
}
