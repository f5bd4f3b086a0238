package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/webhook"
)

const body = `{"id":"m1","channel":"sms","to":"+4915112345678","text":"123456"}`

// signed is a request as any client in the world would make it, so that these
// tests do not depend on Sender.
func signed(secret []byte, timestamp, body string) *http.Request {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "." + body))
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "m1")
	r.Header.Set("Mfa-Timestamp", timestamp)
	r.Header.Set("Mfa-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func ago(d time.Duration) string { return strconv.FormatInt(time.Now().Add(-d).Unix(), 10) }

func TestNewVerifier_Refuses(t *testing.T) {
	for says, cfg := range map[string]webhook.VerifierConfig{
		"VerifierConfig.Secrets is empty":        {},
		"VerifierConfig.Secrets[1] has 31 bytes": {Secrets: [][]byte{secret, another[1:]}},
		"VerifierConfig.Secrets[0] has 0 bytes":  {Secrets: [][]byte{nil}},
		"VerifierConfig.Tolerance is -1s":        {Secrets: [][]byte{secret}, Tolerance: -time.Second},
	} {
		v, err := webhook.NewVerifier(cfg)
		require.ErrorContains(t, err, says)
		assert.Nil(t, v)
	}
}

// A fixed vector, made with openssl: nothing of it comes from this package.
func TestVerify_FixedVector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight on 1 January 2000
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Idempotency-Key", "m1")
		r.Header.Set("Mfa-Timestamp", "946684800")
		r.Header.Set("Mfa-Signature", "v1=2673c18171c523931bd880c09c04a5162b2a4417cc9954729ded4a28dfe4b68a")
		m, err := newVerifier(t, secret).Verify(r)
		require.NoError(t, err)
		assert.Equal(t, otpdelivery.Message{ID: "m1", Channel: otpdelivery.SMS, To: "+4915112345678", Text: "123456"}, m)
	})
}

func TestVerify_Tampering(t *testing.T) {
	v := newVerifier(t, secret)
	_, err := v.Verify(signed(secret, ago(0), body))
	require.NoError(t, err)
	withBody := func(s string) func(*http.Request) { return func(r *http.Request) { setBody(r, s) } }
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	for name, change := range map[string]func(r *http.Request){
		"another addressee":       withBody(strings.Replace(body, "+49", "+19", 1)),
		"another code":            withBody(strings.Replace(body, "123456", "654321", 1)),
		"one byte more":           withBody(body + " "),
		"one byte less":           withBody(body[:len(body)-1]),
		"no body":                 withBody(""),
		"too much":                withBody(body + strings.Repeat(" ", 64<<10)),
		"another time":            header("Mfa-Timestamp", ago(1*time.Second)),
		"the same time otherwise": func(r *http.Request) { r.Header.Set("Mfa-Timestamp", "0"+r.Header.Get("Mfa-Timestamp")) },
		"no time":                 header("Mfa-Timestamp"),
		"two times":               func(r *http.Request) { r.Header.Add("Mfa-Timestamp", r.Header.Get("Mfa-Timestamp")) },
		"the dot moved":           func(r *http.Request) { moveDot(r) },
		"no signature":            header("Mfa-Signature"),
		"an empty signature":      header("Mfa-Signature", ""),
		"a version and no more":   header("Mfa-Signature", "v1="),
		"no hexadecimal":          header("Mfa-Signature", "v1=zz"),
		"two signatures":          func(r *http.Request) { r.Header.Add("Mfa-Signature", r.Header.Get("Mfa-Signature")) },
		"another version":         func(r *http.Request) { r.Header.Set("Mfa-Signature", "v2="+r.Header.Get("Mfa-Signature")[3:]) },
		"no version":              func(r *http.Request) { r.Header.Set("Mfa-Signature", r.Header.Get("Mfa-Signature")[3:]) },
		"half a signature":        func(r *http.Request) { r.Header.Set("Mfa-Signature", r.Header.Get("Mfa-Signature")[:35]) },
		"a signature and more":    func(r *http.Request) { r.Header.Set("Mfa-Signature", r.Header.Get("Mfa-Signature")+"00") },
		"another digit":           func(r *http.Request) { changeDigit(r) },
		"the secret of another":   func(r *http.Request) { *r = *signed(another, r.Header.Get("Mfa-Timestamp"), body) },
		"the secret and more": func(r *http.Request) {
			*r = *signed(append(bytes.Clone(secret), 'a'), r.Header.Get("Mfa-Timestamp"), body)
		},
		"no secret": func(r *http.Request) { *r = *signed(nil, r.Header.Get("Mfa-Timestamp"), body) },
	} {
		t.Run(name, func(t *testing.T) {
			r := signed(secret, ago(0), body)
			change(r)
			m, err := v.Verify(r)
			require.ErrorIs(t, err, webhook.ErrUnverified)
			assert.Equal(t, otpdelivery.Message{}, m)
		})
	}
}

