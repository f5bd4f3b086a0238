package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sent is a message in the outbox.
type sent struct{ To, Channel, Purpose, Subject, Text, Code, Link string }

// outbox returns what was sent, the newest first, once there are at least n
// messages.
func (s *server) outbox(n int) []sent {
	s.t.Helper()
	var messages []sent
	require.Eventually(s.t, func() bool {
		a := s.browser().get("/dev/outbox")
		require.Equal(s.t, http.StatusOK, a.status)
		messages = nil
		require.NoError(s.t, json.Unmarshal([]byte(a.body), &messages))
		return len(messages) >= n
	}, 10*time.Second, time.Millisecond)
	return messages
}

// signUpWith makes an account with addresses, which waits for a code.
func (b *browser) signUpWith(name, email, phone string) {
	b.s.t.Helper()
	a := b.post("/signup", object{"username": name, "password": password, "email": email, "phone": phone})
	require.Equal(b.s.t, http.StatusOK, a.status, a.body)
}

// challenge has a code sent, and returns the path of its answer.
func (b *browser) challenge(path string, body object) string {
	b.s.t.Helper()
	a := b.post(path, body)
	require.Equal(b.s.t, http.StatusCreated, a.status, a.body)
	return path + "/" + a.json(b.s.t)["id"].(string)
}

func TestOutboxIsForDevelopmentOnly(t *testing.T) {
	s := start(t)
	b := s.browser()
	for _, path := range []string{"/dev/outbox", "/outbox", "/mfa/signin"} {
		assert.Equal(t, http.StatusNotFound, b.page(path).status, path)
	}
	assert.NotContains(t, b.page("/login").body, "outbox")
	assert.NotContains(t, b.page("/login").body, "/mfa/signin")
	b.signUpWith("alice", "alice@example.com", "+15555550100")
	assert.Equal(t, http.StatusOK, b.get("/api/account").status, "addresses that nobody has verified are none")
}

func TestOutbox(t *testing.T) {
	s := startDev(t)
	b := s.browser()
	assert.JSONEq(t, "[]", b.get("/dev/outbox").body)
	assert.Contains(t, b.page("/outbox").body, "Nothing was sent yet.")
	b.signUpWith("alice", "alice@example.com", "+15555550100")
	b.challenge("/mfa/api/challenges", object{"method": "email"})
	first := s.outbox(1)[0]
	assert.Equal(t, []string{"alice@example.com", "email", "verify"}, []string{first.To, first.Channel, first.Purpose})
	assert.Regexp(t, `^[0-9]{6}$`, first.Code)
	assert.Contains(t, first.Text, first.Code)
	assert.True(t, strings.HasPrefix(first.Link, s.origin+"/mfa/link/"), first.Link)
	assert.NotEmpty(t, first.Subject)
	s.clock.advance(time.Minute)
	b.challenge("/mfa/api/challenges", object{"method": "sms"})
	all := s.outbox(2)
	assert.Equal(t, first, all[1], "the newest comes first")
	assert.Equal(t, []string{"+15555550100", "sms", "verify", ""}, []string{all[0].To, all[0].Channel, all[0].Purpose, all[0].Link})
	assert.True(t, strings.HasSuffix(all[0].Text, "\n@localhost #"+all[0].Code), all[0].Text)

	page := b.page("/outbox")
	assert.Equal(t, http.StatusOK, page.status)
	assert.Contains(t, page.body, first.Code)
	assert.Contains(t, page.body, `href="`+first.Link+`"`)
	assert.Contains(t, b.page("/login").body, `href="/outbox"`)
}

