// Package webhook sends the messages of package otpdelivery, of any channel, to an
// endpoint of your own, which delivers them by whatever it likes:
//
//	sender, err := webhook.New(webhook.Config{URL: "https://mail.example.com/mfa", Secret: secret})
//
// and, where they arrive:
//
//	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{Secrets: [][]byte{secret}})
//	…
//	m, err := verifier.Verify(r)
//
// # The request
//
// It is a POST with a JSON object of at most 64 KiB, and these headers:
//
//	Content-Type: application/json
//	Idempotency-Key: the message's id
//	Mfa-Timestamp: the time of this attempt, in seconds since 1970
//	Mfa-Signature: v1= and, in hexadecimal, the HMAC-SHA256 of timestamp, ".", and body
//
// The object has, of those that are not empty:
//
//	id, user_id, channel ("email" or "sms"), to, purpose, locale
//	subject, text, html
//	expires: RFC 3339, in UTC
//	fields: app, host, name, code, link, minutes, method, credential, first, at, left
//
// which are the fields of otpdelivery.Message and otpdelivery.Fields. A body is
// signed as it is, so whoever checks it must take its bytes and not parse them
// first.
//
// # The answer
//
// 2xx means that the message was taken over. 401, 408, 429, a redirect, which is not
// followed, and 5xx mean that it is to be sent again; 429 and 503 may say when by
// Retry-After. Any other 4xx means that it never can be. A message may come more
// than once, for example if the answer was lost: keep the ids of the last minutes
// and answer 200 to those that are known. That also makes a replayed request
// harmless, which is refused by itself only after five minutes.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/internal/post"
)

const (
	timestampHeader = "Mfa-Timestamp"
	signatureHeader = "Mfa-Signature"
	idHeader        = "Idempotency-Key"

	maxBody   = 64 << 10
	minSecret = 32
)

// Config says where messages go. URL and Secret are required.
type Config struct {
	URL    string // https, or http on localhost
	Secret []byte // at least 32 random bytes, which the receiver knows, too

	// Client has, for example, the certificate of your own authority. New copies
	// it, has it follow no redirect and keep no cookie, and gives it a timeout of
	// 10 s where it has none.
	Client *http.Client
}

// Sender posts messages to a URL. It is safe for concurrent use.
type Sender struct {
	url    string
	secret []byte
	client *http.Client
}

var _ otpdelivery.Sender = (*Sender)(nil)

// New returns a Sender. It does not connect. It refuses a Config that is
// incomplete or unsafe with one sentence that says how to mend it.
func New(cfg Config) (*Sender, error) {
	u, err := post.ParseURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("webhook: Config.URL %w", err)
	}
	if len(cfg.Secret) < minSecret {
		return nil, fmt.Errorf("webhook: Config.Secret has %d bytes: take at least %d from crypto/rand", len(cfg.Secret), minSecret)
	}
	return &Sender{url: u.String(), secret: bytes.Clone(cfg.Secret), client: post.Client(cfg.Client)}, nil
}

// Format implements [fmt.Formatter]. It prints neither URL nor secret, under
// any verb.
func (*Sender) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "Sender(redacted)") }

// Send implements [otpdelivery.Sender]. It returns when the endpoint has
// answered, when ctx is done, or after the client's timeout. The package
// documentation says which answers are permanent errors; so is a message that is
// too large or is not UTF-8. Errors carry the status and nothing else of the
// answer.
func (s *Sender) Send(ctx context.Context, m otpdelivery.Message) error {
	body, err := encode(m)
	if err != nil {
		return fmt.Errorf("webhook: %w: %w", err, otpdelivery.ErrPermanent)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("webhook: the request cannot be made") // New has checked what it is made of
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(idHeader, m.ID)
	r.Header.Set(timestampHeader, timestamp)
	r.Header.Set(signatureHeader, "v1="+hex.EncodeToString(sign(s.secret, timestamp, body)))
	answer, err := post.Do(s.client, r)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return judge(answer)
}

func sign(secret []byte, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp))
	mac.Write([]byte("."))
	mac.Write(body)
	return mac.Sum(nil)
}

func judge(answer post.Answer) error {
	if answer.Status/100 == 2 {
		return nil
	}
	permanent := answer.Status/100 == 4
	switch answer.Status {
	case http.StatusUnauthorized, // by a clock that is wrong, or while the secret is changed
		http.StatusRequestTimeout, http.StatusTooManyRequests:
		permanent = false
	}
	return answer.Fault(fmt.Sprintf("webhook: the endpoint answers %d", answer.Status), permanent)
}
