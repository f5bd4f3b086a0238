package webhook

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-mfa/mfa/otpdelivery"
)

// ErrUnverified means that a request does not come from a [Sender] with one of
// the secrets, or is older or newer than the tolerance. Answer 401.
var ErrUnverified = errors.New("webhook: the request has no valid signature of the last minutes")

// VerifierConfig says whose requests to take. Secrets is required.
type VerifierConfig struct {
	// Secrets are those that senders may use. To change one, add the new one here,
	// then give it to the senders, then remove the old one.
	Secrets [][]byte

	// Tolerance is how far the clocks and the way may be apart, 5 minutes by
	// default.
	Tolerance time.Duration
}

// Verifier checks and reads what a [Sender] posts. It is safe for concurrent
// use.
type Verifier struct {
	secrets   [][]byte
	tolerance time.Duration
}

// NewVerifier returns a Verifier. It refuses a VerifierConfig that is incomplete
// or unsafe with one sentence that says how to mend it.
func NewVerifier(cfg VerifierConfig) (*Verifier, error) {
	v := &Verifier{tolerance: cfg.Tolerance}
	if len(cfg.Secrets) == 0 {
		return nil, errors.New("webhook: VerifierConfig.Secrets is empty: give the secret of the sender")
	}
	for i, s := range cfg.Secrets {
		if len(s) < minSecret {
			return nil, fmt.Errorf("webhook: VerifierConfig.Secrets[%d] has %d bytes: take at least %d from crypto/rand", i, len(s), minSecret)
		}
		v.secrets = append(v.secrets, bytes.Clone(s))
	}
	switch {
	case cfg.Tolerance < 0:
		return nil, fmt.Errorf("webhook: VerifierConfig.Tolerance is %v: leave it 0 for the default of 5 minutes", cfg.Tolerance)
	case cfg.Tolerance == 0:
		v.tolerance = 5 * time.Minute
	}
	return v, nil
}

// Format implements [fmt.Formatter]. It prints no secret, under any verb.
func (*Verifier) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "Verifier(redacted)") }

// Verify reads the body of a request, 64 KiB at most, and returns the message in
// it. It does not notice a request that comes again within the tolerance: keep
// the ids of the messages that were taken over.
//
// The error is [ErrUnverified], that of reading, or says that the body is not
// what a [Sender] writes, which is worth 400. It repeats nothing of the request.
func (v *Verifier) Verify(r *http.Request) (otpdelivery.Message, error) {
	if r.Body == nil { // of a request that no server has read
		return otpdelivery.Message{}, ErrUnverified
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return otpdelivery.Message{}, fmt.Errorf("webhook: the body cannot be read: %w", err)
	}
	if len(body) > maxBody || !v.signed(r.Header, body) {
		return otpdelivery.Message{}, ErrUnverified
	}
	m, err := decode(body)
	if err != nil {
		return otpdelivery.Message{}, fmt.Errorf("webhook: %w", err)
	}
	if ids := r.Header.Values(idHeader); len(ids) != 1 || ids[0] != m.ID {
		return otpdelivery.Message{}, fmt.Errorf("webhook: the header %s is not the message's id", idHeader)
	}
	return m, nil
}

func (v *Verifier) signed(h http.Header, body []byte) bool {
	timestamps, signatures := h.Values(timestampHeader), h.Values(signatureHeader)
	if len(timestamps) != 1 || len(signatures) != 1 {
		return false
	}
	given, isV1 := strings.CutPrefix(signatures[0], "v1=")
	mac, err := hex.DecodeString(given)
	if !isV1 || err != nil {
		return false
	}
	valid := false
	for _, secret := range v.secrets {
		valid = hmac.Equal(mac, sign(secret, timestamps[0], body)) || valid
	}
	return valid && v.recent(timestamps[0])
}

func (v *Verifier) recent(timestamp string) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && time.Since(time.Unix(seconds, 0)).Abs() <= v.tolerance
}
