package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/go-mfa/mfa/examples/webapp/app"
)

const password = "correct horse battery"

// clock is a library's clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now().Truncate(time.Second)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// server is a running app.
type server struct {
	*app.App
	t        *testing.T
	database string
	origin   string
	clock    *clock
	stop     func()
}

// start runs the app on a new database.
func start(t *testing.T) *server {
	t.Helper()
	return startOn(t, filepath.Join(t.TempDir(), "webapp.db"), newClock())
}

// startDev runs it for development, with an outbox.
func startDev(t *testing.T) *server {
	t.Helper()
	return startWith(t, filepath.Join(t.TempDir(), "webapp.db"), newClock(), true)
}

func startOn(t *testing.T, database string, c *clock) *server {
	t.Helper()
	return startWith(t, database, c, false)
}

func startWith(t *testing.T, database string, c *clock, dev bool) *server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	origin := "http://localhost:" + port
	a, err := app.New(app.Options{
		Database: database, Origin: origin, Now: c.Now, Dev: dev, PasswordCost: bcrypt.MinCost,
		Logger: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	require.NoError(t, err)
	srv := httptest.NewUnstartedServer(a)
	require.NoError(t, srv.Listener.Close())
	srv.Listener = listener
	srv.Start()
	stop := sync.OnceFunc(func() {
		srv.Close()
		require.NoError(t, a.Close())
	})
	t.Cleanup(stop)
	return &server{App: a, t: t, database: database, origin: origin, clock: c, stop: stop}
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// browser is a client with cookies that follows no redirects.
type browser struct {
	http.Client
	s *server
	// secret of the TOTP authenticator, once there is one.
	secret string
}

func (s *server) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &browser{s: s, Client: http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

func (b *browser) do(method, path, contentType, body string, header http.Header) answer {
	b.s.t.Helper()
	req, err := http.NewRequestWithContext(b.s.t.Context(), method, b.s.origin+path, strings.NewReader(body))
	require.NoError(b.s.t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	maps.Copy(req.Header, header)
	res, err := b.Do(req)
	require.NoError(b.s.t, err)
	defer func() { require.NoError(b.s.t, res.Body.Close()) }()
	text, err := io.ReadAll(res.Body)
	require.NoError(b.s.t, err)
	return answer{res.StatusCode, res.Header, string(text)}
}

// page gets what a browser shows.
func (b *browser) page(path string) answer {
	b.s.t.Helper()
	return b.do(http.MethodGet, path, "", "", http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}})
}

// get gets what a script asks for.
func (b *browser) get(path string) answer {
	b.s.t.Helper()
	return b.do(http.MethodGet, path, "", "", http.Header{"Accept": {"application/json"}})
}

// submit posts a form as a browser does.
func (b *browser) submit(path string, form url.Values) answer {
	b.s.t.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode(), http.Header{
		"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"same-origin"}, "Accept": {"text/html"}, "Referer": {b.s.origin + "/account"},
	})
}

// post posts JSON as a script does.
func (b *browser) post(path string, v any) answer {
	b.s.t.Helper()
	var body bytes.Buffer
	require.NoError(b.s.t, json.NewEncoder(&body).Encode(v))
	return b.do(http.MethodPost, path, "application/json", body.String(), nil)
}

type object = map[string]any

// signUp makes an account and signs it in.
func (b *browser) signUp(name string) {
	b.s.t.Helper()
	a := b.post("/signup", object{"username": name, "password": password})
	require.Equal(b.s.t, http.StatusOK, a.status, a.body)
	require.JSONEq(b.s.t, `{"pending":false,"methods":[]}`, a.body)
}

// logIn gives the password, and returns whether a second factor is asked for.
func (b *browser) logIn(name string) bool {
	b.s.t.Helper()
	a := b.post("/login", object{"username": name, "password": password})
	require.Equal(b.s.t, http.StatusOK, a.status, a.body)
	return a.json(b.s.t)["pending"].(bool)
}

// enrollTOTP adds an authenticator app.
func (b *browser) enrollTOTP() {
	b.s.t.Helper()
	a := b.post("/mfa/api/enrollments", object{"method": "totp"})
	require.Equal(b.s.t, http.StatusCreated, a.status, a.body)
	begun := a.json(b.s.t)
	b.secret = begun["prompt"].(object)["secret"].(string)
	a = b.post("/mfa/api/enrollments/"+begun["id"].(string), object{"response": b.code()})
	require.Equal(b.s.t, http.StatusCreated, a.status, a.body)
}

// code returns what the authenticator shows, which is new at each call.
func (b *browser) code() string {
	b.s.t.Helper()
	b.s.clock.advance(30 * time.Second)
	code, err := totp.GenerateCode(strings.ReplaceAll(b.secret, " ", ""), b.s.clock.Now())
	require.NoError(b.s.t, err)
	return code
}

// verify gives a code.
func (b *browser) verify() answer {
	b.s.t.Helper()
	return b.post("/mfa/api/challenges", object{"method": "totp", "response": b.code(), "refresh": true})
}

// enrolled returns a browser whose user has an authenticator and is signed in
// with it.
func (s *server) enrolled(name string) *browser {
	s.t.Helper()
	b := s.browser()
	b.signUp(name)
	b.enrollTOTP()
	a := b.verify()
	require.Equal(s.t, http.StatusOK, a.status, a.body)
	return b
}

func (b *browser) cookies() []*http.Cookie {
	b.s.t.Helper()
	u, err := url.Parse(b.s.origin)
	require.NoError(b.s.t, err)
	return b.Jar.Cookies(u)
}

func (b *browser) setCookies(cookies []*http.Cookie) {
	b.s.t.Helper()
	u, err := url.Parse(b.s.origin)
	require.NoError(b.s.t, err)
	b.Jar.SetCookies(u, cookies)
}
