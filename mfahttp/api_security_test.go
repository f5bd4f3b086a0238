package mfahttp_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// A session between its two factors can see what it is asked for and answer;
// everything else refuses it.
func TestB01_PendingSessions(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	open := map[string]bool{"GET /mfa/api/session": true, "GET /mfa/api/methods": true}
	for _, r := range append(routes("x", phone.credentialID), route{http.MethodGet, "/home", ""}) {
		got := b.send(r.method, r.path, r.body, jsonHeader())
		switch {
		case open[r.String()]:
			assert.Equal(t, http.StatusOK, got.status, r)
		case r.body == `{"method":"totp"}` && strings.HasSuffix(r.path, "/challenges"):
			assert.Equal(t, http.StatusCreated, got.status, r)
		default:
			assert.GreaterOrEqual(t, got.status, 400, r)
		}
	}
	for _, r := range []route{
		{http.MethodGet, "/mfa/api/credentials", ""},
		{http.MethodPost, "/mfa/api/enrollments", `{"method":"totp"}`},
		{http.MethodPost, "/mfa/api/enrollments", `{"method":"webauthn"}`},
		{http.MethodPost, "/mfa/api/enrollments", `{"method":"lookup_secret"}`},
		{http.MethodPatch, "/mfa/api/credentials/" + phone.credentialID, `{"name":"x"}`},
		{http.MethodDelete, "/mfa/api/credentials/" + phone.credentialID, ""},
		{http.MethodGet, "/home", ""},
	} {
		got := b.send(r.method, r.path, r.body, jsonHeader())
		assert.Equal(t, http.StatusUnauthorized, got.status, r)
		assert.Equal(t, "step_up_required", got.code(), r)
	}
	assert.False(t, b.session().Active)
	assert.Equal(t, "aal1", b.session().AAL)
	assert.Equal(t, http.StatusOK, b.verify("totp", phone.next()).status)
}

// The user of a request is the session's, never the request's.
func TestB03_UserIDsInRequestsAreRefused(t *testing.T) {
	a := newApp(t)
	a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("bob")
	for _, member := range []string{"user_id", "user", "username", "session", "id", "credential_id"} {
		got := b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "totp", member: "ada"})
		assert.Equal(t, "bad_request", got.code(), member)
	}
	assert.Equal(t, "not_enrolled", b.do(http.MethodPost, "/mfa/api/challenges?user_id=ada", object{"method": "totp", "params": object{"user_id": "ada"}}).code())
}

// A ceremony is good for one user, one session and one purpose, and its id is
// not to be mistaken for another kind's.
func TestB05_CeremoniesAreBound(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	b := a.newBrowser().login("ada")
	challenge := b.begin("/mfa/api/challenges", object{"method": "totp"})
	raw, err := base64.RawURLEncoding.DecodeString(challenge.ID)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(raw), 16)
	enrolling := owner.begin("/mfa/api/enrollments", object{"method": "totp"})
	enrollingPhone := &totpApp{clock: a.clock, secret: secretOf(t, enrolling)}

	a.clock.Advance(30 * time.Second)
	code := phone.code()
	bob := a.newBrowser().login("bob")
	for name, got := range map[string]reply{
		"another user":             bob.do(http.MethodPost, "/mfa/api/challenges/"+challenge.ID, object{"response": code}),
		"another session":          a.newBrowser().login("ada").do(http.MethodPost, "/mfa/api/challenges/"+challenge.ID, object{"response": code}),
		"a challenge to enrol":     owner.do(http.MethodPost, "/mfa/api/enrollments/"+challenge.ID, object{"response": code}),
		"an enrolment to verify":   owner.do(http.MethodPost, "/mfa/api/challenges/"+enrolling.ID, object{"response": enrollingPhone.code()}),
		"another user's enrolment": bob.do(http.MethodPost, "/mfa/api/enrollments/"+enrolling.ID, object{"response": enrollingPhone.code()}),
		"a credential's id":        b.do(http.MethodPost, "/mfa/api/challenges/"+phone.credentialID, object{"response": code}),
		"the session's id":         b.do(http.MethodPost, "/mfa/api/challenges/"+b.session().ID, object{"response": code}),
		"the code":                 b.do(http.MethodPost, "/mfa/api/challenges/"+code, object{"response": code}),
		"digits":                   b.do(http.MethodPost, "/mfa/api/challenges/1", object{"response": code}),
	} {
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, name)
		assert.Equal(t, "rejected", got.code(), name)
	}
	assert.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/challenges/"+challenge.ID, object{"response": code}).status, "none of these spent it")
}

