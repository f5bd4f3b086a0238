package webhook_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/webhook"
)

var (
	secret  = bytes.Repeat([]byte("a"), 32)
	another = bytes.Repeat([]byte("b"), 32)

	full = otpdelivery.Message{
		ID: "m1", UserID: "u1", Channel: otpdelivery.Email, To: "canary@example.com", Purpose: "verify", Locale: "en",
		Subject: "Your <code>", Text: "123456 is your code & no other.\u2028\"Ü\"", HTML: "<p>123456</p>",
		Fields: otpdelivery.Fields{
			App: "Example", Host: "example.com", Name: "Ada", Code: "123456", Link: "https://example.com/mfa/link/x", Minutes: 10,
			Method: "totp", Credential: "phone", First: true, At: time.Date(2026, 3, 14, 12, 0, 0, 1, time.UTC), Left: 2,
		},
		Expires: time.Date(2026, 3, 14, 12, 10, 0, 0, time.UTC),
	}
	least = otpdelivery.Message{ID: "m2", Channel: otpdelivery.SMS, To: "+4915112345678"}
)

func newSender(t testing.TB, url string, change ...func(*webhook.Config)) *webhook.Sender {
	t.Helper()
	cfg := webhook.Config{URL: url, Secret: secret}
	for _, c := range change {
		c(&cfg)
	}
	s, err := webhook.New(cfg)
	require.NoError(t, err)
	return s
}

func newVerifier(t testing.TB, secrets ...[]byte) *webhook.Verifier {
	t.Helper()
	v, err := webhook.NewVerifier(webhook.VerifierConfig{Secrets: secrets})
	require.NoError(t, err)
	return v
}

func start(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestNew_Refuses(t *testing.T) {
	for says, cfg := range map[string]webhook.Config{
		"Config.URL is no https URL": {URL: "http://example.com/canary", Secret: secret},
		"Config.Secret has 0 bytes":  {URL: "https://example.com"},
		"Config.Secret has 31 bytes": {URL: "https://example.com", Secret: secret[1:]},
	} {
		s, err := webhook.New(cfg)
		require.ErrorContains(t, err, says)
		assert.Nil(t, s)
		assert.NotContains(t, err.Error(), "canary")
	}
}

func TestSend_IsWhatVerifyReturns(t *testing.T) {
	local := full
	local.Expires = full.Expires.In(time.FixedZone("", 3600))
	local.Fields.At = full.Fields.At.In(time.FixedZone("", -3600))
	for _, c := range []struct{ sent, want otpdelivery.Message }{{full, full}, {least, least}, {local, full}} {
		var got otpdelivery.Message
		url := start(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, http.MethodPost, r.Method)
			assert.Equal(t, "/mfa", r.URL.Path)
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
			assert.Equal(t, c.sent.ID, r.Header.Get("Idempotency-Key"))
			var err error
			got, err = newVerifier(t, secret).Verify(r)
			assert.NoError(t, err)
			w.WriteHeader(http.StatusAccepted)
		})
		require.NoError(t, newSender(t, url+"/mfa").Send(t.Context(), c.sent))
		assert.Equal(t, c.want, got, "what arrives is what was sent, with its times in UTC")
	}
}

// The bytes are a contract with receivers in other languages.
func TestSend_WireFormat(t *testing.T) {
	var body []byte
	url := start(t, func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) })
	require.NoError(t, newSender(t, url).Send(t.Context(), full))
	assert.Equal(t, `{"id":"m1","user_id":"u1","channel":"email","to":"canary@example.com","purpose":"verify","locale":"en",`+
		`"subject":"Your <code>","text":"123456 is your code & no other.\u2028\"Ü\"","html":"<p>123456</p>",`+
		`"fields":{"app":"Example","host":"example.com","name":"Ada","code":"123456","link":"https://example.com/mfa/link/x","minutes":10,`+
		`"method":"totp","credential":"phone","first":true,"at":"2026-03-14T12:00:00.000000001Z","left":2},"expires":"2026-03-14T12:10:00Z"}`, string(body))
	require.NoError(t, newSender(t, url).Send(t.Context(), least))
	assert.Equal(t, `{"id":"m2","channel":"sms","to":"+4915112345678"}`, string(body))
}

