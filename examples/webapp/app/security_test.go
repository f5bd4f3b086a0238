package app_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

// pending returns a browser that has given the password of a user with an
// authenticator, and nothing more.
func (s *server) pending(name string) *browser {
	s.t.Helper()
	owner := s.enrolled(name)
	b := s.browser()
	b.secret = owner.secret
	require.True(s.t, b.logIn(name))
	return b
}

// The library's routes, with everything that takes an id given one.
var libraryRoutes = []string{
	"GET /mfa/", "GET /mfa/enroll/totp", "POST /mfa/enroll/totp", "GET /mfa/enroll/webauthn", "GET /mfa/recovery-codes", "POST /mfa/recovery-codes",
	"GET /mfa/enroll/email", "POST /mfa/enroll/email", "POST /mfa/enroll/sms/confirm", "POST /mfa/enroll/sms/resend", "POST /mfa/verify/send", "POST /mfa/verify/resend",
	"POST /mfa/signin/code", "POST /mfa/signin/resend", "POST /mfa/api/signin/x/resend",
	"GET /mfa/api/credentials", "POST /mfa/api/enrollments", "POST /mfa/api/enrollments/x", "POST /mfa/api/enrollments/x/resend",
	"POST /mfa/api/challenges/x", "POST /mfa/api/challenges/x/resend", "PATCH /mfa/api/credentials/x", "DELETE /mfa/api/credentials/x",
	"POST /mfa/api/signin", "POST /mfa/api/signin/x", "GET /mfa/api/session?required_aal=aal2",
}

// What a pending session may have beyond what everybody has: the way to its
// second factor, and the way out.
var pendingMayHave = []string{"POST /logout"}

func TestB01_PendingLoginOpensNoRoute(t *testing.T) {
	s := startDev(t)
	b := s.pending("alice")
	nobody := s.browser()
	bodies := []struct{ contentType, body string }{
		{"", ""},
		{"application/json", `{"amount":10,"method":"totp","name":"x","username":"alice","password":"wrong","response":"000000"}`},
		{"application/x-www-form-urlencoded", "amount=10&username=alice&password=wrong"},
	}
	checked := 0
	for _, pattern := range slices.Concat(s.RoutePatterns(), libraryRoutes) {
		if slices.Contains(pendingMayHave, pattern) {
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.TrimSuffix(path, "{$}")
		for _, body := range bodies {
			for _, m := range []string{method, http.MethodHead, http.MethodOptions} {
				for _, accept := range []string{"application/json", "text/html"} {
					header := http.Header{"Accept": {accept}, "Sec-Fetch-Site": {"same-origin"}}
					got := b.do(m, path, body.contentType, body.body, header)
					checked++
					if got.status >= 200 && got.status < 300 {
						public := nobody.do(m, path, body.contentType, body.body, header)
						assert.Equal(t, public.status, got.status, "%s %s is open to a pending session and to nobody else", m, path)
					}
				}
			}
		}
	}
	assert.Greater(t, checked, 400)
	require.True(t, b.logIn("alice"), "still pending")
	require.Equal(t, http.StatusOK, b.verify().status, "what it may have is its second factor")
	assert.Equal(t, http.StatusOK, b.get("/api/account").status)
}

func TestB02_CookiesOfAPasswordLoginAreWorthNothing(t *testing.T) {
	s := start(t)
	owner := s.enrolled("alice")
	b := s.browser()
	b.secret = owner.secret
	var cookies []*http.Cookie
	for _, a := range []answer{
		b.post("/login", object{"username": "alice", "password": password}),
		b.submit("/login", url.Values{"username": {"alice"}, "password": {password}}),
		b.page("/mfa/verify"),
		b.get("/mfa/api/session"),
	} {
		cookies = append(cookies, (&http.Response{Header: a.header}).Cookies()...)
	}
	require.NotEmpty(t, cookies)
	require.Less(t, len(cookies), 10)
	for subset := range 1 << len(cookies) {
		thief := s.browser()
		var chosen []*http.Cookie
		for i, c := range cookies {
			if subset>>i&1 == 1 {
				chosen = append(chosen, c)
			}
		}
		thief.setCookies(chosen)
		for _, path := range []string{"/api/account", "/lax", "/keys-only"} {
			assert.Equal(t, http.StatusUnauthorized, thief.get(path).status, "%s with cookies %b", path, subset)
		}
	}
}

func TestB03_FailedLoginAndInjectedIDsNameNobody(t *testing.T) {
	s := start(t)
	victim := s.enrolled("victim")
	attacker := s.enrolled("attacker")

	a := attacker.post("/login", object{"username": "victim", "password": "wrong", "user_id": "victim", "id": "victim"})
	require.Equal(t, http.StatusUnauthorized, a.status)
	a = attacker.submit("/login?user=victim", url.Values{"username": {"attacker"}, "password": {password}, "user": {"victim"}, "user_id": {"victim"}})
	require.Equal(t, http.StatusSeeOther, a.status)
	assert.Equal(t, "attacker", attacker.get("/api/account").json(t)["username"])

	// Managing factors acts on whoever is signed in.
	require.Equal(t, http.StatusOK, attacker.verify().status)
	credentials := attacker.credentials()
	require.Len(t, credentials, 1)
	a = attacker.do(http.MethodDelete, "/mfa/api/credentials/"+credentials[0], "", "", http.Header{"X-User": {"victim"}, "Sec-Fetch-Site": {"same-origin"}})
	assert.Equal(t, http.StatusNoContent, a.status, a.body)
	assert.Len(t, victim.credentials(), 1, "the victim's authenticator is untouched")

	// And on nothing that belongs to somebody else.
	theirs := victim.credentials()[0]
	assert.Equal(t, http.StatusNotFound, attacker.do(http.MethodDelete, "/mfa/api/credentials/"+theirs, "", "", http.Header{"Sec-Fetch-Site": {"same-origin"}}).status)
	assert.Equal(t, []string{theirs}, victim.credentials())
}

func (b *browser) credentials() (ids []string) {
	b.s.t.Helper()
	a := b.get("/mfa/api/credentials")
	require.Equal(b.s.t, http.StatusOK, a.status, a.body)
	for _, found := range credentialID.FindAllStringSubmatch(a.body, -1) {
		ids = append(ids, found[1])
	}
	return ids
}

func TestB04_SecondLoginDoesNotMixUsers(t *testing.T) {
	s := start(t)
	first := s.enrolled("first")
	second := s.enrolled("second")
	before := first.cookies()

	// In the browser of the one, the other gives password and code.
	b := first
	require.True(t, b.logIn("second"), "nothing of the first user's session counts for the second")
	assert.Equal(t, http.StatusUnauthorized, b.get("/api/account").status)
	ownSecret := b.secret
	assert.Equal(t, http.StatusUnprocessableEntity, b.verify().status, "the first user's code is none of the second's")
	b.secret = second.secret
	require.Equal(t, http.StatusOK, b.verify().status)
	assert.Equal(t, "second", b.get("/api/account").json(t)["username"])

	old := s.browser()
	old.setCookies(before)
	assert.Equal(t, http.StatusUnauthorized, old.get("/api/account").status, "the session that was replaced is dead")

	again := s.browser()
	again.secret = ownSecret
	require.True(t, again.logIn("first"))
	require.Equal(t, http.StatusOK, again.verify().status)
	assert.Equal(t, "first", again.get("/api/account").json(t)["username"], "the first user is as before")
}

func TestB08_OldCookieIsDeadAfterElevation(t *testing.T) {
	s := start(t)
	b := s.pending("alice")
	before := b.cookies()
	require.Equal(t, http.StatusOK, b.verify().status)
	after := b.cookies()
	require.NotEqual(t, before[0].Value, after[0].Value)
	old := s.browser()
	old.setCookies(before)
	assert.Equal(t, http.StatusUnauthorized, old.get("/api/account").status)
	assert.Equal(t, http.StatusUnauthorized, old.get("/mfa/api/session").status)
	assert.Equal(t, http.StatusOK, b.get("/api/account").status)
}

func TestB14_PasswordIsNotKeptWhileWaiting(t *testing.T) {
	database := filepath.Join(t.TempDir(), "webapp.db")
	s := startOn(t, database, newClock())
	b := s.pending("alice")
	files, err := filepath.Glob(database + "*")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 2)
	found := false
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(content), password, file)
		found = found || strings.Contains(string(content), "alice")
	}
	assert.True(t, found, "the dump has what it should have")
	for _, c := range b.cookies() {
		assert.NotContains(t, c.Value, password)
	}
}