// Whatever is a part of an id, or more than it, is another id.
func TestM04_IdsAreExact(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	b := a.newBrowser().login("ada")
	c := b.begin("/mfa/api/challenges", object{"method": "totp"})
	code := phone.next()
	variants := func(id string) []string {
		out := []string{id + "A", id + "%20", "%20" + id, id + "%00", id + "=", strings.ToUpper(id), strings.ToLower(id)}
		for n := 1; n < len(id); n++ {
			out = append(out, id[:n], id[n:])
		}
		return out
	}
	for _, id := range variants(c.ID) {
		if id != c.ID {
			assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/challenges/"+id, object{"response": code}).code(), id)
		}
	}
	for _, id := range variants(phone.credentialID) {
		if id != phone.credentialID {
			assert.Equal(t, "not_found", owner.do(http.MethodDelete, "/mfa/api/credentials/"+id, nil).code(), id)
		}
	}
	assert.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": code}).status)
}

// concurrently sends a request n times at once and counts the statuses.
func concurrently(t *testing.T, n int, do func(i int) (reply, error)) map[int]int {
	t.Helper()
	start := make(chan struct{})
	replies, errs := make([]reply, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			replies[i], errs[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	statuses := map[int]int{}
	for i := range n {
		require.NoError(t, errs[i])
		statuses[replies[i].status]++
	}
	return statuses
}

// cookieOf is the header that carries a browser's session.
func cookieOf(t *testing.T, b *browser) http.Header {
	t.Helper()
	u, err := url.Parse(b.a.server.URL)
	require.NoError(t, err)
	cookies := b.client.Jar.Cookies(u)
	require.Len(t, cookies, 1)
	h := jsonHeader()
	h.Set("Cookie", cookies[0].String())
	return h
}

// Of 32 answers with the same right code at once one is accepted, though the
// session is of the kind that can be replayed.
func TestB06_OneOf32(t *testing.T) {
	for name, path := range map[string]string{"with a ceremony": "/{id}", "at once": ""} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.session.replayable = true
			phone := a.newBrowser().login("ada").enrollTOTP()
			b := a.newBrowser().login("ada")
			body := `{"method":"totp","response":"` + phone.next() + `"}`
			if path != "" {
				path = "/" + b.begin("/mfa/api/challenges", object{"method": "totp"}).ID
				body = `{"response":"` + phone.code() + `"}`
			}
			header := cookieOf(t, b)
			stranger := a.newBrowser()
			stranger.client.Jar = nil
			statuses := map[int]int{}
			for statuses[http.StatusOK] == 0 {
				got := concurrently(t, 32, func(int) (reply, error) {
					return stranger.try(http.MethodPost, "/mfa/api/challenges"+path, body, header)
				})
				statuses[http.StatusOK] += got[http.StatusOK]
				for status := range got {
					assert.Contains(t, []int{200, 422, 429}, status)
				}
				if got[http.StatusTooManyRequests] < 32 && statuses[http.StatusOK] == 0 {
					t.Fatalf("the right code was never accepted: %v", got)
				}
			}
			assert.Equal(t, 1, statuses[http.StatusOK])
			assert.Len(t, a.eventsOf(mfa.EventVerified), 1)
		})
	}
}

// Of 32 confirmations of one enrolment at once one makes a credential.
func TestB06_OneEnrollmentOf32(t *testing.T) {
	a := newApp(t)
	a.session.replayable = true
	b := a.newBrowser().login("ada")
	c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
	phone := &totpApp{clock: a.clock, secret: secretOf(t, c)}
	header, body := cookieOf(t, b), `{"response":"`+phone.code()+`"}`
	stranger := a.newBrowser()
	stranger.client.Jar = nil
	statuses := concurrently(t, 32, func(int) (reply, error) {
		return stranger.try(http.MethodPost, "/mfa/api/enrollments/"+c.ID, body, header)
	})
	assert.Equal(t, 1, statuses[http.StatusCreated], statuses)
	assert.Len(t, a.eventsOf(mfa.EventEnrolled), 1)
}

