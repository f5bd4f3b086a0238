package mfahttp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/mfahttp"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
	"github.com/go-mfa/mfa/webauthnfactor"
)

// app is an app with a login, an in-memory session, and the handler mounted at
// /mfa. Its routes of its own: POST /login?user=, POST /logout, GET /home
// behind the gate.
type app struct {
	t       *testing.T
	m       *mfa.Manager
	store   *faultyStore
	session *sessions
	clock   *clock
	logs    *logs
	server  *httptest.Server

	mu     sync.Mutex
	events []mfa.Event
}

// setup changes how an app is made.
type setup struct {
	manager func(*mfa.Config)
	handler func(*mfahttp.Config)
}

func newApp(t *testing.T, options ...setup) *app {
	t.Helper()
	a := &app{
		t:       t,
		store:   &faultyStore{Store: memory.New()},
		session: &sessions{states: map[string]mfa.State{}},
		clock:   &clock{now: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)},
		logs:    &logs{},
	}
	totpFactor, err := totpfactor.New(totpfactor.Config{Issuer: "Example"})
	require.NoError(t, err)
	lookupFactor, err := lookup.New(lookup.Config{})
	require.NoError(t, err)
	keys, err := webauthnfactor.New(webauthnfactor.Config{RPID: relyingParty.ID, RPDisplayName: relyingParty.Name, Origins: []string{relyingParty.Origin}})
	require.NoError(t, err)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	logger := slog.New(slog.NewJSONHandler(a.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := mfa.Config{
		Store:   a.store,
		Session: a.session,
		Factors: []mfa.Factor{totpFactor, keys, lookupFactor},
		Keys:    [][]byte{key},
		User: func(_ context.Context, id string) (mfa.User, error) {
			return mfa.User{ID: id, Name: id, DisplayName: id}, nil
		},
		Logger: logger,
		Now:    a.clock.Now,
		OnEvent: func(_ context.Context, e mfa.Event) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.events = append(a.events, e)
		},
	}
	page := mfahttp.Config{AppName: "Example", Logger: logger}
	for _, o := range options {
		if o.manager != nil {
			o.manager(&cfg)
		}
		if o.handler != nil {
			o.handler(&page)
		}
	}
	a.m, err = mfa.New(cfg)
	require.NoError(t, err)
	h, err := mfahttp.New(a.m, page)
	require.NoError(t, err)

	prefix := page.Prefix
	if prefix == "" {
		prefix = "/mfa"
	}
	mux := http.NewServeMux()
	mux.Handle(strings.TrimSuffix(prefix, "/")+"/", h)
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		status, err := a.m.SignIn(w, r, r.FormValue("user"), mfa.Password())
		if err != nil {
			a.m.Refuse(w, r, err)
			return
		}
		_ = json.NewEncoder(w).Encode(status)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := a.m.SignOut(w, r); err != nil {
			a.m.Refuse(w, r, err)
		}
	})
	mux.Handle("GET /home", a.m.Require(mfa.Requirement{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := mfa.FromContext(r.Context())
		_, _ = io.WriteString(w, "home of "+s.UserID)
	})))
	a.server = httptest.NewServer(mux)
	t.Cleanup(a.server.Close)
	return a
}

func (a *app) eventsOf(kind mfa.EventKind) []mfa.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []mfa.Event
	for _, e := range a.events {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// logs collects what is logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// faultyStore asks fault before every call of the store. The name of the call
// is that of the method.
type faultyStore struct {
	mfa.Store
	mu     sync.Mutex
	fault  func(call string) error
	writes int
}

func (s *faultyStore) set(fault func(call string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *faultyStore) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *faultyStore) before(call string, write bool) error {
	s.mu.Lock()
	fault := s.fault
	if write {
		s.writes++
	}
	s.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(call)
}

func (s *faultyStore) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	if err := s.before("Credentials", false); err != nil {
		return nil, err
	}
	return s.Store.Credentials(ctx, userID)
}

func (s *faultyStore) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if err := s.before("CreateCredential", true); err != nil {
		return err
	}
	return s.Store.CreateCredential(ctx, c)
}

func (s *faultyStore) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if err := s.before("UpdateCredential", true); err != nil {
		return err
	}
	return s.Store.UpdateCredential(ctx, c, prev)
}

func (s *faultyStore) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	if err := s.before("DeleteCredential", true); err != nil {
		return err
	}
	return s.Store.DeleteCredential(ctx, userID, id, prev)
}

func (s *faultyStore) Record(ctx context.Context, key string) (mfa.Record, error) {
	if err := s.before("Record", false); err != nil {
		return mfa.Record{}, err
	}
	return s.Store.Record(ctx, key)
}

func (s *faultyStore) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if err := s.before("PutRecord", true); err != nil {
		return err
	}
	return s.Store.PutRecord(ctx, r, prev)
}

func (s *faultyStore) DeleteRecord(ctx context.Context, key string, prev int64) error {
	if err := s.before("DeleteRecord", true); err != nil {
		return err
	}
	return s.Store.DeleteRecord(ctx, key, prev)
}

