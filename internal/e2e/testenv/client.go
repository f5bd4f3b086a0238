package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-mfa/mfa/mfatest"
)

// Password is that of every account which a [Client] makes.
const Password = "correct horse battery staple"

// Client speaks JSON to the demo, as an app's own script does. Its cookies are
// good at every process that serves the same database.
type Client struct {
	Origin string // of the process to speak to
	HTTP   *http.Client
	App    *mfatest.TOTP // the authenticator app, once there is one
	Secret string        // what the authenticator app was given
	Codes  []string      // the recovery codes, once there are some
	Seen   func(*http.Response, []byte)

	t testing.TB
}

// NewClient returns a client without cookies that follows no redirects.
func NewClient(t testing.TB, origin string) *Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	check(t, err)
	return &Client{Origin: origin, t: t, HTTP: &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Again returns another client with the same cookies and factors: a second tab.
func (c *Client) Again() *Client {
	c.t.Helper()
	again := NewClient(c.t, c.Origin)
	again.App, again.Secret, again.Codes, again.Seen = c.App, c.Secret, c.Codes, c.Seen
	again.SetCookies(c.Cookies())
	return again
}

// Cookies returns what the client would send.
func (c *Client) Cookies() []*http.Cookie { return c.HTTP.Jar.Cookies(c.url()) }

// SetCookies adds cookies, or changes those of the same name.
func (c *Client) SetCookies(cookies []*http.Cookie) { c.HTTP.Jar.SetCookies(c.url(), cookies) }

func (c *Client) url() *url.URL {
	u, err := url.Parse(c.Origin)
	check(c.t, err)
	return u
}

// Answer is a response that has been read.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Into reads the answer's JSON.
func (a Answer) Into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("%v in %d %s", err, a.Status, a.Body)
	}
}

// Object is an object of JSON.
type Object = map[string]any

// Try sends a request and returns the answer, or why there is none. It can be
// called from any goroutine.
func (c *Client) Try(method, path string, body any) (Answer, error) {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return Answer{}, err
		}
		reader = bytes.NewReader(b)
	}
	header := http.Header{"Accept": {"application/json"}}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	return c.send(c.t.Context(), method, path, reader, header)
}

// Submit sends a form as a page of the demo does. It can be called from any
// goroutine.
func (c *Client) Submit(path string, form url.Values) (Answer, error) {
	return c.send(c.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()), http.Header{
		"Accept": {"text/html"}, "Content-Type": {"application/x-www-form-urlencoded"},
		"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"navigate"},
	})
}

// Page gets a page as a browser does.
func (c *Client) Page(path string) Answer {
	c.t.Helper()
	a, err := c.send(c.t.Context(), http.MethodGet, path, nil, http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}})
	check(c.t, err)
	return a
}

// VerifyWithin is Verify for a client that gives up when the context ends.
func (c *Client) VerifyWithin(ctx context.Context, method, code string) (Answer, error) {
	body, err := json.Marshal(Object{"method": method, "response": code, "refresh": true})
	if err != nil {
		return Answer{}, err
	}
	return c.send(ctx, http.MethodPost, "/mfa/api/challenges", bytes.NewReader(body), http.Header{"Content-Type": {"application/json"}})
}

func (c *Client) send(ctx context.Context, method, path string, body io.Reader, header http.Header) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.Origin+path, body)
	if err != nil {
		return Answer{}, err
	}
	request.Header = header
	response, err := c.HTTP.Do(request)
	if err != nil {
		return Answer{}, err
	}
	text, err := io.ReadAll(response.Body)
	if closed := response.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return Answer{}, err
	}
	if c.Seen != nil {
		c.Seen(response, text)
	}
	return Answer{response.StatusCode, response.Header, text}, nil
}

// Do sends a request and fails the test if there is no answer.
func (c *Client) Do(method, path string, body any) Answer {
	c.t.Helper()
	a, err := c.Try(method, path, body)
	check(c.t, err)
	return a
}

// Must sends a request and fails the test if the status is another.
func (c *Client) Must(status int, method, path string, body any) Answer {
	c.t.Helper()
	a := c.Do(method, path, body)
	if a.Status != status {
		c.t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a
}

// SignUp makes an account, signed in with its password.
func (c *Client) SignUp(name string) {
	c.t.Helper()
	c.Must(http.StatusOK, http.MethodPost, "/signup", Object{"username": name, "password": Password})
}

// LogIn gives the password and returns what is asked for next.
func (c *Client) LogIn(name string) (pending bool, methods []string) {
	c.t.Helper()
	var status struct {
		Pending bool     `json:"pending"`
		Methods []string `json:"methods"`
	}
	c.Must(http.StatusOK, http.MethodPost, "/login", Object{"username": name, "password": Password}).Into(c.t, &status)
	return status.Pending, status.Methods
}

// Enroll adds an authenticator app, confirmed with its code of the given time,
// and returns the id of the credential.
func (c *Client) Enroll(at time.Time) string {
	c.t.Helper()
	id := c.BeginEnroll()
	var done struct {
		Credential struct {
			ID string `json:"id"`
		} `json:"credential"`
	}
	c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/enrollments/"+id, Object{"response": c.App.Code(at)}).Into(c.t, &done)
	return done.Credential.ID
}

// BeginEnroll adds an account to the authenticator app that is not confirmed
// yet, and returns the id of the ceremony.
func (c *Client) BeginEnroll() string {
	c.t.Helper()
	var begun struct {
		ID     string `json:"id"`
		Prompt struct {
			Secret string `json:"secret"`
			URI    string `json:"uri"`
		} `json:"prompt"`
	}
	c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/enrollments", Object{"method": "totp"}).Into(c.t, &begun)
	c.App, c.Secret = mfatest.NewTOTP(c.t, begun.Prompt.URI), begun.Prompt.Secret
	return begun.ID
}

// CreateCodes adds a set of recovery codes.
func (c *Client) CreateCodes() {
	c.t.Helper()
	var begun struct {
		ID     string `json:"id"`
		Prompt struct {
			Codes []string `json:"codes"`
		} `json:"prompt"`
	}
	c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/enrollments", Object{"method": "lookup_secret"}).Into(c.t, &begun)
	c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/enrollments/"+begun.ID, Object{"response": "saved"})
	c.Codes = begun.Prompt.Codes
}

// Verify gives a code. It can be called from any goroutine.
func (c *Client) Verify(method, code string) (Answer, error) {
	return c.Try(http.MethodPost, "/mfa/api/challenges", Object{"method": method, "response": code, "refresh": true})
}

// AAL returns the level of the session: "" if nobody is signed in.
func (c *Client) AAL() string {
	c.t.Helper()
	a := c.Do(http.MethodGet, "/api/account", nil)
	if a.Status != http.StatusOK {
		return ""
	}
	var account struct {
		AAL string `json:"aal"`
	}
	a.Into(c.t, &account)
	return account.AAL
}