// What finished one login does nothing for another.
func TestB07_FinishedStepsCannotBeReplayed(t *testing.T) {
	a := newApp(t)
	a.session.replayable = true
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	c := b.begin("/mfa/api/challenges", object{"method": "totp"})
	request := object{"response": phone.next()}
	before := cookieOf(t, b)
	require.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, request).status)

	for name, replayer := range map[string]*browser{"without a session": a.newBrowser(), "another login": a.newBrowser().login("ada"), "another user": a.newBrowser().login("bob")} {
		got := replayer.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, request)
		assert.GreaterOrEqual(t, got.status, 400, name)
		got = replayer.verify("totp", request["response"].(string))
		assert.GreaterOrEqual(t, got.status, 400, name)
		assert.NotEqual(t, http.StatusOK, replayer.do(http.MethodGet, "/mfa/api/session?required_aal=aal2", nil).status, name)
	}
	// The pending session that it belonged to, kept by a thief.
	stranger := a.newBrowser()
	stranger.client.Jar = nil
	got := stranger.send(http.MethodPost, "/mfa/api/challenges/"+c.ID, `{"response":"`+request["response"].(string)+`"}`, before)
	assert.Equal(t, "rejected", got.code())
	assert.Equal(t, http.StatusForbidden, stranger.send(http.MethodGet, "/mfa/api/session?required_aal=aal2", "", before).status)
}

func TestB08_ElevationRenewsTheSession(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	before := cookieOf(t, b)
	require.Equal(t, http.StatusOK, b.verify("totp", phone.next()).status)
	assert.NotEqual(t, before.Get("Cookie"), cookieOf(t, b).Get("Cookie"))
	stranger := a.newBrowser()
	stranger.client.Jar = nil
	assert.Equal(t, "no_session", stranger.send(http.MethodGet, "/mfa/api/session", "", before).code())
}

// Putting back an old cookie brings back no attempts.
func TestB11_CountersAreNotTheClients(t *testing.T) {
	a := newApp(t)
	a.session.replayable = true
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	saved := cookieOf(t, b)
	stranger := a.newBrowser()
	stranger.client.Jar = nil
	guess := func(code string) reply {
		return stranger.send(http.MethodPost, "/mfa/api/challenges", `{"method":"totp","response":"`+code+`"}`, saved)
	}
	for range 5 {
		require.Equal(t, "rejected", guess(phone.wrong()).code())
	}
	assert.Equal(t, "throttled", guess(phone.code()).code())
	assert.Equal(t, "throttled", a.newBrowser().login("ada").verify("totp", phone.code()).code(), "a new login")
}

// Every endpoint that judges a guess takes it from the one budget of the user.
func TestJ07_EveryEndpointCounts(t *testing.T) {
	guesses := map[string]func(b *browser, p *totpApp) reply{
		"challenge at once": func(b *browser, p *totpApp) reply { return b.verify("totp", p.wrong()) },
		"refresh at once": func(b *browser, p *totpApp) reply {
			return b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "refresh": true, "response": p.wrong()})
		},
		"challenge": func(b *browser, p *totpApp) reply {
			c := b.begin("/mfa/api/challenges", object{"method": "totp", "refresh": true})
			return b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": p.wrong()})
		},
		"enrolment": func(b *browser, p *totpApp) reply {
			c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
			wrong := &totpApp{clock: p.clock, secret: secretOf(b.a.t, c)}
			return b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": wrong.wrong()})
		},
	}
	for first, guess := range guesses {
		t.Run(first, func(t *testing.T) {
			a := newApp(t)
			full := a.newBrowser().login("ada")
			phone := full.enrollTOTP()
			pending := a.newBrowser().login("ada")
			who := full
			if first == "challenge at once" {
				who = pending // a full session would be told that it needs none
			}
			for range 5 {
				require.Equal(t, "rejected", guess(who, phone).code())
			}
			for name, other := range guesses {
				who := full
				if name == "challenge at once" {
					who = pending
				}
				assert.Equal(t, "throttled", other(who, phone).code(), "%s after %s", name, first)
			}
			assert.Equal(t, "throttled", pending.verify("totp", phone.code()).code(), "the right code after %s", first)
		})
	}
}

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
	a := newApp(t)
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