const sessionCookie = "session"

// sessions keeps states on the server, named by a cookie. With replayable set
// it behaves like a sealed cookie: identifiers that were replaced still work.
type sessions struct {
	mu         sync.Mutex
	states     map[string]mfa.State
	replayable bool
	saves      int
	fault      func() error
}

func (s *sessions) Load(r *http.Request) (mfa.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return mfa.State{}, mfa.ErrNoSession
	}
	state, ok := s.states[c.Value]
	if !ok {
		return mfa.State{}, mfa.ErrNoSession
	}
	return state, nil
}

func (s *sessions) Save(w http.ResponseWriter, r *http.Request, state mfa.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if s.fault != nil {
		if err := s.fault(); err != nil {
			return err
		}
	}
	if c, err := r.Cookie(sessionCookie); err == nil && !s.replayable {
		delete(s.states, c.Value)
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	if state.UserID != "" {
		s.states[hex.EncodeToString(id)] = state
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: hex.EncodeToString(id), Path: "/", HttpOnly: true})
	return nil
}

func (s *sessions) saved() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saves
}

// browser is one client with its own cookies. It follows no redirects.
type browser struct {
	a      *app
	client *http.Client
}

func (a *app) newBrowser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(a.t, err)
	return &browser{a: a, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
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

// totpApp is an authenticator app with one account.
type totpApp struct {
	clock        *clock
	secret       string
	credentialID string
}

// code is the code of now.
func (p *totpApp) code() string {
	code, err := totp.GenerateCode(p.secret, p.clock.Now())
	if err != nil {
		panic(err)
	}
	return code
}

// next waits for a time step whose code was not used yet.
func (p *totpApp) next() string {
	p.clock.Advance(30 * time.Second)
	return p.code()
}

// wrong is a code that is right neither now nor around now.
func (p *totpApp) wrong() string {
	var right []string
	for step := -3; step <= 3; step++ {
		code, err := totp.GenerateCode(p.secret, p.clock.Now().Add(time.Duration(step)*30*time.Second))
		if err != nil {
			panic(err)
		}
		right = append(right, code)
	}
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"} {
		if !slices.Contains(right, code) {
			return code
		}
	}
	panic("no wrong code")
}

// secretOf reads the secret from the prompt of an enrolment.
func secretOf(t *testing.T, c ceremony) string {
	t.Helper()
	var prompt struct {
		Secret string `json:"secret"`
		URI    string `json:"uri"`
		QRSVG  string `json:"qr_svg"`
	}
	require.NoError(t, json.Unmarshal(c.Prompt, &prompt))
	require.NotEmpty(t, prompt.Secret)
	return prompt.Secret
}

// enrollTOTP enrols an authenticator app. The session has aal2 afterwards.
func (b *browser) enrollTOTP() *totpApp {
	b.a.t.Helper()
	c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
	p := &totpApp{clock: b.a.clock, secret: secretOf(b.a.t, c)}
	p.credentialID = b.finishEnrollment(c.ID, p.code()).Credential.ID
	return p
}

// enrollCodes makes recovery codes.
func (b *browser) enrollCodes() []string {
	b.a.t.Helper()
	c := b.begin("/mfa/api/enrollments", object{"method": "lookup_secret"})
	var prompt struct {
		Codes []string `json:"codes"`
	}
	require.NoError(b.a.t, json.Unmarshal(c.Prompt, &prompt))
	b.finishEnrollment(c.ID, "saved")
	return prompt.Codes
}

var relyingParty = virtualwebauthn.RelyingParty{ID: "example.test", Name: "Example", Origin: "https://example.test"}

// securityKey is a WebAuthn authenticator with one credential.
type securityKey struct {
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
	credentialID  string
}

func newSecurityKey() *securityKey {
	return &securityKey{
		authenticator: virtualwebauthn.NewAuthenticator(),
		credential:    virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2),
	}
}

// attest answers the prompt of an enrolment.
func (k *securityKey) attest(t *testing.T, c ceremony) json.RawMessage {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(c.Prompt))
	require.NoError(t, err)
	k.authenticator.Options.UserHandle = []byte(options.UserID)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(relyingParty, k.authenticator, k.credential, *options))
}

// assert answers the prompt of a challenge.
func (k *securityKey) assert(t *testing.T, c ceremony) json.RawMessage {
	t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(c.Prompt))
	require.NoError(t, err)
	k.credential.Counter++
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(relyingParty, k.authenticator, k.credential, *options))
}

// enrollKey enrols a security key.
func (b *browser) enrollKey(name string) *securityKey {
	b.a.t.Helper()
	k := newSecurityKey()
	c := b.begin("/mfa/api/enrollments", object{"method": "webauthn", "name": name})
	k.credentialID = b.finishEnrollment(c.ID, k.attest(b.a.t, c)).Credential.ID
	return k
}

// verify answers with a code at once and returns the reply.
func (b *browser) verify(method, response string) reply {
	b.a.t.Helper()
	return b.do(http.MethodPost, "/mfa/api/challenges", object{"method": method, "response": response})
}
