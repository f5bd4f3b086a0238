package mfahttp_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfahttp"
)

// bindingCookie is what the cookie is called where browser and app are on one
// machine, without TLS.
const bindingCookie = "mfa_signin"

// signIn passes the first factor by a code that is sent.
func (b *browser) signIn(f *mail, name string) reply {
	b.a.t.Helper()
	c := b.begin("/mfa/api/signin", object{"method": f.method, "username": name})
	return b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": f.last(b.a.t).code})
}

func TestB15_API_SignIn(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	got := b.do(http.MethodPost, "/mfa/api/signin", object{"method": "email", "username": "Ann", "params": object{}})
	require.Equal(t, http.StatusCreated, got.status, got.body)
	assert.Regexp(t, `^`+bindingCookie+`=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax$`, got.header.Get("Set-Cookie"))
	var c ceremony
	got.into(t, &c)
	assert.Equal(t, "email", c.Method)
	assert.Equal(t, a.clock.Now().Add(10*time.Minute), c.ExpiresAt)
	assert.JSONEq(t, `{"digits":6}`, string(c.Prompt), "nothing about where it went")
	assert.Equal(t, "ann@example.test", f.last(t).to)

	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": "000000"}).code())
	got = b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": f.last(t).code})
	require.Equal(t, http.StatusOK, got.status, got.body)
	var s sessionDocument
	got.into(t, &s)
	assert.True(t, s.Active)
	assert.Equal(t, "aal1", s.AAL)
	assert.Equal(t, s, b.session())
	assert.Equal(t, "home of ann", b.do(http.MethodGet, "/home", nil).body)
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": f.last(t).code}).code(), "spent")

	// With a second factor the session waits for it.
	phone := b.enrollTOTP()
	b = a.newBrowser()
	got = b.signIn(f, "ann")
	require.Equal(t, http.StatusOK, got.status, got.body)
	got.into(t, &s)
	assert.False(t, s.Active)
	assert.Equal(t, "aal2", s.HighestAvailable)
	assert.Equal(t, http.StatusUnauthorized, b.do(http.MethodGet, "/home", nil).status)
	assert.Equal(t, http.StatusOK, b.verify("totp", phone.next()).status)
	assert.Equal(t, http.StatusOK, b.do(http.MethodGet, "/home", nil).status)
}

// No neighbouring host can set the cookie, wherever the handler is. It is less
// strict only where browser and app are on one machine, without TLS.
func TestB05_API_TheCookieIsOfOneHost(t *testing.T) {
	for name, c := range map[string]struct {
		url, from   string
		name, value string // of a header
		tls         bool
		want        string
	}{
		"TLS":            {"https://app.example.test/", "192.0.2.1:4000", "", "", true, `^__Host-mfa_signin=[\w-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`},
		"behind a proxy": {"http://app.example.test/", "127.0.0.1:4000", "", "", false, `^__Host-mfa_signin=[\w-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`},
		"TLS here":       {"https://localhost/", "127.0.0.1:4000", "", "", true, `^__Host-mfa_signin=`},
		"a proxy here":   {"http://localhost/", "127.0.0.1:4000", "X-Forwarded-For", "192.0.2.1", false, `^__Host-mfa_signin=`},
		"from elsewhere": {"http://localhost/", "192.0.2.1:4000", "", "", false, `^__Host-mfa_signin=`},
		// nginx passes on neither the host nor where a request comes from by itself.
		"a silent proxy":     {"http://127.0.0.1:8080/", "127.0.0.1:4000", "Origin", "https://app.example.test", false, `^__Host-mfa_signin=[\w-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`},
		"a silent proxy, 80": {"http://127.0.0.1:8080/", "127.0.0.1:4000", "Origin", "http://app.example.test", false, `^__Host-mfa_signin=`},
		"no origin":          {"http://127.0.0.1:8080/", "127.0.0.1:4000", "Origin", "null", false, `^__Host-mfa_signin=`},
		"a form here":        {"http://localhost:8080/", "127.0.0.1:4000", "Origin", "http://localhost:8080", false, `^mfa_signin=`},
		"on this machine":    {"http://localhost:8080/", "127.0.0.1:4000", "", "", false, `^mfa_signin=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax$`},
		"on this machine, 6": {"http://[::1]:8080/", "[::1]:4000", "", "", false, `^mfa_signin=`},
	} {
		for _, prefix := range []string{"", "/", "/account/mfa"} {
			a := newApp(t, byMail, setup{handler: func(h *mfahttp.Config) { h.Prefix = prefix }})
			path := map[string]string{"": "mfa/", "/": "", "/account/mfa": "account/mfa/"}[prefix]
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.url+path+"api/signin", strings.NewReader(`{"method":"email","username":"ann"}`))
			r.Header, r.RemoteAddr = maps.Clone(jsonHeader()), c.from
			if c.name != "" {
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				r.Header.Set(c.name, c.value)
			}
			if !c.tls {
				r.TLS = nil
			}
			w := httptest.NewRecorder()
			a.server.Config.Handler.ServeHTTP(w, r)
			require.Equal(t, http.StatusCreated, w.Code, w.Body)
			assert.Regexp(t, c.want, w.Header().Get("Set-Cookie"), name)
		}
	}
}

