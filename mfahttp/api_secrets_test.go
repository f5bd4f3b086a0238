package mfahttp_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secretsIn collects every string of a JSON value.
func secretsIn(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(raw, &v))
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return out
}

// A secret is shown once, in the answer to the POST that made it.
func TestC08_SecretsAreShownOnce(t *testing.T) {
	a := newApp(t, byMail)
	b := a.newBrowser().login("ada")
	c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
	phone := &totpApp{clock: a.clock, secret: secretOf(t, c)}
	again := b.begin("/mfa/api/enrollments", object{"method": "totp"})
	assert.NotEqual(t, phone.secret, secretOf(t, again), "each enrolment has its own")
	for _, path := range []string{"/mfa/api/enrollments", "/mfa/api/enrollments/" + c.ID} {
		assert.Equal(t, http.StatusMethodNotAllowed, b.do(http.MethodGet, path, nil).status)
	}
	secrets := append(secretsIn(t, c.Prompt), secretsIn(t, again.Prompt)...)
	confirmed := b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": phone.code()})
	require.Equal(t, http.StatusCreated, confirmed.status)
	var done enrollment
	confirmed.into(t, &done)
	codes := b.enrollCodes()
	secrets = append(secrets, codes...)

	crawled := []string{confirmed.body}
	for _, client := range []*browser{b, a.newBrowser().login("ada"), a.newBrowser()} {
		for _, ceremonyID := range []string{c.ID, again.ID} {
			for _, r := range routes(ceremonyID, done.Credential.ID) {
				if r.method == http.MethodDelete || r.body == `{"method":"totp"}` {
					continue
				}
				got := client.send(r.method, r.path, r.body, jsonHeader())
				crawled = append(crawled, got.body)
				for _, values := range got.header {
					crawled = append(crawled, values...)
				}
			}
		}
	}
	all := strings.Join(crawled, "\n")
	for _, secret := range secrets {
		assert.NotContains(t, all, secret)
		assert.NotContains(t, all, strings.ReplaceAll(secret, "-", ""))
	}
}

// Secrets, codes, challenges and session tokens are in no log and no event.
func TestC13_NothingSecretIsLogged(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	var secrets []string
	keep := func(b *browser) {
		secrets = append(secrets, strings.TrimPrefix(cookieOf(t, b).Get("Cookie"), sessionCookie+"="))
	}
	keep(b)
	c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
	phone := &totpApp{clock: a.clock, secret: secretOf(t, c)}
	secrets = append(secrets, phone.secret, phone.code(), c.ID)
	b.finishEnrollment(c.ID, phone.code())
	keep(b)
	codes := b.enrollCodes()
	secrets = append(secrets, codes...)
	c = b.begin("/mfa/api/enrollments", object{"method": "webauthn"})
	key := newSecurityKey()
	secrets = append(secrets, challengeOf(t, c), c.ID)
	b.finishEnrollment(c.ID, key.attest(t, c))

	b = a.newBrowser().login("ada")
	keep(b)
	c = b.begin("/mfa/api/challenges", object{"method": "webauthn"})
	secrets = append(secrets, challengeOf(t, c), c.ID)
	assertion := key.assert(t, c)
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": strings.Repeat("not-an-assertion", 3)}).code())
	secrets = append(secrets, "not-an-assertion")
	c = b.begin("/mfa/api/challenges", object{"method": "webauthn"})
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": assertion}).code(), "an old assertion")
	wrong := phone.wrong()
	assert.Equal(t, "rejected", b.verify("totp", wrong).code())
	assert.Equal(t, "rejected", b.verify("lookup_secret", "wrong-code-canary").code())
	assert.Equal(t, http.StatusOK, b.verify("lookup_secret", codes[0]).status)
	keep(b)
	secrets = append(secrets, wrong, "wrong-code-canary")
	a.store.set(func(call string) error { panic("secret-in-a-panic") })
	b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "refresh": true, "response": phone.next()})
	secrets = append(secrets, phone.code(), "secret-in-a-panic")

	a.mu.Lock()
	events, err := json.Marshal(a.events)
	a.mu.Unlock()
	require.NoError(t, err)
	require.NotEmpty(t, a.logs.String())
	for _, secret := range secrets {
		require.GreaterOrEqual(t, len(secret), 6)
		assert.NotContains(t, a.logs.String(), secret)
		assert.NotContains(t, string(events), secret)
	}
}

func challengeOf(t *testing.T, c ceremony) string {
	t.Helper()
	var prompt struct {
		Challenge string `json:"challenge"`
	}
	require.NoError(t, json.Unmarshal(c.Prompt, &prompt))
	require.NotEmpty(t, prompt.Challenge)
	return prompt.Challenge
}

// What a client sends cannot begin a line of its own in a log.
func TestC14_LogsAreEncoded(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	const attack = "x\n{\"level\":\"INFO\",\"msg\":\"forged\"}\x1b[31m"
	for name, got := range map[string]reply{
		"a new name":  b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "totp", "name": attack}),
		"a name":      b.do(http.MethodPatch, "/mfa/api/credentials/"+phone.credentialID, object{"name": attack}),
		"a method":    b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": attack}),
		"a challenge": b.do(http.MethodPost, "/mfa/api/challenges", object{"method": attack, "refresh": true, "response": attack}),
		"a code":      b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "refresh": true, "response": attack}),
		"an id":       b.do(http.MethodPost, "/mfa/api/challenges/"+url.PathEscape(attack), object{"response": attack}),
	} {
		assert.GreaterOrEqual(t, got.status, 400, name)
		assert.NotContains(t, got.body, "forged", name)
	}
	key := newSecurityKey()
	c := b.begin("/mfa/api/enrollments", object{"method": "webauthn"})
	response := strings.Replace(string(key.attest(t, c)), `"type":"public-key"`, `"type":`+string(mustJSON(t, attack)), 1)
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": json.RawMessage(response)}).code())

	logged := strings.TrimSpace(a.logs.String())
	require.NotEmpty(t, logged)
	for line := range strings.Lines(logged) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
		assert.NotEqual(t, "forged", entry["msg"])
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}