// moveDot gives the last digit of the time to the body.
func moveDot(r *http.Request) {
	timestamp := r.Header.Get("Mfa-Timestamp")
	last := len(timestamp) - 1
	r.Header.Set("Mfa-Timestamp", timestamp[:last])
	setBody(r, timestamp[last:]+"."+body)
}

func changeDigit(r *http.Request) {
	mac := []byte(r.Header.Get("Mfa-Signature"))
	if mac[3] == '0' {
		mac[3] = '1'
	} else {
		mac[3] = '0'
	}
	r.Header.Set("Mfa-Signature", string(mac))
}

func setBody(r *http.Request, s string) {
	r.Body = http.NoBody
	if s != "" {
		r.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(s)).Body
	}
}

func TestVerify_Time(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			tolerance, age time.Duration
			valid          bool
		}{
			"just now":             {0, 0, true},
			"five minutes old":     {0, 5 * time.Minute, true},
			"a second older":       {0, 5*time.Minute + time.Second, false},
			"five minutes early":   {0, -5 * time.Minute, true},
			"a second earlier":     {0, -5*time.Minute - time.Second, false},
			"yesterday's":          {0, 24 * time.Hour, false},
			"by a shorter setting": {time.Minute, 2 * time.Minute, false},
			"by a longer setting":  {time.Hour, 59 * time.Minute, true},
		} {
			v, err := webhook.NewVerifier(webhook.VerifierConfig{Secrets: [][]byte{secret}, Tolerance: c.tolerance})
			require.NoError(t, err)
			_, err = v.Verify(signed(secret, ago(c.age), body))
			assert.Equal(t, c.valid, err == nil, name)
			assert.Equal(t, !c.valid, errors.Is(err, webhook.ErrUnverified), name)
		}
		// Signed, but no time.
		for _, timestamp := range []string{"", "now", "1e9", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", ago(0) + ".0", " " + ago(0)} {
			_, err := newVerifier(t, secret).Verify(signed(secret, timestamp, body))
			require.ErrorIs(t, err, webhook.ErrUnverified, timestamp)
		}
	})
}

func TestVerify_RotatedSecrets(t *testing.T) {
	for _, secrets := range [][][]byte{{secret, another}, {another, secret}} {
		v := newVerifier(t, secrets...)
		for _, s := range secrets {
			_, err := v.Verify(signed(s, ago(0), body))
			require.NoError(t, err)
		}
	}
	_, err := newVerifier(t, another).Verify(signed(secret, ago(0), body))
	require.ErrorIs(t, err, webhook.ErrUnverified, "the old one is gone")
}