func TestB05_API_TheBrowserThatBegan(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	c := b.begin("/mfa/api/signin", object{"method": "email", "username": "ann"})
	first := b.cookie(bindingCookie)
	other := b.begin("/mfa/api/signin", object{"method": "email", "username": "bob"})
	assert.Equal(t, first, b.cookie(bindingCookie), "one name for the browser")
	code := f.last(t).code
	stranger := a.newBrowser()
	stranger.begin("/mfa/api/signin", object{"method": "email", "username": "ann"})
	for range 7 { // more than the tries of a ceremony
		for name, from := range map[string]*browser{"no browser": a.newBrowser(), "another browser": stranger, "a session": a.newBrowser().login("bob")} {
			assert.Equal(t, "rejected", from.do(http.MethodPost, "/mfa/api/signin/"+other.ID, object{"response": code}).code(), name)
			assert.Equal(t, "rejected", from.do(http.MethodPost, "/mfa/api/signin/"+other.ID+"/resend", object{}).code(), name)
			for _, kind := range []string{"challenges", "enrollments"} {
				assert.GreaterOrEqual(t, from.do(http.MethodPost, "/mfa/api/"+kind+"/"+other.ID, object{"response": code}).status, 400, name)
			}
		}
	}
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": code}).code(), "the code of another sign-in")
	require.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/signin/"+other.ID, object{"response": code}).status, "none of these cost a try")
	assert.Empty(t, b.cookie(bindingCookie), "the name is spent")
	b.begin("/mfa/api/signin", object{"method": "email", "username": "ann"})
	assert.NotEqual(t, first, b.cookie(bindingCookie))

	// A name that nobody here has made is replaced.
	for _, value := range []string{"", "short", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("A", 42) + "B", strings.Repeat("!", 43), strings.Repeat("A", 4000)} {
		header := maps.Clone(jsonHeader())
		header.Set("Cookie", bindingCookie+"="+value)
		got := a.newBrowser().send(http.MethodPost, "/mfa/api/signin", `{"method":"email","username":"ann"}`, header)
		assert.Contains(t, got.header.Get("Set-Cookie"), bindingCookie+"=", value)
	}
}

var varying = regexp.MustCompile(`"id":"[^"]*"|"expires_at":"[^"]*"|value="[A-Za-z0-9_-]{22}"|` + bindingCookie + `=[^;]*`)

// looks is all that a client sees of an answer, without what is random.
func looks(got reply) string {
	header := got.header.Clone()
	header.Del("Date")
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err == nil && length == len(got.body) {
		header.Set("Content-Length", "that of the body")
	}
	return varying.ReplaceAllString(fmt.Sprintf("%d %v %s", got.status, header, got.body), "…")
}

// seen returns what a browser sees of a sign-in, by a sender that may be broken.
func seen(t *testing.T, broken bool, do func(a *app, b *browser, see func(reply) reply)) (all []string) {
	t.Helper()
	a := newApp(t, delivering(&mail{method: "email", broken: broken}))
	do(a, a.newBrowser(), func(got reply) reply {
		all = append(all, looks(got))
		return got
	})
	return all
}