// The client's word that it has verified counts for nothing.
func TestC15_ClaimsAreNotEvidence(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	key := owner.enrollKey("Blue key")
	b := a.newBrowser().login("ada")
	for _, body := range []string{
		`{"method":"webauthn","verified":true}`,
		`{"method":"webauthn","verified":true,"response":{}}`,
		`{"method":"totp","aal":"aal2"}`,
		`{"method":"totp","amr":["otp"],"response":"123456"}`,
	} {
		assert.Equal(t, "bad_request", b.do(http.MethodPost, "/mfa/api/challenges", body).code(), body)
	}
	c := b.begin("/mfa/api/challenges", object{"method": "webauthn"})
	for _, response := range []any{
		key.credentialID, phone.credentialID, object{"id": key.credentialID}, object{"verified": true}, object{"user_verified": true, "type": "public-key"}, phone.next(),
	} {
		assert.GreaterOrEqual(t, b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": response}).status, 400)
		c = b.begin("/mfa/api/challenges", object{"method": "webauthn"})
	}
	assert.GreaterOrEqual(t, b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "webauthn", "response": object{"id": key.credentialID}}).status, 400)
	assert.Equal(t, "aal1", b.session().AAL)
	assert.False(t, b.session().Active)
}

// A code is a string of ASCII digits. Other JSON types are not looked at: they
// cost no attempt.
func TestD10_TypesOfCodes(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	a.clock.Advance(30 * time.Second)
	code := phone.code()
	for _, response := range []string{code, "-" + code, "1e6", "null", "true", "false", `["` + code + `"]`, `[]`, `"` + code, `'` + code + `'`} {
		writes := a.store.written()
		got := b.do(http.MethodPost, "/mfa/api/challenges", `{"method":"totp","response":`+response+`}`)
		assert.Equal(t, http.StatusBadRequest, got.status, response)
		assert.Equal(t, writes, a.store.written(), response)
	}
	fullWidth := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
	for _, response := range []any{object{"code": code}, "", fullWidth, code + "0"} {
		got := b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "response": response})
		assert.Equal(t, "rejected", got.code(), response)
	}
	assert.Equal(t, http.StatusOK, b.verify("totp", code).status)
}

// The secret is the server's: what a client sends for one is refused or
// ignored.
func TestD12_SecretsOfClientsAreIgnored(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	const chosen = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	assert.Equal(t, "bad_request", b.do(http.MethodPost, "/mfa/api/enrollments", object{"method": "totp", "secret": chosen}).code())
	c := b.begin("/mfa/api/enrollments", object{"method": "totp", "params": object{"secret": chosen, "digits": "1", "period": "3600", "algorithm": "none"}})
	assert.NotEqual(t, chosen, secretOf(t, c))
	attackers := &totpApp{clock: a.clock, secret: chosen}
	phone := &totpApp{clock: a.clock, secret: secretOf(t, c)}
	assert.Equal(t, "bad_request", b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": attackers.code(), "secret": chosen}).code())
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": attackers.code()}).code())
	b.finishEnrollment(c.ID, phone.code())
}

// The time is the server's.
func TestD15_ClientTimeIsIgnored(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	future := &clock{now: a.clock.Now().Add(time.Hour)}
	early := (&totpApp{clock: future, secret: phone.secret}).code()
	for _, member := range []string{"time", "timestamp", "now", "skew", "window"} {
		got := b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "response": early, member: future.now.Unix()})
		assert.Equal(t, "bad_request", got.code(), member)
	}
	header := jsonHeader()
	header.Set("Date", future.now.Format(http.TimeFormat))
	assert.Equal(t, "rejected", b.send(http.MethodPost, "/mfa/api/challenges?time=9999999999", `{"method":"totp","response":"`+early+`"}`, header).code())
	got := b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "response": early, "params": object{"time": "9999999999", "skew": "1000"}})
	assert.Equal(t, "rejected", got.code())
}

// A refusal of a WebAuthn answer says nothing about what was expected.
func TestG12_RefusalsOfKeysSayNothing(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	key := owner.enrollKey("Blue key")
	b := a.newBrowser().login("ada")
	for name, spoil := range map[string]func(string) string{
		"challenge": func(s string) string { return s },
		"type":      func(s string) string { return strings.Replace(s, "public-key", "password", 1) },
		"empty":     func(string) string { return "{}" },
		"id":        func(s string) string { return strings.Replace(s, `"rawId":"`, `"rawId":"AAAA`, 1) },
	} {
		old := b.begin("/mfa/api/challenges", object{"method": "webauthn"})
		response := spoil(string(key.assert(t, old)))
		c := b.begin("/mfa/api/challenges", object{"method": "webauthn"})
		got := b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": json.RawMessage(response)})
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, name)
		assert.JSONEq(t, `{"status":422,"code":"rejected","title":"That did not work"}`, got.body, name)
		assert.NotContains(t, a.logs.String(), challengeOf(t, c), name)
	}
}

