package webapp

import (
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
	"github.com/go-mfa/mfa/mfatest"
)

// tape keeps every answer of a run as it went over the wire.
type tape struct {
	mu      sync.Mutex
	answers []string
}

func (s *tape) seen(r *http.Response, body []byte) {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s %d\n", r.Request.Method, r.Request.URL, r.StatusCode)
	_ = r.Header.Write(&text) // a strings.Builder never fails
	text.Write(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, text.String())
}

// from returns what was answered from the n-th answer on.
func (s *tape) from(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.answers[n:], "\n")
}

func (s *tape) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answers)
}

// spellings are the forms in which a secret could show up somewhere.
func spellings(t *testing.T, secret string) []string {
	t.Helper()
	all := []string{secret, strings.ToLower(secret), strings.ReplaceAll(secret, "-", ""), base64.StdEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret)}
	for i := 4; i < len(secret) && !strings.Contains(secret, "-"); i += 4 {
		if len(secret) >= 16 {
			all = append(all, secret[:i]+" "+secret[i:min(i+4, len(secret))])
		}
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err == nil && len(raw) >= 16 {
		all = append(all, string(raw), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw))
	}
	return all
}

func absent(t *testing.T, haystack, where, what, secret string) {
	t.Helper()
	require.NotEmpty(t, secret)
	require.GreaterOrEqual(t, len(secret), 6)
	for _, s := range spellings(t, secret) {
		if strings.Contains(haystack, s) {
			t.Errorf("%s shows %s", where, what)
			return
		}
	}
}

// A whole run is recorded, with everything that is enrolled, used and refused
// in it. What must stay secret is then searched for in all answers after the
// one that had to show it, in all log lines, and in the database.
func TestC13_SecretsAreNowhere(t *testing.T) {
	demo := testenv.StartDemo(t, testenv.Options{})
	var recorded tape
	c := testenv.NewClient(t, demo.Origin)
	c.Seen = recorded.seen
	key := mfatest.NewAuthenticator("localhost", demo.Origin)
	tokens := map[string]bool{}
	note := func() {
		for _, cookie := range c.Cookies() {
			tokens[cookie.Value] = true
		}
	}
	c.SignUp("alice")
	note()
	ceremony := c.BeginEnroll()
	shown := recorded.len()
	code := c.App.Code(demo.Clock.Now())
	c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/enrollments/"+ceremony, testenv.Object{"response": code})
	note()
	c.CreateCodes()
	codesShown := recorded.len() - 1 // the confirmation is the last
	note()

	var begun struct {
		ID     string `json:"id"`
		Prompt struct {
			Challenge string `json:"challenge"`
		} `json:"prompt"`
	}
	var prompt struct {
		Prompt any `json:"prompt"`
	}
	a := c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/enrollments", testenv.Object{"method": "webauthn"})
	a.Into(t, &begun)
	a.Into(t, &prompt)
	challengeShown := recorded.len()
	challenge := begun.Prompt.Challenge
	c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/enrollments/"+begun.ID, testenv.Object{"response": raw(key.Register(t, prompt.Prompt))})
	note()

	// A ceremony that stays open, whose id nobody may find.
	var open struct {
		ID     string `json:"id"`
		Prompt struct {
			Challenge string `json:"challenge"`
		} `json:"prompt"`
	}
	c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/challenges", testenv.Object{"method": "webauthn", "refresh": true}).Into(t, &open)
	openShown := recorded.len()

	used := []string{code}
	for i := range 3 {
		code := c.App.Code(demo.Clock.Advance(30 * time.Second))
		used = append(used, code)
		_, err := c.Verify("totp", code)
		require.NoError(t, err)
		_, err = c.Verify("totp", code)
		require.NoError(t, err)
		_, err = c.Verify("lookup_secret", c.Codes[i])
		require.NoError(t, err)
		_, err = c.Submit("/mfa/verify", url.Values{"method": {"lookup_secret"}, "code": {c.Codes[i]}})
		require.NoError(t, err)
		note()
	}
	crawl(t, c, open.ID)
	note()

	after := recorded.from(shown)
	absent(t, after, "an answer after the enrolment", "the TOTP secret", c.Secret)
	for i, code := range c.Codes {
		absent(t, recorded.from(codesShown), "an answer after the confirmation", fmt.Sprintf("recovery code %d", i), code)
	}
	absent(t, recorded.from(challengeShown), "a later answer", "a WebAuthn challenge", challenge)
	absent(t, recorded.from(openShown), "a later answer", "an open challenge", open.Prompt.Challenge)

	logs := demo.Log.String()
	require.Contains(t, logs, "verified", "the log is complete")
	require.Contains(t, logs, "refused")
	secrets := map[string]string{"the TOTP secret": c.Secret, "the password": testenv.Password, "a challenge": challenge, "an open challenge": open.Prompt.Challenge, "an open ceremony": open.ID}
	for i, code := range c.Codes {
		secrets[fmt.Sprintf("recovery code %d", i)] = code
	}
	for token := range tokens {
		secrets["a session token "+token[:4]] = token
	}
	database := dump(t, demo.Database)
	for what, secret := range secrets {
		absent(t, logs, "the log", what, secret)
		absent(t, database, "the database", what, secret)
	}
	for _, code := range used {
		assert.NotRegexp(t, `\b`+code+`\b`, logs, "a used TOTP code in the log")
	}
	// E02: not as a digest either that somebody without the key could check.
	for _, code := range c.Codes {
		plain := sha256.Sum256([]byte(strings.ReplaceAll(code, "-", "")))
		assert.NotContains(t, database, string(plain[:]))
	}
	for answer := range strings.SplitSeq(recorded.from(0), "\n") {
		if strings.HasPrefix(answer, "Set-Cookie:") {
			assert.Contains(t, answer, "HttpOnly")
			assert.Contains(t, answer, "SameSite=Lax")
		}
	}
}

