package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSignUpAndLoginByForm(t *testing.T) {
	s := start(t)
	b := s.browser()

	a := b.page("/")
	assert.Equal(t, http.StatusSeeOther, a.status)
	a = b.page("/account")
	assert.Equal(t, http.StatusSeeOther, a.status)
	assert.Equal(t, "/login?return_to=%2Faccount", a.header.Get("Location"))

	for _, path := range []string{"/signup", "/login"} {
		a = b.page(path)
		assert.Equal(t, http.StatusOK, a.status)
		assert.Contains(t, a.body, `name="password"`)
	}
	a = b.submit("/signup", url.Values{"username": {" Alice "}, "password": {password}, "email": {"alice@example.com"}})
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	assert.Equal(t, "/account", a.header.Get("Location"))
	a = b.page("/account")
	assert.Equal(t, http.StatusOK, a.status)
	assert.Contains(t, a.body, "<h1>alice</h1>")
	assert.Contains(t, a.body, "alice@example.com")
	assert.Contains(t, a.body, `<dd id="aal">aal1</dd>`)

	a = b.page("/login?return_to=%2Flax")
	assert.Equal(t, http.StatusOK, a.status)
	assert.Contains(t, a.body, `name="password"`, "the form is there for those who are signed in, too")
	assert.Contains(t, a.body, `value="/lax"`)
	a = b.submit("/login", url.Values{"username": {"ALICE"}, "password": {password}, "return_to": {"/lax"}})
	assert.Equal(t, http.StatusSeeOther, a.status)
	assert.Equal(t, "/lax", a.header.Get("Location"))
	a = b.submit("/login", url.Values{"username": {"alice"}, "password": {"wrong"}})
	assert.Equal(t, http.StatusUnauthorized, a.status)
	assert.Contains(t, a.body, "You are signed in.")

	a = b.submit("/logout", nil)
	assert.Equal(t, http.StatusSeeOther, a.status)
	assert.Equal(t, http.StatusUnauthorized, b.get("/api/account").status)

	a = b.submit("/signup", url.Values{"username": {"alice"}, "password": {password}})
	assert.Equal(t, http.StatusConflict, a.status)
	assert.NotContains(t, a.body, password)
	a = b.submit("/signup", url.Values{"username": {"a:b"}, "password": {password}})
	assert.Equal(t, http.StatusUnprocessableEntity, a.status)
	assert.Equal(t, http.StatusUnauthorized, b.get("/api/account").status)
}

func TestWrongPasswordAndUnknownNameLookAlike(t *testing.T) {
	s := start(t)
	s.browser().signUp("alice")
	b := s.browser()
	wrong := b.post("/login", object{"username": "alice", "password": "wrong"})
	unknown := b.post("/login", object{"username": "nobody", "password": "wrong"})
	assert.Equal(t, http.StatusUnauthorized, wrong.status)
	assert.Equal(t, wrong.body, unknown.body)
	assert.Equal(t, wrong.status, unknown.status)
	long := b.post("/login", object{"username": "alice", "password": strings.Repeat("x", 100)})
	assert.Equal(t, wrong.body, long.body)
	assert.Empty(t, b.cookies())
}

func TestPendingLoginSaysWhatIsMissing(t *testing.T) {
	s := start(t)
	owner := s.enrolled("alice")
	b := s.browser()
	b.secret = owner.secret

	a := b.post("/login", object{"username": "alice", "password": password})
	assert.Equal(t, http.StatusOK, a.status)
	assert.JSONEq(t, `{"pending":true,"methods":["totp"]}`, a.body)
	a = b.submit("/login", url.Values{"username": {"alice"}, "password": {password}, "return_to": {"/lax?x=1"}})
	require.Equal(t, http.StatusSeeOther, a.status)
	to, err := url.Parse(a.header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "/mfa/verify", to.Path)
	assert.Equal(t, url.Values{"methods": {"totp"}, "return_to": {"/lax?x=1"}}, to.Query())
	assert.Equal(t, http.StatusUnauthorized, b.get("/api/account").status)

	require.Equal(t, http.StatusOK, b.verify().status)
	a = b.get("/api/account")
	require.Equal(t, http.StatusOK, a.status)
	account := a.json(t)
	assert.Equal(t, "alice", account["username"])
	assert.Equal(t, "aal2", account["aal"])
	assert.Equal(t, []any{"otp", "pwd", "mfa"}, account["amr"])
}

func TestReturnToStaysOnThisOrigin(t *testing.T) {
	s := start(t)
	b := s.browser()
	b.signUp("alice")
	for _, evil := range []string{
		"https://evil.example", "//evil.example", `/\evil.example`, "/%5cevil.example", "/%2f/evil.example",
		"javascript:alert(1)", "evil", "", "/\r\nX: y", "/\t/evil.example", "/%252fevil.example", "/%01",
	} {
		a := b.submit("/login", url.Values{"username": {"alice"}, "password": {password}, "return_to": {evil}})
		require.Equal(t, http.StatusSeeOther, a.status)
		assert.Equal(t, "/account", a.header.Get("Location"), "%q", evil)
		a = b.page("/login?return_to=" + url.QueryEscape(evil))
		assert.Contains(t, a.body, `name="return_to" value=""`, "%q", evil)
	}
}

