package mfahttp_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// press sends the form of a link's page.
func (b *browser) press(link string) reply {
	b.a.t.Helper()
	return b.send(http.MethodPost, link, "", formHeader)
}

const goBack = "This link does nothing here: it has been used, it is too old, or you began in another browser. If so, go back there and type the code from the message."

// F10: programs that read mail open links, and even press buttons elsewhere.
func TestF10_OpeningALinkChangesNothing(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	asked := b.submit(b.show("/mfa/signin"), "signin", url.Values{"username": {"ann"}})
	require.Equal(t, http.StatusOK, asked.status)
	link := f.last(t).path(t)

	page := a.newBrowser().open(someLink)
	writes, saves, reads := a.store.written(), a.session.saved(), 0
	a.store.set(func(string) error {
		reads++
		return nil
	})
	for range 20 {
		for _, from := range []*browser{b, a.newBrowser(), a.newBrowser()} {
			assert.Equal(t, looks(page), looks(from.open(link)), "everybody sees the same")
			head := from.send(http.MethodHead, link, "", nil)
			assert.Equal(t, http.StatusOK, head.status)
			assert.Empty(t, head.body)
		}
	}
	assert.Zero(t, reads, "nobody has looked for it")
	a.store.set(nil)
	assert.Equal(t, writes, a.store.written())
	assert.Equal(t, saves, a.session.saved())
	assert.Equal(t, "strict-origin", page.header.Get("Referrer-Policy"), "the link is a secret")
	assert.NotContains(t, page.body, "<a ", "nowhere else to go")
	assert.NotContains(t, page.body, "action=", "it is sent to the link itself")

	for range 7 { // more than the tries of a ceremony
		got := a.newBrowser().press(link)
		assert.Equal(t, http.StatusUnprocessableEntity, got.status)
		assert.Equal(t, goBack, text(t, got.body, "alert"))
		assert.Contains(t, got.body, `<a href="/">Example</a>`, "and there is a way on")
	}
	requireSeeOther(t, b.press(link), "/")
	assert.Equal(t, "home of ann", b.open("/home").body)
	assert.Equal(t, http.StatusUnprocessableEntity, b.press(link).status, "once")
}

// B05: elsewhere a link looks like one that does not exist, whatever it is for.
func TestB05_LinksElsewhere(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	owner := a.newBrowser().login("ann")
	owner.enrollAddress(f, "ann@inbox.example")
	c := owner.begin("/mfa/api/challenges", object{"method": "email", "refresh": true})
	verifying := f.last(t).path(t)
	owner.begin("/mfa/api/enrollments", object{"method": "email", "params": object{"address": "other@inbox.example"}})
	enrolling := f.last(t).path(t)
	signing := a.newBrowser()
	signing.begin("/mfa/api/signin", object{"method": "email", "username": "ann"})
	signIn := f.last(t).path(t)

	pending := a.newBrowser().login("ann")
	begun := a.newBrowser()
	begun.begin("/mfa/api/signin", object{"method": "email", "username": "cy"})
	for name, from := range map[string]*browser{
		"nobody": a.newBrowser(), "another user": a.newBrowser().login("bob"), "another session": pending, "another sign-in": begun,
	} {
		want := looks(from.press(someLink))
		assert.Contains(t, want, "422")
		for _, link := range []string{verifying, enrolling, signIn} {
			for range 7 {
				assert.Equal(t, want, looks(from.press(link)), name)
			}
		}
		for _, token := range []string{
			"x", "x.y.z", "verify", "verify." + c.ID + "." + strings.Repeat("A", 21), "verify." + c.ID + "." + strings.Repeat("A", 23),
			"verify." + c.ID, "verify." + c.ID + ".", "verify." + c.ID + ".100001", "verify." + c.ID + "%0a." + strings.Repeat("A", 22),
			"sign_in_decoy." + c.ID + "." + strings.Repeat("A", 22), "." + c.ID + "." + strings.Repeat("A", 22), strings.Repeat("A", 9000), "%3Cscript%3E",
		} {
			assert.Equal(t, want, looks(from.press("/mfa/link/"+token)), "%s: %s", name, token)
		}
	}
	assert.False(t, pending.session().Active)

	// Nor do they serve another purpose where they belong; none of this costs a try.
	for _, purpose := range []string{"sign_in", "enroll"} {
		assert.Equal(t, http.StatusUnprocessableEntity, owner.press(strings.Replace(verifying, "verify", purpose, 1)).status, purpose)
	}
	before := owner.session()
	requireSeeOther(t, owner.press(verifying), "/")
	assert.Len(t, owner.session().Methods, len(before.Methods)+1)
	requireSeeOther(t, signing.press(signIn), "/mfa/verify?methods=email&return_to=%2F")
	assert.False(t, signing.session().Active)
}

func TestF10_LinksOfVerificationsAndEnrolments(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser().login("ann")
	shown := b.submit(b.show("/mfa/enroll/email"), "email-begin", url.Values{"address": {"ann@inbox.example"}})
	require.Equal(t, http.StatusOK, shown.status, shown.body)
	requireSeeOther(t, b.press(f.last(t).path(t)), "/mfa/recovery-codes")
	assert.Contains(t, b.show("/mfa/"), masked("ann@inbox.example"))

	b = a.newBrowser().login("ann")
	b.submit(b.show("/mfa/verify"), "send", nil)
	link := f.last(t).path(t)
	a.clock.Advance(11 * time.Minute)
	assert.Equal(t, http.StatusUnprocessableEntity, b.press(link).status, "too late")
	b.submit(b.show("/mfa/verify"), "send", nil)
	refused := len(a.eventsOf(mfa.EventRefused))
	requireSeeOther(t, b.press(f.last(t).path(t)), "/")
	assert.True(t, b.session().Active)
	assert.Len(t, a.eventsOf(mfa.EventRefused), refused, "who follows a link is not reported")
}

