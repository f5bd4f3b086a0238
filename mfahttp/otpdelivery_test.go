package mfahttp_test

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfahttp"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
)

// postbox is an app with the real factor, and what it sent.
type postbox struct {
	*mfatest.Kit
	h     http.Handler
	mails chan otpdelivery.Message
	jar   []*http.Cookie
}

func newPostbox(t *testing.T, change ...func(*otpdelivery.Config)) *postbox {
	t.Helper()
	b := &postbox{mails: make(chan otpdelivery.Message, 10)}
	sender := otpdelivery.SenderFunc(func(_ context.Context, m otpdelivery.Message) error {
		b.mails <- m
		return nil
	})
	b.Kit = mfatest.New(t, func(c *mfa.Config) {
		queue, err := otpdelivery.NewQueue(otpdelivery.QueueConfig{Sender: sender, Now: c.Now})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, queue.Shutdown(context.Background())) })
		cfg := otpdelivery.Config{App: "Example", Sender: queue, SignIn: true, Links: true, BaseURL: "https://app.example/mfa"}
		for _, c := range change {
			c(&cfg)
		}
		email, err := otpdelivery.NewEmail(cfg)
		require.NoError(t, err)
		c.Factors = append([]mfa.Factor{email}, c.Factors...)
		c.User = func(_ context.Context, id string) (mfa.User, error) {
			return mfa.User{ID: id, Name: id, Email: id + "@example.com"}, nil
		}
		c.FindUser = func(_ context.Context, name string) (string, error) {
			if name == "alice" {
				return name, nil
			}
			return "", mfa.ErrNotFound
		}
	})
	var err error
	b.h, err = mfahttp.New(b.Manager, mfahttp.Config{})
	require.NoError(t, err)
	return b
}

// do sends a request of this browser, with hostile headers that name another
// host.
func (b *postbox) do(method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for _, c := range b.jar {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.jar = append(withoutCookie(b.jar, c.Name), c)
		if c.MaxAge < 0 {
			b.jar = withoutCookie(b.jar, c.Name)
		}
	}
	if to := w.Header().Get("Location"); strings.Contains(to, "sent=") {
		return b.do(http.MethodGet, to, "", "") // to where the code is asked for
	}
	return w
}

func withoutCookie(jar []*http.Cookie, name string) (left []*http.Cookie) {
	for _, c := range jar {
		if c.Name != name {
			left = append(left, c)
		}
	}
	return left
}

const formType = "application/x-www-form-urlencoded"

// C11, F10: a sign-in by the link of a real mail, which a scanner has opened
// twenty times and somebody else has tried before.
func TestF10_C11_SignInByTheLinkOfAMail(t *testing.T) {
	b := newPostbox(t)
	w := b.do(http.MethodPost, "/mfa/api/signin", "application/json", `{"method":"email","username":"alice"}`)
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	m := <-b.mails
	assert.Equal(t, "alice@example.com", m.To)
	assert.NotContains(t, m.Text+m.HTML, "evil")
	link, err := url.Parse(m.Fields.Link)
	require.NoError(t, err)
	assert.Equal(t, "https://app.example", link.Scheme+"://"+link.Host)

	scanner := &postbox{Kit: b.Kit, h: b.h}
	for range 10 {
		assert.Equal(t, http.StatusOK, scanner.do(http.MethodGet, link.Path, "", "").Code)
		assert.Equal(t, http.StatusOK, scanner.do(http.MethodHead, link.Path, "", "").Code)
	}
	for range 10 {
		assert.Contains(t, scanner.do(http.MethodPost, link.Path, formType, "").Body.String(), "type the code from the message")
	}
	w = b.do(http.MethodPost, link.Path, formType, "")
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	var session struct {
		AAL string `json:"authenticator_assurance_level"`
	}
	w = b.do(http.MethodGet, "/mfa/api/session", "", "")
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &session))
	assert.Equal(t, "aal1", session.AAL)
	assert.Contains(t, b.do(http.MethodPost, link.Path, formType, "").Body.String(), "type the code from the message", "once")
}

