package totpfactor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// Algorithm is the hash function of the HMAC that codes are computed with.
type Algorithm uint8

// The algorithms of RFC 6238, section 1.2. The values are stored. Several
// authenticator apps ignore the parameter and use SHA-1, whatever the URI
// says; its weakness against collisions does not concern HMAC.
const (
	SHA1 Algorithm = iota
	SHA256
	SHA512
)

// String returns the name that otpauth URIs have for the algorithm.
func (a Algorithm) String() string {
	switch a {
	case SHA1:
		return "SHA1"
	case SHA256:
		return "SHA256"
	case SHA512:
		return "SHA512"
	default:
		return fmt.Sprintf("Algorithm(%d)", uint8(a))
	}
}

// Config configures [New]. Algorithm, Digits and Period apply to new
// enrolments and are stored with each; credentials that exist keep theirs.
type Config struct {
	// Issuer is the name of the app as authenticator apps show it. Required;
	// at most 100 bytes, without a colon and control characters.
	Issuer string
	// Account returns the name of the user's account as authenticator apps
	// show it. Nil stands for User.Name, or User.Email if that is empty. An
	// account that is empty, longer than 255 bytes, or has a colon or control
	// characters in it cannot be enrolled: the URI has no way to write it
	// that all apps read.
	Account func(factor.User) string

	Algorithm Algorithm     // default SHA1
	Digits    int           // 6 or 8; default 6
	Period    time.Duration // whole seconds from 15 s to 5 min; default 30 s

	// Ahead accepts the code of the next time step too, for apps whose clocks
	// are fast. It makes guessing easier by half.
	Ahead bool
}

// Factor is the method "totp". Make it with [New]. It is safe for concurrent
// use.
type Factor struct {
	issuer  string
	account func(factor.User) string
	params  params
	ahead   bool
	random  io.Reader
}

var _ factor.Factor = (*Factor)(nil)

// New checks and copies c. Its error is a sentence that says what is wrong
// with c and how to mend it.
func New(c Config) (*Factor, error) {
	if c.Issuer == "" {
		return nil, errors.New("totpfactor: Config.Issuer is empty: set it to the name of the app")
	}
	if len(c.Issuer) > maxIssuer {
		return nil, fmt.Errorf("totpfactor: Config.Issuer has %d bytes: use a name of at most %d", len(c.Issuer), maxIssuer)
	}
	if !labelable(c.Issuer) {
		return nil, errors.New("totpfactor: Config.Issuer has a colon, a control character or invalid UTF-8 in it: otpauth URIs cannot carry it, use another name")
	}
	f := &Factor{
		issuer:  c.Issuer,
		account: c.Account,
		params:  params{algorithm: c.Algorithm, digits: c.Digits, period: int64(c.Period / time.Second)},
		ahead:   c.Ahead,
		random:  rand.Reader,
	}
	if f.account == nil {
		f.account = nameElseEmail
	}
	if c.Digits == 0 {
		f.params.digits = 6
	}
	if c.Period == 0 {
		f.params.period = 30
	}
	switch {
	case c.Algorithm > SHA512:
		return nil, fmt.Errorf("totpfactor: Config.Algorithm is %v: use SHA1, SHA256 or SHA512", c.Algorithm)
	case f.params.digits != 6 && f.params.digits != 8:
		return nil, fmt.Errorf("totpfactor: Config.Digits is %d: use 6 or 8", c.Digits)
	case c.Period%time.Second != 0 || f.params.period < minPeriod || f.params.period > maxPeriod:
		return nil, fmt.Errorf("totpfactor: Config.Period is %v: use whole seconds from %d to %d", c.Period, minPeriod, maxPeriod)
	}
	return f, nil
}

func nameElseEmail(u factor.User) string {
	if u.Name != "" {
		return u.Name
	}
	return u.Email
}