// What is signed, but not as Sender writes it, is no message.
func TestVerify_StrictJSON(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":             "",
		"no JSON":             "{",
		"null":                "null",
		"an array":            "[" + body + "]",
		"an unknown name":     strings.Replace(body, `{`, `{"bcc":"x",`, 1),
		"a name twice":        strings.Replace(body, `{`, `{"id":"m1",`, 1),
		"another case":        strings.Replace(body, `"to"`, `"To"`, 1),
		"a name in two cases": strings.Replace(body, `{`, `{"ID":"m1",`, 1),
		"the Kelvin sign":     strings.Replace(body, `{`, "{\"lin\u212a\":\"x\",", 1),
		"something after it":  body + "{}",
		"a line after it":     body + "\n",
		"spaces":              strings.Replace(body, `,`, `, `, 1),
		"another order":       `{"channel":"sms","id":"m1","to":"+4915112345678","text":"123456"}`,
		"an empty value":      strings.Replace(body, `{`, `{"user_id":"",`, 1),
		"an escaped letter":   strings.Replace(body, `"m1"`, `"\u006d1"`, 1),
		"invalid UTF-8":       strings.Replace(body, "123456", "\xff", 1),
		"half a surrogate":    strings.Replace(body, "123456", `\ud800`, 1),
		"a number as text":    strings.Replace(body, `"123456"`, `123456`, 1),
		"no channel":          strings.Replace(body, "sms", "pigeon", 1),
		"no id":               strings.Replace(body, `"m1"`, `""`, 1),
		"another zone":        strings.Replace(body, `}`, `,"expires":"2026-03-14T12:00:00+01:00"}`, 1),
		"no time":             strings.Replace(body, `}`, `,"expires":"soon"}`, 1),
		"deep":                strings.Repeat(`{"fields":`, 6_000),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newVerifier(t, secret).Verify(signed(secret, ago(0), body))
			require.Error(t, err)
			require.NotErrorIs(t, err, webhook.ErrUnverified)
			assert.NotContains(t, err.Error(), "m1")
		})
	}
}

// Whoever remembers ids by the header must not be fooled: it is not signed.
func TestVerify_TheHeaderHasTheID(t *testing.T) {
	for _, ids := range [][]string{nil, {"m2"}, {"m1", "m1"}, {""}} {
		r := signed(secret, ago(0), body)
		r.Header["Idempotency-Key"] = ids
		_, err := newVerifier(t, secret).Verify(r)
		require.ErrorContains(t, err, "Idempotency-Key is not the message's id")
	}
}

func TestVerify_TheBodyIsLimitedAndMayBreak(t *testing.T) {
	large := strings.Replace(body, "123456", strings.Repeat("x", 64<<10-len(body)+6), 1)
	require.Len(t, large, 64<<10)
	_, err := newVerifier(t, secret).Verify(signed(secret, ago(0), large))
	require.NoError(t, err)
	_, err = newVerifier(t, secret).Verify(signed(secret, ago(0), strings.Replace(large, "x", "xx", 1)))
	require.ErrorIs(t, err, webhook.ErrUnverified, "a byte too much")

	broken := errors.New("broken")
	r := signed(secret, ago(0), body)
	r.Body = readCloser{iotest.ErrReader(broken)}
	_, err = newVerifier(t, secret).Verify(r)
	require.ErrorIs(t, err, broken)
	require.NotErrorIs(t, err, webhook.ErrUnverified)
}

// FuzzVerify has anything come in, signed rightly and not. What is taken is
// written the same way again, and nothing is taken without its signature.
func FuzzVerify(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte, timestamp, signature, id string) {
		v := newVerifier(t, secret)
		forged := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		forged.Header = http.Header{"Mfa-Timestamp": {timestamp}, "Mfa-Signature": {signature}, "Idempotency-Key": {id}}
		if _, err := v.Verify(forged); err == nil {
			t.Fatalf("taken without a signature: %q", body)
		}
		r := signed(secret, ago(0), string(body))
		r.Header["Idempotency-Key"] = []string{id}
		m, err := v.Verify(r)
		if err != nil {
			return
		}
		var again []byte
		sender := newSender(t, "https://example.com", func(c *webhook.Config) {
			c.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				var b bytes.Buffer
				_, err := b.ReadFrom(r.Body)
				again = b.Bytes()
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, err
			})}
		})
		if err := sender.Send(t.Context(), m); err != nil || !bytes.Equal(again, body) {
			t.Fatalf("%q was taken, and is written %q: %v", body, again, err)
		}
	})
}