// An address is enrolled and verified with by codes of real mails, over the API
// and over the pages.
func TestEnrolAnAddressByMail(t *testing.T) {
	b := newPostbox(t)
	b.jar = b.Cookies(t, b.SignedIn(t, "bob"))
	w := b.do(http.MethodPost, "/mfa/enroll/email", formType, url.Values{"address": {"bob@work.example"}}.Encode())
	require.Equal(t, http.StatusOK, w.Code)
	assert.Contains(t, w.Body.String(), "b•••@w•••.example")
	assert.NotContains(t, w.Body.String(), "bob@work.example")
	m := <-b.mails
	id := between(t, w.Body.String(), `name="id" value="`, `"`)
	w = b.do(http.MethodPost, "/mfa/enroll/email/confirm", formType, url.Values{"id": {id}, "code": {m.Fields.Code}}.Encode())
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	assert.Contains(t, b.do(http.MethodGet, "/mfa/", "", "").Body.String(), "b•••@w•••.example")

	b.jar = b.Cookies(t, b.SignedIn(t, "bob"))
	w = b.do(http.MethodPost, "/mfa/api/challenges", "application/json", `{"method":"email"}`)
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	var c struct{ ID string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &c))
	m = <-b.mails
	w = b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, "application/json", `{"response":"`+m.Fields.Code+`"}`)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	assert.Contains(t, w.Body.String(), `"authenticator_assurance_level":"aal2"`)
}

// Whoever signs in with no more than the app's address is offered something
// better, after a code; what they set up comes first from then on, whatever the
// order of Config.Factors, and recovery codes stay last.
func TestVerify_AddressesOfTheAppComeAfterWhatIsSetUp(t *testing.T) {
	b := newPostbox(t, func(c *otpdelivery.Config) { c.UseVerifiedContact = true })
	b.jar = b.Cookies(t, b.SignedIn(t, "bob"))
	page := b.do(http.MethodGet, "/mfa/verify?return_to=%2Fhome", "", "").Body.String()
	assert.Contains(t, page, `id="send" data-method="email"`)
	to := html.UnescapeString(between(t, page, `data-setup="totp" href="`, `"`))
	assert.Contains(t, page, `data-setup="webauthn"`)
	page = b.do(http.MethodGet, to, "", "").Body.String()
	assert.Contains(t, page, "After this you set up: Authenticator app.")
	assert.NotContains(t, page, "data-setup")
	u, err := url.Parse(to)
	require.NoError(t, err)
	form := url.Values{"method": {"email"}, "return_to": {u.Query().Get("return_to")}}
	page = b.do(http.MethodPost, "/mfa/verify/send", formType, form.Encode()).Body.String()
	assert.Contains(t, page, "After this you set up: Authenticator app.")
	form.Set("id", between(t, page, `name="id" value="`, `"`))
	form.Set("code", (<-b.mails).Fields.Code)
	w := b.do(http.MethodPost, "/mfa/verify", formType, form.Encode())
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	assert.Equal(t, "/mfa/enroll/totp?return_to=%2Fhome", w.Header().Get("Location"))
	page = b.do(http.MethodGet, "/mfa/verify", "", "").Body.String()
	assert.NotContains(t, page, "data-setup", "not for those who are signed in")
	const byContact = "Codes go to the address of your account"
	assert.Contains(t, b.do(http.MethodGet, "/mfa/", "", "").Body.String(), byContact)

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range b.jar {
		r.AddCookie(c)
	}
	s, err := b.Manager.Load(r)
	require.NoError(t, err)
	_, s = b.EnrollTOTP(t, s)
	b.EnrollCodes(t, s)
	s = b.SignedIn(t, "bob")
	status, err := b.Manager.Status(t.Context(), s)
	require.NoError(t, err)
	assert.Equal(t, []string{"totp", "email", "lookup_secret"}, status.SignIn.Methods)
	b.jar = b.Cookies(t, s)
	page = b.do(http.MethodGet, "/mfa/verify", "", "").Body.String()
	assert.Equal(t, []string{"totp", "email", "lookup_secret"}, offered(page))
	assert.NotContains(t, page, "data-setup")
}

func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, before)
	require.True(t, ok, before)
	value, _, ok := strings.Cut(rest, after)
	require.True(t, ok, after)
	return value
}