// A link leads on to where the code would have, and not where somebody else says.
func TestLink_LeadsOn(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	b.submit(b.show("/mfa/signin?return_to=/home"), "signin", url.Values{"username": {"ann"}})
	requireSeeOther(t, b.press(f.last(t).path(t)), "/home")
	b.submit(b.show("/mfa/enroll/email?return_to=/home"), "email-begin", url.Values{"address": {"ann@inbox.example"}})
	requireSeeOther(t, b.press(f.last(t).path(t)), "/mfa/recovery-codes?return_to=%2Fhome")
	b = a.newBrowser().login("ann")
	b.submit(b.show("/mfa/verify?return_to=/home"), "send", nil)
	requireSeeOther(t, b.press(f.last(t).path(t)), "/home")

	for _, to := range []string{"//evil.test", "https://evil.test/", "/home"} {
		b = a.newBrowser()
		c := b.begin("/mfa/api/signin", object{"method": "email", "username": "bob"})
		planted := base64.RawURLEncoding.EncodeToString([]byte(`{"purpose":"sign_in","id":"` + c.ID + `","return_to":"` + to + `"}`))
		header := maps.Clone(formHeader)
		header.Set("Cookie", "mfa_sent="+planted)
		want := "/"
		if to == "/home" {
			want = to
		}
		requireSeeOther(t, b.send(http.MethodPost, f.last(t).path(t), "", header), want)
	}
}

// Whatever follows /link/, a stranger is told the same.
func FuzzF10_LinkTokens(f *testing.F) {
	for _, token := range []string{"", "verify.x.y", "verify." + strings.Repeat("A", 22) + "." + strings.Repeat("B", 22), "enroll." + strings.Repeat("A", 22) + "." + strings.Repeat("B", 22), "a/b", "a%2fb", "\x00", "<b>", "..."} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		a := newApp(t, byMail)
		b := a.newBrowser()
		b.begin("/mfa/api/signin", object{"method": "email", "username": "ann"})
		if token == "" || token == "." || token == ".." {
			return // the mux redirects
		}
		got := b.press("/mfa/link/" + url.PathEscape(token))
		assert.Equal(t, http.StatusUnprocessableEntity, got.status)
		assert.Equal(t, looks(b.press(someLink)), looks(got))
	})
}

// A fault is not the link's: the button stays.
func TestLink_Faults(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	b.begin("/mfa/api/signin", object{"method": "email", "username": "ann"})
	link := f.last(t).path(t)
	a.store.set(func(call string) error {
		if call == "Record" {
			return assert.AnError
		}
		return nil
	})
	got := b.press(link)
	a.store.set(nil)
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.NotEmpty(t, got.header.Get("Retry-After"))
	assert.Contains(t, got.body, `<form method="post" id="link">`)
	requireSeeOther(t, b.press(link), "/")
}

// C11: what a message links to is where the operator says, whatever the
// request does.
func TestC11_LinksComeFromTheConfiguration(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	owner := a.newBrowser().login("ann")
	owner.enrollAddress(f, "ann@inbox.example")
	for _, host := range []string{"evil.test", "evil.test:80", "app.example.test.evil.test"} {
		for path, body := range map[string]string{
			"/mfa/api/signin":      `{"method":"email","username":"bob"}`,
			"/mfa/api/challenges":  `{"method":"email","refresh":true}`,
			"/mfa/api/enrollments": `{"method":"email","params":{"address":"x@inbox.example"}}`,
		} {
			header := jsonHeader()
			for _, name := range []string{"Host", "X-Forwarded-Host", "X-Host", "X-Original-Host", "X-Forwarded-Server"} {
				header.Set(name, host)
			}
			header.Set("Forwarded", "host="+host)
			header.Set("X-Forwarded-Proto", "http")
			header.Set("X-Forwarded-Prefix", "/"+host)
			got := owner.send(http.MethodPost, path, body, header)
			require.Equal(t, http.StatusCreated, got.status, got.body)
			assert.Regexp(t, `^https://app\.example\.test/mfa/link/(sign_in|verify|enroll)\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{22}$`, f.last(t).link)
			assert.NotContains(t, got.body+got.header.Get("Set-Cookie"), "evil")
		}
	}
}

func TestC13_LinksAndCodesAreNowhere(t *testing.T) {
	f := &mail{method: "email"}
	a := newApp(t, delivering(f))
	b := a.newBrowser()
	asked := b.submit(b.show("/mfa/signin"), "signin", url.Values{"username": {"ann"}})
	l := f.last(t)
	pages := asked.body + b.open(l.path(t)).body + a.newBrowser().press(l.path(t)).body
	a.store.set(func(call string) error { panic("gone") })
	pages += b.press(l.path(t)).body
	a.store.set(nil)
	pages += b.press(l.path(t)).body
	secret := l.link[strings.LastIndex(l.link, ".")+1:]
	a.mu.Lock()
	events, err := json.Marshal(a.events)
	a.mu.Unlock()
	require.NoError(t, err)
	for _, what := range []string{l.code, secret, l.to} {
		require.GreaterOrEqual(t, len(what), 6)
		assert.NotContains(t, pages, what)
		assert.NotContains(t, a.logs.String(), what)
		assert.NotContains(t, string(events), what)
	}
	assert.NotEmpty(t, a.logs.String())
}