func TestL03_CredentialsOfOthers(t *testing.T) {
	a := newApp(t)
	owner := a.newBrowser().login("ada")
	phone := owner.enrollTOTP()
	eve := a.newBrowser().login("eve")
	eve.enrollTOTP()
	path := "/mfa/api/credentials/" + phone.credentialID
	unknown := eve.do(http.MethodDelete, "/mfa/api/credentials/unknown", nil)
	for name, got := range map[string]reply{
		"remove": eve.do(http.MethodDelete, path, nil),
		"rename": eve.do(http.MethodPatch, path, object{"name": "mine"}),
	} {
		assert.Equal(t, http.StatusNotFound, got.status, name)
		assert.Equal(t, unknown.body, got.body, name)
	}
	assert.NotContains(t, eve.do(http.MethodGet, "/mfa/api/credentials", nil).body, phone.credentialID)
	var list []credentialDocument
	owner.do(http.MethodGet, "/mfa/api/credentials", nil).into(t, &list)
	require.Len(t, list, 1)
	assert.Equal(t, "totp", list[0].Name)
}

func TestL07_NothingCanBeClearedByPatching(t *testing.T) {
	a := newApp(t)
	b := a.newBrowser().login("ada")
	phone := b.enrollTOTP()
	path := "/mfa/api/credentials/" + phone.credentialID
	for _, body := range []string{
		`{"mfa":null}`, `{"name":null}`, `{}`, `null`, `{"name":"x","data":null}`, `{"name":"x","method":""}`, `{"name":"x","user_id":"eve"}`, `{"secret":""}`,
		`{"enabled":false}`, `{"name":{"$unset":true}}`, `[{"op":"remove","path":"/"}]`,
	} {
		assert.Equal(t, "bad_request", b.do(http.MethodPatch, path, body).code(), body)
	}
	for _, name := range []string{"", " ", strings.Repeat("x", 65), "a\u202eb", "a\x00b"} {
		assert.Equal(t, http.StatusBadRequest, b.do(http.MethodPatch, path, object{"name": name}).status, "%q", name)
	}
	assert.Equal(t, "totp", b.begin("/mfa/api/challenges", object{"method": "totp", "refresh": true}).Method)
	var list []credentialDocument
	b.do(http.MethodGet, "/mfa/api/credentials", nil).into(t, &list)
	require.Len(t, list, 1)
	assert.Equal(t, "totp", list[0].Name)
}

// Whoever has only the password, or an old proof, manages nothing.
func TestL01_ManagingNeedsAFreshProof(t *testing.T) {
	a := newApp(t)
	stale := a.newBrowser().login("ada")
	phone := stale.enrollTOTP()
	open := stale.begin("/mfa/api/enrollments", object{"method": "totp"})
	other := &totpApp{clock: a.clock, secret: secretOf(t, open)}
	a.clock.Advance(15*time.Minute + time.Second)
	stale.login("ada") // a fresh password freshens no second factor
	for _, b := range []*browser{stale, a.newBrowser().login("ada")} {
		for _, r := range []route{
			{http.MethodPost, "/mfa/api/enrollments", `{"method":"totp"}`},
			{http.MethodPost, "/mfa/api/enrollments", `{"method":"lookup_secret"}`},
			{http.MethodPatch, "/mfa/api/credentials/" + phone.credentialID, `{"name":"x"}`},
			{http.MethodDelete, "/mfa/api/credentials/" + phone.credentialID, ``},
		} {
			got := b.send(r.method, r.path, r.body, jsonHeader())
			assert.Equal(t, http.StatusUnauthorized, got.status, r)
			assert.Equal(t, "step_up_required", got.code(), r)
		}
	}
	assert.GreaterOrEqual(t, stale.do(http.MethodPost, "/mfa/api/enrollments/"+open.ID, object{"response": other.code()}).status, 400)
	require.Equal(t, http.StatusOK, stale.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "refresh": true, "response": phone.next()}).status)
	assert.Equal(t, http.StatusNoContent, stale.do(http.MethodDelete, "/mfa/api/credentials/"+phone.credentialID, nil).status)
}
