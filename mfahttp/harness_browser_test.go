package mfahttp_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// browser is one client with its own cookies. It follows no redirects.
type browser struct {
	a      *app
	client *http.Client
}

func (a *app) newBrowser() *browser {
	cookies, err := cookiejar.New(nil)
	require.NoError(a.t, err)
	return &browser{a: a, client: &http.Client{
		Jar:           jar{cookies},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// jar takes and sends Secure cookies, as browsers do with the own machine.
type jar struct{ *cookiejar.Jar }

func secure(u *url.URL) *url.URL {
	s := *u
	s.Scheme = "https"
	return &s
}

func (j jar) SetCookies(u *url.URL, cookies []*http.Cookie) { j.Jar.SetCookies(secure(u), cookies) }

func (j jar) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(secure(u)) }

// cookie returns the value of a cookie that the browser sends to the pages, ""
// if there is none.
func (b *browser) cookie(name string) string {
	b.a.t.Helper()
	u, err := url.Parse(b.a.server.URL + "/mfa/")
	require.NoError(b.a.t, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// login passes the first factor.
func (b *browser) login(user string) *browser {
	b.a.t.Helper()
	got := b.do(http.MethodPost, "/login?user="+user, nil)
	require.Equal(b.a.t, http.StatusOK, got.status, got.body)
	return b
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
}

// code is the code of a problem, "" if it is none.
func (r reply) code() string {
	var p mfa.Problem
	if r.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal([]byte(r.body), &p) != nil {
		return ""
	}
	return p.Code
}

func (r reply) into(t *testing.T, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(v), r.body)
}

// try sends a request with exactly these headers. It is for other goroutines
// than the test's.
func (b *browser) try(method, path, body string, header http.Header) (reply, error) {
	req, err := http.NewRequestWithContext(b.a.t.Context(), method, b.a.server.URL+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	maps.Copy(req.Header, header)
	res, err := b.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, header: res.Header, body: string(got)}, err
}

// send sends a request with exactly these headers.
func (b *browser) send(method, path, body string, header http.Header) reply {
	b.a.t.Helper()
	got, err := b.try(method, path, body, header)
	require.NoError(b.a.t, err)
	return got
}

// do sends a request as the app's own pages would; a document is sent as JSON,
// a string as the JSON it is.
func (b *browser) do(method, path string, document any) reply {
	b.a.t.Helper()
	header := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"}}
	if document == nil {
		return b.send(method, path, "", header)
	}
	header.Set("Content-Type", "application/json")
	body, ok := document.(string)
	if !ok {
		encoded, err := json.Marshal(document)
		require.NoError(b.a.t, err)
		body = string(encoded)
	}
	return b.send(method, path, body, header)
}

// object is a JSON object.
type object = map[string]any

// sessionDocument is the answer of GET /session.
type sessionDocument struct {
	ID               string     `json:"id"`
	Active           bool       `json:"active"`
	AuthenticatedAt  *time.Time `json:"authenticated_at"`
	AAL              string     `json:"authenticator_assurance_level"`
	HighestAvailable string     `json:"highest_available_aal"`
	AMR              []string   `json:"amr"`
	Methods          []struct {
		Method      string    `json:"method"`
		AAL         string    `json:"aal"`
		CompletedAt time.Time `json:"completed_at"`
	} `json:"authentication_methods"`
}

func (b *browser) session() sessionDocument {
	b.a.t.Helper()
	got := b.do(http.MethodGet, "/mfa/api/session", nil)
	require.Equal(b.a.t, http.StatusOK, got.status, got.body)
	var s sessionDocument
	got.into(b.a.t, &s)
	return s
}

// ceremony is the answer of POST /enrollments and POST /challenges.
type ceremony struct {
	ID        string          `json:"id"`
	Method    string          `json:"method"`
	ExpiresAt time.Time       `json:"expires_at"`
	Prompt    json.RawMessage `json:"prompt"`
}

func (b *browser) begin(path string, document any) ceremony {
	b.a.t.Helper()
	got := b.do(http.MethodPost, path, document)
	require.Equal(b.a.t, http.StatusCreated, got.status, got.body)
	var c ceremony
	got.into(b.a.t, &c)
	return c
}

// credentialDocument is one entry of GET /credentials.
type credentialDocument struct {
	ID         string     `json:"id"`
	Method     string     `json:"method"`
	Name       string     `json:"name"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	Details    object     `json:"details"`
}

// enrollment is the answer of POST /enrollments/{id}.
type enrollment struct {
	Credential          credentialDocument `json:"credential"`
	RecoveryCodesNeeded bool               `json:"recovery_codes_needed"`
}

func (b *browser) finishEnrollment(id string, response any) enrollment {
	b.a.t.Helper()
	got := b.do(http.MethodPost, "/mfa/api/enrollments/"+id, object{"response": response})
	require.Equal(b.a.t, http.StatusCreated, got.status, got.body)
	var e enrollment
	got.into(b.a.t, &e)
	return e
}

// verify answers with a code at once and returns the reply.
func (b *browser) verify(method, response string) reply {
	b.a.t.Helper()
	return b.do(http.MethodPost, "/mfa/api/challenges", object{"method": method, "response": response})
}
