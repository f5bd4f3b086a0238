package otpdelivery

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/wire"
)

const challengeVersion = 0x81 // another number than a credential's, so that neither is taken for the other

// challenge is the state of a ceremony: where the code went, and what the code
// and the link's secret are recognised by. It holds neither of them.
type challenge struct {
	key        []byte // of the HMACs, random
	address    string
	credential string // the ID; empty for a contact and for an enrolment
	code, link []byte // HMACs; link is empty where there is none
}

const (
	macSize = sha256.Size
	// linkSize is the length of a link's secret: 16 random bytes in base64.
	linkSize = 22
)

func (c *challenge) encode() []byte {
	b := wire.AppendString([]byte{challengeVersion}, c.key)
	b = wire.AppendString(b, c.address)
	b = wire.AppendString(b, c.credential)
	b = wire.AppendString(b, c.code)
	return wire.AppendString(b, c.link)
}

func decodeChallenge(state []byte) (*challenge, error) {
	r := wire.NewReader(state)
	if r.Byte() != challengeVersion {
		return nil, errUndecodable
	}
	c := &challenge{key: r.Bytes(), address: r.String(), credential: r.String(), code: r.Bytes(), link: r.Bytes()}
	if r.Done() != nil || len(c.key) != macSize || len(c.code) != macSize || len(c.link) != 0 && len(c.link) != macSize || c.address == "" {
		return nil, errUndecodable
	}
	return c, nil
}

// mac is what a secret is recognised by. It is bound to all that the secret is
// good for.
func (f *Factor) mac(key []byte, r factor.Request, c *challenge, secret string) []byte {
	b := []byte{}
	for _, part := range []string{
		"go-mfa/mfa otpdelivery", string(f.channel), string(r.Purpose), r.User.ID, r.Ceremony, c.credential, c.address, secret,
	} {
		b = wire.AppendString(b, part)
	}
	h := hmac.New(sha256.New, key)
	h.Write(b)
	return h.Sum(nil)
}

// newCode returns uniform digits (NIST SP 800-63B-4, section 3.1.3.2).
func newCode(digits int) (string, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", digits, n), nil
}

// newSecret returns size random bytes.
func newSecret(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

func newLinkSecret() string { return base64.RawURLEncoding.EncodeToString(newSecret(16)) }

// matches reports whether a response is the code or the link's secret. Digits
// may be typed in groups, and full-width.
func (f *Factor) matches(r factor.Request, c *challenge, response []byte) bool {
	want, secret := c.code, strings.Map(digit, string(response))
	if len(response) == linkSize && len(c.link) > 0 {
		want, secret = c.link, string(response)
	}
	return subtle.ConstantTimeCompare(want, f.mac(c.key, r, c, secret)) == 1
}

// digit drops what people put between digits and makes full-width ones ASCII.
func digit(r rune) rune {
	switch {
	case r == ' ' || r == '-':
		return -1
	case r >= '０' && r <= '９':
		return r - '０' + '0'
	default:
		return r
	}
}