// The outbox is for who asks for it here, by the app's name: no page of a name
// that leads here and no proxy or tunnel gets at the codes.
func TestOutboxIsForThisMachineOnly(t *testing.T) {
	s := startDev(t)
	host := strings.TrimPrefix(s.origin, "http://")
	ask := func(from, host, header string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/dev/outbox", nil)
		r.RemoteAddr, r.Host = from, host
		if header != "" {
			r.Header.Set(header, "192.0.2.1")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	for _, from := range []string{"127.0.0.1:4000", "[::1]:4000", "[::ffff:127.0.0.1]:4000"} {
		assert.Equal(t, http.StatusOK, ask(from, host, ""), from)
		assert.Equal(t, http.StatusNotFound, ask(from, "evil.example", ""))
		for _, header := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"} {
			assert.Equal(t, http.StatusNotFound, ask(from, host, header), header)
		}
	}
	for _, from := range []string{"192.0.2.1:4000", "[2001:db8::1]:4000", "", "@"} {
		assert.Equal(t, http.StatusNotFound, ask(from, host, ""), from)
	}
}

// Whoever has set up an address in development is not locked out without it.
func TestDevelopmentCanEnd(t *testing.T) {
	s := startDev(t)
	b := s.browser()
	b.signUpWith("alice", "", "")
	enrolment := b.challenge("/mfa/api/enrollments", object{"method": "email", "params": object{"address": "alice@example.com"}})
	require.Equal(t, http.StatusCreated, b.post(enrolment, object{"response": s.outbox(1)[0].Code}).status)
	s.stop()
	b = startWith(t, s.database, s.clock, false).browser()
	require.False(t, b.logIn("alice"))
	assert.Equal(t, http.StatusOK, b.get("/api/account").status)
}

// A user who has set up nothing chooses between codes to the addresses that the
// app knows, and an authenticator, which is asked for first from then on.
func TestAddressOfTheAppIsASecondFactor(t *testing.T) {
	s := startDev(t)
	b := s.browser()
	b.signUpWith("alice", "alice@example.com", "+15555550100")
	assert.Equal(t, http.StatusUnauthorized, b.get("/api/account").status)

	a := b.post("/login", object{"username": "alice", "password": password})
	assert.JSONEq(t, `{"pending":true,"methods":["email","sms"]}`, a.body)
	page := b.page("/mfa/verify?return_to=/account").body
	assert.Contains(t, page, "Code by text message")
	setup := regexp.MustCompile(`data-setup="totp" href="([^"]*)"`).FindStringSubmatch(page)
	require.NotNil(t, setup, page)
	assert.Equal(t, http.StatusUnauthorized, b.post("/mfa/api/enrollments", object{"method": "totp"}).status, "not before the code")

	to, err := url.Parse(strings.ReplaceAll(setup[1], "&amp;", "&"))
	require.NoError(t, err)
	page = b.page(to.String()).body
	assert.Contains(t, page, "After this you set up: Authenticator app.")
	a = b.submit("/mfa/verify/send", url.Values{"method": {"email"}, "return_to": {to.Query().Get("return_to")}})
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	a = b.page(a.header.Get("Location"))
	id := regexp.MustCompile(`name="id" value="([^"]*)"`).FindStringSubmatch(a.body)
	require.NotNil(t, id, a.body)
	a = b.submit("/mfa/verify", url.Values{
		"method": {"email"}, "id": {id[1]}, "code": {s.outbox(1)[0].Code}, "return_to": {to.Query().Get("return_to")},
	})
	assert.Equal(t, http.StatusSeeOther, a.status)
	assert.Equal(t, "/mfa/enroll/totp?return_to=%2Faccount", a.header.Get("Location"))
	b.enrollTOTP()
	assert.Equal(t, "enrolled", s.outbox(2)[0].Purpose)

	a = s.browser().post("/login", object{"username": "alice", "password": password})
	assert.JSONEq(t, `{"pending":true,"methods":["totp","email","sms"]}`, a.body)
}

func TestSignInByCodeAndByLink(t *testing.T) {
	s := startDev(t)
	s.browser().signUpWith("alice", "alice@example.com", "")
	b := s.browser()
	assert.Contains(t, b.page("/login").body, "/mfa/signin")
	answer := b.challenge("/mfa/api/signin", object{"method": "email", "username": " Alice "})
	a := b.post(answer, object{"response": s.outbox(1)[0].Code})
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.Equal(t, "aal1", b.get("/api/account").json(t)["aal"], "one inbox is one factor")

	b = s.browser()
	b.challenge("/mfa/api/signin", object{"method": "email", "username": "alice"})
	link, err := url.Parse(s.outbox(2)[0].Link)
	require.NoError(t, err)
	for range 10 {
		assert.Equal(t, http.StatusOK, s.browser().page(link.Path).status)
	}
	a = b.submit(link.Path, nil)
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	assert.Equal(t, http.StatusOK, b.get("/api/account").status)
	assert.Equal(t, http.StatusCreated, b.post("/mfa/api/signin", object{"method": "sms", "username": "nobody"}).status)
}

// L06: whoever had the address before hears that it was changed.
func TestL06_FormerAddressHearsOfTheChange(t *testing.T) {
	s := startDev(t)
	b := s.browser()
	b.signUpWith("alice", "alice@example.com", "")
	assert.Equal(t, http.StatusUnauthorized, b.post("/contact", object{"email": "eve@example.net"}).status, "not before the code")
	answer := b.challenge("/mfa/api/challenges", object{"method": "email"})
	require.Equal(t, http.StatusOK, b.post(answer, object{"response": s.outbox(1)[0].Code}).status)

	a := b.submit("/contact", url.Values{"email": {" new@example.net "}})
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	all := s.outbox(3)
	assert.Equal(t, []string{"new@example.net", "alice@example.com"}, []string{all[0].To, all[1].To})
	assert.Equal(t, "contact_changed", all[0].Purpose)
	assert.Equal(t, all[0].Text, "Hello alice,\n\n"+all[1].Text)
	assert.Equal(t, "new@example.net", b.get("/api/account").json(t)["email"])
	require.Equal(t, http.StatusNoContent, b.post("/contact", object{"email": "new@example.net", "phone": "+15555550100"}).status)
	assert.Contains(t, s.outbox(4)[0].Text, "contact details", "there was no number before")

	s.clock.advance(16 * time.Minute)
	assert.Equal(t, http.StatusUnauthorized, b.post("/contact", object{"email": "eve@example.net"}).status, "a stale session may not")
}
