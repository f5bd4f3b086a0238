package mfatest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 is defined over it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TOTP is an authenticator app with one account. It computes codes by RFC 6238
// from the URI alone and shares no code with package totpfactor. It is
// immutable but for CredentialID, and safe for concurrent use.
type TOTP struct {
	// CredentialID is the credential's id once it is enrolled; set by
	// Kit.EnrollTOTP.
	CredentialID string

	secret []byte
	hash   func() hash.Hash
	digits int
	period int64
}

// NewTOTP adds an account: source is an otpauth URI, or the Prompt of an
// enrolment, which has the URI in it. It fails the test if that is none.
func NewTOTP(t testing.TB, source any) *TOTP {
	t.Helper()
	uri, ok := source.(string)
	if !ok {
		var prompt struct {
			URI string `json:"uri"`
		}
		decode(t, source, &prompt)
		uri = prompt.URI
	}
	account, err := parseURI(uri)
	if err != nil {
		t.Fatalf("mfatest: %v", err)
	}
	return account
}

// Code returns the code that the app shows at a time.
func (a *TOTP) Code(at time.Time) string {
	mac := hmac.New(a.hash, a.secret)
	var step [8]byte
	binary.BigEndian.PutUint64(step[:], uint64(at.Unix()/a.period))
	_, _ = mac.Write(step[:]) // a hash.Hash never fails
	sum := mac.Sum(nil)
	// Dynamic truncation, RFC 4226, section 5.3.
	n := uint64(binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff)
	code := strconv.FormatUint(n, 10)
	if short := a.digits - len(code); short > 0 {
		return strings.Repeat("0", short) + code
	}
	return code[len(code)-a.digits:]
}

// Wrong returns a code that is right at no time step within a minute and a
// half of a time.
func (a *TOTP) Wrong(at time.Time) string {
	right := map[string]bool{}
	for step := int64(-3); step <= 3; step++ {
		right[a.Code(at.Add(time.Duration(step*a.period)*time.Second))] = true
	}
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%0*d", a.digits, n); !right[code] {
			return code
		}
	}
}

// Period is how long a code is shown.
func (a *TOTP) Period() time.Duration { return time.Duration(a.period) * time.Second }

// parseURI reads a key URI. Its errors do not show it: there is a secret in it.
func parseURI(uri string) (*TOTP, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		return nil, errors.New("that is no otpauth://totp/ URI")
	}
	q := u.Query()
	a := &TOTP{hash: sha1.New, digits: 6, period: 30}
	if a.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(q.Get("secret"), "=")); err != nil || len(a.secret) == 0 {
		return nil, errors.New("the otpauth URI has no secret in base32")
	}
	switch q.Get("algorithm") {
	case "", "SHA1":
	case "SHA256":
		a.hash = sha256.New
	case "SHA512":
		a.hash = sha512.New
	default:
		return nil, errors.New("the otpauth URI asks for an algorithm that is not known")
	}
	if v := q.Get("digits"); v != "" {
		if a.digits, err = strconv.Atoi(v); err != nil || a.digits < 6 || a.digits > 10 {
			return nil, fmt.Errorf("the otpauth URI asks for %q digits", v)
		}
	}
	if v := q.Get("period"); v != "" {
		if a.period, err = strconv.ParseInt(v, 10, 32); err != nil || a.period < 1 {
			return nil, fmt.Errorf("the otpauth URI asks for a period of %q seconds", v)
		}
	}
	return a, nil
}

// decode reads a prompt the way a client does, by its JSON.
func decode(t testing.TB, prompt, into any) {
	t.Helper()
	if err := json.Unmarshal(encode(t, prompt), into); err != nil {
		t.Fatalf("mfatest: the prompt is not of this method: %v", err)
	}
}

// encode returns the JSON of a prompt, which may be JSON already.
func encode(t testing.TB, prompt any) []byte {
	t.Helper()
	switch p := prompt.(type) {
	case []byte:
		return p
	case json.RawMessage:
		return p
	}
	b, err := json.Marshal(prompt)
	if err != nil {
		t.Fatalf("mfatest: the prompt has no JSON: %v", err)
	}
	return b
}