func TestTransferNeedsARecentSecondFactor(t *testing.T) {
	s := start(t)
	plain := s.browser()
	plain.signUp("bob")
	a := plain.post("/transfer", object{"amount": 10})
	assert.Equal(t, http.StatusUnauthorized, a.status)
	assert.Equal(t, "step_up_required", a.json(t)["code"])

	b := s.enrolled("alice")
	a = b.post("/transfer", object{"amount": 12.50})
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.JSONEq(t, `{"transferred":12.5}`, a.body)
	a = b.submit("/transfer", url.Values{"amount": {"7"}})
	assert.Equal(t, http.StatusOK, a.status)
	assert.Contains(t, a.body, "transferred 7.")
	for _, amount := range []any{0, -1, "1e3", "", nil, "NaN", "0x10", 1.234} {
		a = b.post("/transfer", object{"amount": amount})
		assert.GreaterOrEqual(t, a.status, 400, "%v", amount)
		assert.Less(t, a.status, 500, "%v", amount)
	}

	s.clock.advance(5*time.Minute + time.Second)
	a = b.post("/transfer", object{"amount": 10})
	assert.Equal(t, http.StatusUnauthorized, a.status)
	assert.Equal(t, `Bearer error="insufficient_user_authentication", acr_values="aal2", max_age=300`, a.header.Get("WWW-Authenticate"))
	a = b.submit("/transfer", url.Values{"amount": {"7"}})
	require.Equal(t, http.StatusSeeOther, a.status)
	assert.Equal(t, "/mfa/verify?methods=totp&return_to=%2Faccount", a.header.Get("Location"))

	// A fresh password is no second factor.
	assert.False(t, b.logIn("alice"), "the session has two factors already")
	assert.Equal(t, http.StatusUnauthorized, b.post("/transfer", object{"amount": 10}).status)
	require.Equal(t, http.StatusOK, b.verify().status)
	assert.Equal(t, http.StatusOK, b.post("/transfer", object{"amount": 10}).status)
}

func TestLaxTakesOneFactorAndKeysOnlyTakesKeys(t *testing.T) {
	s := start(t)
	plain := s.browser()
	assert.Equal(t, http.StatusUnauthorized, plain.get("/lax").status)
	plain.signUp("bob")
	assert.Equal(t, http.StatusOK, plain.get("/lax").status)
	assert.Equal(t, http.StatusUnauthorized, plain.get("/keys-only").status)
	b := s.enrolled("alice")
	assert.Equal(t, http.StatusOK, b.get("/lax").status)
	assert.Equal(t, http.StatusUnauthorized, b.get("/keys-only").status, "a code is not phishing-resistant")
}

func TestBadBodiesAreRefused(t *testing.T) {
	s := start(t)
	b := s.browser()
	for _, c := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"no type", "", "username=a&password=b", http.StatusUnsupportedMediaType},
		{"multipart", "multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		{"no JSON", "application/json", "username=a", http.StatusBadRequest},
		{"wrong type", "application/json", `{"username":1}`, http.StatusBadRequest},
		{"trailing", "application/json", `{"username":"a","password":"b"}{}`, http.StatusBadRequest},
		{"too large", "application/json", `{"username":"` + strings.Repeat("a", 70<<10) + `"}`, http.StatusRequestEntityTooLarge},
		{"too large form", "application/x-www-form-urlencoded", "username=" + strings.Repeat("a", 70<<10), http.StatusRequestEntityTooLarge},
		{"bad escape", "application/x-www-form-urlencoded", "username=%zz", http.StatusBadRequest},
	} {
		for _, path := range []string{"/signup", "/login"} {
			assert.Equal(t, c.status, b.do(http.MethodPost, path, c.contentType, c.body, nil).status, "%s %s", c.name, path)
		}
	}
	assert.Empty(t, b.cookies())
}

// C06, for the app's own forms.
func TestC06_OtherOriginsCannotSubmitForms(t *testing.T) {
	s := start(t)
	b := s.browser()
	b.signUp("alice")
	for _, path := range []string{"/signup", "/login", "/logout", "/transfer"} {
		for name, header := range map[string]http.Header{
			"cross-site":     {"Sec-Fetch-Site": {"cross-site"}},
			"same-site":      {"Sec-Fetch-Site": {"same-site"}},
			"foreign origin": {"Origin": {"https://evil.example"}},
		} {
			a := b.do(http.MethodPost, path, "application/x-www-form-urlencoded", "username=x&password=y", header)
			assert.Equal(t, http.StatusForbidden, a.status, "%s %s", name, path)
		}
	}
	assert.Equal(t, http.StatusOK, b.get("/api/account").status, "still signed in")
}

func TestOwnPagesSendSecurityHeaders(t *testing.T) {
	b := start(t).browser()
	for _, path := range []string{"/login", "/signup", "/account", "/nowhere"} {
		h := b.page(path).header
		assert.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		assert.Equal(t, "no-store", h.Get("Cache-Control"), path)
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "same-origin", h.Get("Referrer-Policy"), path)
	}
}