func TestB15_EveryFirstFactorIsOneFactor(t *testing.T) {
	s := start(t)
	owner := s.enrolled("alice")
	status := owner.get("/mfa/api/session")
	require.Equal(t, http.StatusOK, status.status)
	userID := s.userID("alice")
	for _, first := range []mfa.Method{
		mfa.Password(),
		mfa.FirstFactor("password_reset", mfa.Evidence{Category: factor.Possession, Channel: mfa.EmailChannel("alice@example.com")}),
		mfa.FirstFactor("magic_link", mfa.Evidence{Category: factor.Possession, Channel: mfa.EmailChannel("alice@example.com")}),
		mfa.FirstFactor("remember_me", mfa.Evidence{Category: factor.Possession}),
		mfa.FirstFactor("impersonation", mfa.Evidence{}),
		mfa.OIDC("example", mfa.Upstream{ACR: "urn:mfa", AMR: []string{"mfa", "hwk"}}),
	} {
		state, err := s.Manager().Start(t.Context(), mfa.State{}, userID, first)
		require.NoError(t, err, first.Name)
		assert.True(t, state.Pending, first.Name)
		got, err := s.Manager().Status(t.Context(), state)
		require.NoError(t, err, first.Name)
		assert.Equal(t, mfa.AAL1, got.AAL, first.Name)
		var stepUp *mfa.StepUpError
		assert.ErrorAs(t, s.Manager().Allow(t.Context(), state, mfa.Requirement{AAL: mfa.AAL1}), &stepUp, first.Name)
	}
}

func TestA03_PasswordAloneIsNotEnoughForWhoHasASecondFactor(t *testing.T) {
	s := start(t)
	b := s.browser()
	b.signUp("alice")
	require.Equal(t, http.StatusOK, b.get("/api/account").status, "without a second factor one is enough")
	other := s.browser()
	require.False(t, other.logIn("alice"))
	b.enrollTOTP()
	assert.Equal(t, "aal2", b.get("/api/account").json(t)["aal"], "the code that confirmed the enrolment counts")
	a := other.get("/api/account")
	assert.Equal(t, http.StatusUnauthorized, a.status, "the other session has one factor only")
	assert.Equal(t, []any{"totp"}, a.json(t)["methods"])
	other.secret = b.secret
	require.Equal(t, http.StatusOK, other.verify().status)
	assert.Equal(t, http.StatusOK, other.get("/api/account").status)
	assert.True(t, s.browser().logIn("alice"))
}
