package totpfactor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/go-mfa/mfa/factor"
)

const (
	tries = 5
	ttl   = 10 * time.Minute
)

// Prompt is the prompt of an enrolment: the secret in three forms, of which
// the user needs one. Only its JSON shows them; fmt, slog and gob do not.
type Prompt struct {
	Secret string `json:"secret"` // base32 without padding, to be typed
	URI    string `json:"uri"`    // otpauth://totp/…, to be opened on the same device
	QRSVG  string `json:"qr_svg"` // the URI as a QR code, an SVG document without script, style or references
}

// Format implements [fmt.Formatter]. It leaves the secret out under every verb.
func (Prompt) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer]. It leaves the secret out.
func (Prompt) LogValue() slog.Value { return slog.StringValue(redacted) }

// GobEncode leaves the secret out: a prompt is shown once and stored nowhere.
func (Prompt) GobEncode() ([]byte, error) { return []byte(redacted), nil }

// BeginEnroll makes a secret and the [Prompt] that shows it. It ignores the
// client's parameters.
func (f *Factor) BeginEnroll(_ context.Context, r factor.Request) (factor.Step, error) {
	account := f.account(r.User)
	if account == "" {
		return factor.Step{}, errors.New("totpfactor: the user has no account name to show in an authenticator app: give User a Name or an Email, or set Config.Account")
	}
	if len(account) > maxAccount || !labelable(account) {
		return factor.Step{}, errors.New("totpfactor: the user's account name is too long or has a colon, a control character or invalid UTF-8 in it, which otpauth URIs cannot carry: set Config.Account to return another name")
	}
	k := key{params: f.params, secret: make([]byte, secretSize)}
	if _, err := io.ReadFull(f.random, k.secret); err != nil {
		return factor.Step{}, fmt.Errorf("totpfactor: no randomness for a secret: %w", err)
	}
	uri := k.uri(f.issuer, account)
	svg, err := qrSVG(uri)
	if err != nil {
		return factor.Step{}, err
	}
	return factor.Step{
		Prompt: Prompt{Secret: k.base32(), URI: uri, QRSVG: svg},
		State:  k.encode(),
		TTL:    ttl,
		Tries:  tries,
	}, nil
}

// FinishEnroll judges the first code of the new secret. That code is spent.
func (f *Factor) FinishEnroll(_ context.Context, r factor.Request, state, response []byte) (factor.Enrolled, error) {
	k, err := decodeKey(state)
	if err != nil {
		return factor.Enrolled{}, err
	}
	digits, err := normalize(response)
	if err != nil {
		return factor.Enrolled{}, err
	}
	m, err := k.match(digits, r.Now, f.ahead, func(uint64) bool { return true })
	if err != nil {
		return factor.Enrolled{}, err
	}
	if !m.ok {
		return factor.Enrolled{}, factor.Reject("wrong code")
	}
	return factor.Enrolled{
		Credential: factor.Credential{Data: credential{key: k, last: m.step}.encode()},
		Evidence:   &factor.Evidence{Category: factor.Possession},
	}, nil
}
