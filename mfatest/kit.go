package mfatest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
	"github.com/go-mfa/mfa/webauthnfactor"
)

// The relying party of the keys of a Kit made by [New].
const (
	RPID   = "example.test"
	Origin = "https://example.test"
)

// Kit is a Manager with what tests need around it. Make one with [New], or
// fill in the fields to use it with a Manager of the app's own: Manager,
// Session and Clock are needed, RPID and Origin only for keys.
//
// Its methods fail the test on an error, so they must be called from the
// test's own goroutine.
type Kit struct {
	Manager *mfa.Manager
	Session mfa.Session // the one of the Manager
	Clock   *Clock      // the one of the Manager
	Store   mfa.Store   // the one of the Manager; nil if unknown
	Events  *Events     // what the Manager told of; nil if unknown

	RPID, Origin string // for the keys of EnrollKey

	// Middleware loads the app's sessions, like LoadAndSave of scs. Nil if
	// Session needs none.
	Middleware func(http.Handler) http.Handler

	mu   sync.Mutex
	keys map[string]*Authenticator // of SignedInAAL2, by user
}

// New returns a Kit with a Manager over the memory store and a [Session], with
// TOTP, security keys and recovery codes, and with a clock at the beginning of
// 2026. Every user id has a user with that name. change, if not nil, changes
// the configuration before the Manager is made; it may wrap what is there.
func New(t testing.TB, change func(*mfa.Config)) *Kit {
	t.Helper()
	k := &Kit{
		Clock: NewClock(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)), Events: &Events{}, RPID: RPID, Origin: Origin,
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	cfg := mfa.Config{
		Store: memory.New(), Session: NewSession(), Factors: defaultFactors(t), Keys: [][]byte{key},
		User: func(_ context.Context, userID string) (mfa.User, error) {
			return mfa.User{ID: userID, Name: userID, DisplayName: userID}, nil
		},
		Logger: slog.New(slog.DiscardHandler), Now: k.Clock.Now,
	}
	if change != nil {
		change(&cfg)
	}
	k.Store, k.Session = cfg.Store, cfg.Session
	also := cfg.OnEvent
	cfg.OnEvent = func(ctx context.Context, ev mfa.Event) {
		k.Events.Record(ctx, ev)
		if also != nil {
			also(ctx, ev)
		}
	}
	m, err := mfa.New(cfg)
	if err != nil {
		t.Fatalf("mfatest: %v", err)
	}
	k.Manager = m
	return k
}

func defaultFactors(t testing.TB) []mfa.Factor {
	t.Helper()
	totp, err := totpfactor.New(totpfactor.Config{Issuer: "Example"})
	if err != nil {
		t.Fatalf("mfatest: %v", err)
	}
	keys, err := webauthnfactor.New(webauthnfactor.Config{RPID: RPID, RPDisplayName: "Example", Origins: []string{Origin}})
	if err != nil {
		t.Fatalf("mfatest: %v", err)
	}
	codes, err := lookup.New(lookup.Config{})
	if err != nil {
		t.Fatalf("mfatest: %v", err)
	}
	return []mfa.Factor{totp, keys, codes}
}

// SignIn returns the state of a new session of a user who has just passed a
// first factor. It is Pending if the user has a second one.
func (k *Kit) SignIn(t testing.TB, userID string, first mfa.Method) mfa.State {
	t.Helper()
	s, err := k.Manager.Start(t.Context(), mfa.State{}, userID, first)
	if err != nil {
		t.Fatalf("mfatest: signing %q in: %v", userID, err)
	}
	return s
}

// SignedIn returns the state of a new session of a user who has just given the
// password: aal1, and Pending if the user has a second factor.
func (k *Kit) SignedIn(t testing.TB, userID string) mfa.State {
	t.Helper()
	return k.SignIn(t, userID, mfa.Password())
}

// SignedInAAL2 returns the state of a new session at aal2: by a password and a
// security key, which is enrolled at the first call for a user and used from
// then on. A user with other factors has to verify with those: the test fails.
func (k *Kit) SignedInAAL2(t testing.TB, userID string) mfa.State {
	t.Helper()
	s := k.SignedIn(t, userID)
	k.mu.Lock()
	key := k.keys[userID]
	k.mu.Unlock()
	if key != nil {
		return k.VerifyKey(t, s, key)
	}
	key, s = k.EnrollKey(t, s)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		k.keys = map[string]*Authenticator{}
	}
	k.keys[userID] = key
	return s
}

// Cookies saves a state and returns the cookies of its session.
func (k *Kit) Cookies(t testing.TB, s mfa.State) []*http.Cookie {
	t.Helper()
	var err error
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { err = k.Session.Save(w, r, s) })
	if k.Middleware != nil {
		h = k.Middleware(h)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.test/", nil))
	if err != nil {
		t.Fatalf("mfatest: saving the session: %v", err)
	}
	return w.Result().Cookies()
}

// Request returns a request of a session with this state, as the app's handler
// gets it; of nobody for the zero State. Set the headers as the test needs
// them.
func (k *Kit) Request(t testing.TB, method, target string, s mfa.State) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	if s.UserID == "" {
		return r
	}
	for _, c := range k.Cookies(t, s) {
		r.AddCookie(c)
	}
	return r
}