// F12: whoever has no account, or nothing that could be sent to, looks like
// somebody, to scripts and on the pages.
func TestN01_API_NobodyLooksLikeSomebody(t *testing.T) {
	look := func(name string, broken bool) []string {
		return seen(t, broken, func(a *app, b *browser, see func(reply) reply) {
			got := see(b.do(http.MethodPost, "/mfa/api/signin", object{"method": "email", "username": name}))
			var c ceremony
			got.into(t, &c)
			see(b.do(http.MethodPost, "/mfa/api/signin/"+c.ID+"/resend", object{}))
			a.clock.Advance(time.Minute)
			see(b.do(http.MethodPost, "/mfa/api/signin/"+c.ID+"/resend", object{}))
			for range 7 {
				see(b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": "000000"}))
			}
			for range 3 { // a ceremony of its own does not help either
				got := see(b.do(http.MethodPost, "/mfa/api/signin", object{"method": "email", "username": name}))
				got.into(t, &c)
				see(b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": "000000"}))
			}
		})
	}
	want := look("ann", false)
	assert.Contains(t, strings.Join(want, "\n"), "429")
	assert.Equal(t, want, look("nobody", false))
	assert.Equal(t, want, look("ann", true), "a sender that fails")
	assert.Equal(t, want, look("no@body.example", false))
}

// B03, B04: a sign-in by somebody else beside a session changes nothing until it
// is right, and then nothing of the first session is left.
func TestB04_API_SignInAsAnotherUser(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser().login("ann")
	b.enrollTOTP()
	was := b.session()
	require.Equal(t, "aal2", was.AAL)

	c := b.begin("/mfa/api/signin", object{"method": "email", "username": "bob"})
	require.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": "000000"}).code())
	assert.Equal(t, was, b.session())
	assert.Equal(t, 1, b.methods()["totp"].Enrolled, "of ann, whom the session names")

	require.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": f.last(t).code}).status)
	s := b.session()
	assert.NotEqual(t, was.ID, s.ID)
	assert.Equal(t, "aal1", s.AAL)
	require.Len(t, s.Methods, 1)
	assert.Equal(t, "email", s.Methods[0].Method)
	assert.Equal(t, "home of bob", b.do(http.MethodGet, "/home", nil).body)
	assert.Zero(t, b.methods()["totp"].Enrolled)
}

// N03: what somebody has set up is told to nobody who has not proved a first
// factor, whatever is asked.
func TestN03_MethodsAreToldAfterAFirstFactor(t *testing.T) {
	look := func(name string, enrolled bool) (all []string) {
		f := &mail{method: "email"}
		a := newApp(t, delivering(f))
		if enrolled {
			own := a.newBrowser().login(name)
			own.enrollTOTP()
			own.enrollCodes()
		}
		b := a.newBrowser()
		see := func(got reply) reply {
			all = append(all, looks(got))
			return got
		}
		var c ceremony
		see(b.do(http.MethodPost, "/mfa/api/signin", object{"method": "email", "username": name})).into(t, &c)
		see(b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": "000000"}))
		for _, path := range []string{
			"/mfa/api/session", "/mfa/api/methods", "/mfa/api/credentials", "/mfa/", "/mfa/verify", "/mfa/verify?methods=totp", "/mfa/enroll", "/mfa/signin",
		} {
			got := see(b.do(http.MethodGet, path, nil))
			assert.NotContains(t, got.body, "totp", path)
		}
		see(b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp"}))
		if enrolled {
			require.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": f.last(t).code}).status)
			assert.Equal(t, 1, b.methods()["totp"].Enrolled)
		}
		return all
	}
	want := look("ann", true)
	assert.Equal(t, want, look("bob", false))
	assert.Equal(t, want, look("nobody", false))
}

func TestF06_API_ResendCoolsDown(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	c := b.begin("/mfa/api/signin", object{"method": "email", "username": "ann"})
	old := f.last(t)
	got := b.do(http.MethodPost, "/mfa/api/signin/"+c.ID+"/resend", object{})
	assert.Equal(t, http.StatusTooManyRequests, got.status)
	assert.NotEmpty(t, got.header.Get("Retry-After"))
	assert.Equal(t, 1, f.sent())
	a.clock.Advance(31 * time.Second)
	got = b.do(http.MethodPost, "/mfa/api/signin/"+c.ID+"/resend", "")
	require.Equal(t, http.StatusAccepted, got.status, got.body)
	var again ceremony
	got.into(t, &again)
	assert.Equal(t, c, again)
	assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": old.code}).code())
	assert.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/signin/"+c.ID, object{"response": f.last(t).code}).status)
}

func TestM01_API_SignInReadsStrictly(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	for body, want := range map[string]string{
		`{"method":"email"}`:                                               "bad_request",
		`{"username":"ann"}`:                                               "bad_request",
		`{"method":"email","username":""}`:                                 "bad_request",
		`{"method":"email","username":["ann"]}`:                            "bad_request",
		`{"method":"email","username":"ann","user_id":"bob"}`:              "bad_request",
		`{"method":"email","username":"ann","to":"eve@evil.test"}`:         "bad_request",
		`{"method":"email","username":"ann","response":"123456"}`:          "bad_request",
		`{"method":"email","username":"ann","params":{"to":1}}`:            "bad_request",
		`{"method":"email","username":"` + strings.Repeat("a", 321) + `"}`: "bad_request",
		`{"method":"totp","username":"ann"}`:                               "not_found",
		`{"method":"sms","username":"ann"}`:                                "not_found",
		`{"method":"lookup_secret","username":"ann"}`:                      "not_found",
		`{"method":"","username":"ann"}`:                                   "not_found",
		`{"method":"../email","username":"ann"}`:                           "not_found",
		`{"method":"email","username":"crash"}`:                            "unavailable",
	} {
		got := b.do(http.MethodPost, "/mfa/api/signin", body)
		assert.Equal(t, want, got.code(), body)
		assert.NotContains(t, got.body, "canary", body)
	}
	assert.Zero(t, f.sent())
	for _, id := range []string{"x", "1", strings.Repeat("A", 22), "%00", "a%2fb"} {
		assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/signin/"+id, object{"response": "123456"}).code(), id)
	}
	// F07: where a code goes is nothing that a request says.
	b.begin("/mfa/api/signin", object{"method": "email", "username": "ann", "params": object{"address": "eve@evil.test", "to": "eve@evil.test"}})
	assert.Equal(t, "ann@example.test", f.last(t).to)
}

// J06: a header cannot make one client many.
func TestC12_API_OneClientIsOne(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f), setup{manager: func(c *mfa.Config) { c.Limits.SignIns = 3 }})
	for i := range 5 {
		header := jsonHeader()
		forwarded := fmt.Sprintf("198.51.100.%d", i)
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
			header.Set(name, forwarded)
		}
		header.Set("Forwarded", "for="+forwarded)
		got := a.newBrowser().send(http.MethodPost, "/mfa/api/signin", fmt.Sprintf(`{"method":"email","username":"name%d"}`, i), header)
		if i < 3 {
			assert.Equal(t, http.StatusCreated, got.status, got.body)
			continue
		}
		assert.Equal(t, http.StatusTooManyRequests, got.status)
		assert.NotEmpty(t, got.header.Get("Retry-After"))
	}
	got := a.newBrowser().send(http.MethodPost, "/mfa/signin", "method=email&username=ann", formHeader)
	assert.Equal(t, http.StatusTooManyRequests, got.status, "the page counts with it")
	assert.Zero(t, f.sent())
}

// An answer that was right and a session that cannot be saved sign nobody in.
func TestAPI_SignInIsNotSaved(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	a.session.fault = func() error { return fmt.Errorf("no session store") }
	got := b.signIn(f, "ann")
	a.session.fault = nil
	assert.Equal(t, "unavailable", got.code())
	assert.Empty(t, got.header.Values("Set-Cookie"))
	assert.Equal(t, "no_session", b.do(http.MethodGet, "/mfa/api/session", nil).code())
}

func TestFirstFactors_NoneNoSignIn(t *testing.T) {
	b := newApp(t).newBrowser()
	assert.Equal(t, http.StatusNotFound, b.do(http.MethodPost, "/mfa/api/signin", object{"method": "email", "username": "ann"}).status)
	assert.Equal(t, http.StatusNotFound, b.open("/mfa/signin").status)
	assert.Equal(t, http.StatusNotFound, b.send(http.MethodPost, "/mfa/signin", "method=email&username=ann", formHeader).status)
	// A factor alone is not enough: somebody has to know who has a name.
	a := newApp(t, byMail, setup{manager: func(c *mfa.Config) { c.FindUser = nil }})
	assert.Empty(t, a.m.FirstFactors())
	assert.Equal(t, http.StatusNotFound, a.newBrowser().open("/mfa/signin").status)
	a = newApp(t, delivering(&mail{method: "sms"}, &mail{method: "email"}, &mail{method: "pigeon"}))
	assert.Equal(t, []string{"sms", "email", "pigeon"}, a.m.FirstFactors())
	b = a.newBrowser()
	assert.NotContains(t, b.show("/mfa/signin"), "pigeon", "a method that the pages do not know")
	assert.Equal(t, http.StatusNotFound, b.send(http.MethodPost, "/mfa/signin", "method=pigeon&username=ann", formHeader).status)
}