func TestSend_RefusesWhatWouldNotArrive(t *testing.T) {
	var requests atomic.Int32
	sender := newSender(t, start(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	for name, change := range map[string]func(*otpdelivery.Message){
		"too large":          func(m *otpdelivery.Message) { m.Text = strings.Repeat("x", 64<<10) },
		"broken user id":     func(m *otpdelivery.Message) { m.UserID = "canary\xff" },
		"broken text":        func(m *otpdelivery.Message) { m.Text = "canary\xff" },
		"no channel":         func(m *otpdelivery.Message) { m.Channel = "pigeon" },
		"no id":              func(m *otpdelivery.Message) { m.ID = "" },
		"an id of two lines": func(m *otpdelivery.Message) { m.ID = "canary\r\nX: y" },
		"an id with spaces":  func(m *otpdelivery.Message) { m.ID = " canary" },
		"an impossible time": func(m *otpdelivery.Message) { m.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			m := full
			change(&m)
			err := sender.Send(t.Context(), m)
			require.ErrorIs(t, err, otpdelivery.ErrPermanent)
			assert.NotContains(t, err.Error(), "canary")
		})
	}
	assert.Zero(t, requests.Load())
}

func TestSend_Answers(t *testing.T) {
	const taken, again, permanent, later = "taken", "again", "permanent", "later"
	when := http.Header{"Retry-After": {"30"}}
	for _, c := range []struct {
		status int
		header http.Header
		means  string
	}{
		{200, nil, taken}, {201, nil, taken}, {202, nil, taken}, {204, nil, taken},
		{400, nil, permanent}, {401, nil, again}, {403, nil, permanent}, {404, nil, permanent}, {410, nil, permanent}, {422, nil, permanent},
		{400, when, permanent},
		{408, nil, again}, {408, when, again}, {500, nil, again}, {502, nil, again}, {503, nil, again}, {504, nil, again},
		{302, http.Header{"Location": {"/canary"}}, again}, {307, http.Header{"Location": {"/canary"}}, again},
		{429, nil, later}, {429, when, later}, {503, when, later},
	} {
		t.Run(fmt.Sprint(c.status, c.header), func(t *testing.T) {
			var requests atomic.Int32
			url := start(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				maps.Copy(w.Header(), c.header)
				w.WriteHeader(c.status)
				if c.status != http.StatusNoContent {
					_, _ = io.WriteString(w, "canary@example.com 123456")
				}
			})
			err := newSender(t, url+"/canary").Send(t.Context(), full)
			assert.EqualValues(t, 1, requests.Load())
			if c.means == taken {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, fmt.Sprint("webhook: the endpoint answers ", c.status))
			var l *otpdelivery.LaterError
			means := again
			switch {
			case errors.Is(err, otpdelivery.ErrPermanent):
				means = permanent
			case errors.As(err, &l):
				means = later
				assert.Equal(t, c.header.Get("Retry-After") != "", l.After == 30*time.Second)
			}
			assert.Equal(t, c.means, means)
			assert.NotContains(t, err.Error(), "canary")
			assert.NotContains(t, err.Error(), "123456")
		})
	}
}

func TestC13_LostConnectionsTellNothing(t *testing.T) {
	url := start(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			assert.NoError(t, conn.(*net.TCPConn).SetLinger(0))
			assert.NoError(t, conn.Close())
		}
	})
	err := newSender(t, url+"/canary?token=canary").Send(t.Context(), full)
	require.ErrorContains(t, err, "webhook: no answer")
	require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
	assert.NotContains(t, err.Error(), "canary")
}

func TestSend_ClientWithAnAuthorityOfItsOwn(t *testing.T) {
	var got otpdelivery.Message
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if got, err = newVerifier(t, secret).Verify(r); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would complain about the first client
	server.StartTLS()
	t.Cleanup(server.Close)
	err := newSender(t, server.URL).Send(t.Context(), full)
	require.ErrorContains(t, err, "certificate")
	require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
	require.NoError(t, newSender(t, server.URL, func(c *webhook.Config) { c.Client = server.Client() }).Send(t.Context(), full))
	assert.Equal(t, full, got)
	err = newSender(t, server.URL, func(c *webhook.Config) { c.Client, c.Secret = server.Client(), another }).Send(t.Context(), full)
	require.ErrorContains(t, err, "401")
	require.NotErrorIs(t, err, otpdelivery.ErrPermanent, "a secret may be about to be changed")
}

func TestNew_CopiesTheSecret(t *testing.T) {
	mine := bytes.Clone(secret)
	v := newVerifier(t, mine)
	url := start(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := v.Verify(r)
		assert.NoError(t, err)
	})
	sender := newSender(t, url, func(c *webhook.Config) { c.Secret = mine })
	clear(mine)
	require.NoError(t, sender.Send(t.Context(), full))
}

func TestO10_SecretsAreRedacted(t *testing.T) {
	for _, v := range []any{newSender(t, "https://example.com/canary"), newVerifier(t, secret)} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			assert.Regexp(t, `^(Sender|Verifier)\(redacted\)$`, fmt.Sprintf(format, v))
		}
	}
}