// crawl asks for everything that there is.
func crawl(t *testing.T, c *testenv.Client, ceremony string) {
	t.Helper()
	for _, path := range []string{
		"/", "/account", "/api/account", "/lax", "/keys-only", "/login", "/signup", "/mfa/", "/mfa/verify", "/mfa/enroll/totp", "/mfa/enroll/webauthn",
		"/mfa/enroll/lookup_secret", "/mfa/recovery-codes", "/mfa/api/session", "/mfa/api/session?required_aal=aal2", "/mfa/api/methods", "/mfa/api/credentials",
		"/mfa/api/challenges", "/mfa/api/challenges/" + ceremony, "/mfa/api/enrollments/" + ceremony, "/mfa/api/nothing",
	} {
		a := c.Page(path)
		assert.Less(t, a.Status, 500, path)
		a = c.Do(http.MethodGet, path, nil)
		assert.Less(t, a.Status, 500, path)
	}
	for _, request := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, "/mfa/api/challenges/" + ceremony, testenv.Object{"response": "000000"}},
		{http.MethodPost, "/mfa/api/enrollments/" + ceremony, testenv.Object{"response": "000000"}},
		{http.MethodPost, "/mfa/api/challenges/" + ceremony + "/resend", testenv.Object{}},
		{http.MethodPost, "/mfa/api/enrollments", testenv.Object{"method": "nothing"}},
		{http.MethodPatch, "/mfa/api/credentials/nothing", testenv.Object{"name": "x"}},
		{http.MethodDelete, "/mfa/api/credentials/nothing", testenv.Object{}},
		{http.MethodPost, "/transfer", testenv.Object{"amount": 1}},
	} {
		a := c.Do(request.method, request.path, request.body)
		assert.Less(t, a.Status, 500, request.path)
	}
}

// dump returns every byte of the database's files, while it is in use.
func dump(t *testing.T, database string) string {
	t.Helper()
	rows := 0
	testenv.Query(t, database, func(*sql.Rows) error { rows++; return nil }, `SELECT 1 FROM mfa_credentials UNION ALL SELECT 1 FROM mfa_records UNION ALL SELECT 1 FROM sessions`)
	require.Greater(t, rows, 4, "something is stored")
	var all strings.Builder
	for _, suffix := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(database + suffix)
		if suffix != "-wal" || err == nil {
			require.NoError(t, err)
		}
		all.Write(b)
	}
	require.Contains(t, all.String(), "webauthn", "the dump is of the right files")
	return all.String()
}
