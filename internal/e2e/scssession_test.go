package e2e

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/session/scssession"
	"github.com/go-mfa/mfa/session/sessiontest"
)

var _ scssession.Manager = (*scs.SessionManager)(nil)

var errSessionStore = errors.New("session store is down")

// failingStore is scs's memory store, of which one write can fail.
type failingStore struct {
	*memstore.MemStore
	mu sync.Mutex
	n  int // the n-th write fails
}

func (s *failingStore) failWrite(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n = n
}

func (s *failingStore) write() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n--; s.n == 0 {
		return errSessionStore
	}
	return nil
}

func (s *failingStore) Delete(token string) error {
	if err := s.write(); err != nil {
		return err
	}
	return s.MemStore.Delete(token)
}

func (s *failingStore) Commit(token string, b []byte, expiry time.Time) error {
	if err := s.write(); err != nil {
		return err
	}
	return s.MemStore.Commit(token, b, expiry)
}

func newSCS() (*scs.SessionManager, *failingStore) {
	store := &failingStore{MemStore: memstore.NewWithCleanupInterval(0)}
	sm := scs.New()
	sm.Store = store
	sm.Cookie.Name = "__Host-session"
	sm.Cookie.Secure = true
	sm.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(http.StatusInternalServerError)
	}
	return sm, store
}

func TestSCSSessionConformance(t *testing.T) {
	for name, configure := range map[string]func(*scs.SessionManager){
		"defaults":     func(*scs.SessionManager) {},
		"hashed token": func(sm *scs.SessionManager) { sm.HashTokenInStore = true },
		"idle timeout": func(sm *scs.SessionManager) { sm.IdleTimeout = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
				sm, store := newSCS()
				configure(sm)
				session, err := scssession.New(sm, scssession.Config{UserKey: "uid"})
				require.NoError(t, err)
				return sessiontest.Harness{
					Session: session,
					Wrap:    sm.LoadAndSave,
					AppUser: func(r *http.Request) string { return sm.GetString(r.Context(), "uid") },
					SetAppUser: func(_ http.ResponseWriter, r *http.Request, userID string) {
						if userID == "" {
							sm.Remove(r.Context(), "uid")
							return
						}
						sm.Put(r.Context(), "uid", userID)
					},
					SaveRaw: func(_ http.ResponseWriter, r *http.Request, userID string, state []byte) {
						sm.Put(r.Context(), "uid", userID)
						sm.Put(r.Context(), scssession.StateKey, state)
					},
					FailWrite: store.failWrite,
				}
			})
		})
	}
}

func TestSCSSessionMissingLoadAndSave(t *testing.T) {
	sm, _ := newSCS()
	session, err := scssession.New(sm, scssession.Config{UserKey: "uid"})
	require.NoError(t, err)
	_, err = session.Load(httptest.NewRequest(http.MethodGet, "/", nil))
	require.ErrorContains(t, err, "LoadAndSave")
	assert.NotErrorIs(t, err, mfa.ErrNoSession)
}

// visit sends one request with a cookie through LoadAndSave and returns the
// response.
func visit(sm *scs.SessionManager, cookie *http.Cookie, handler http.HandlerFunc) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "https://app.example/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	sm.LoadAndSave(handler).ServeHTTP(w, r)
	return w.Result()
}

func TestSCSSessionFromBeforeTheLibrary(t *testing.T) {
	sm, _ := newSCS()
	session, err := scssession.New(sm, scssession.Config{
		UserKey:  "uid",
		Encode:   func(userID string) any { n, _ := strconv.Atoi(userID); return n },
		Decode:   func(value any) (string, bool) { n, ok := value.(int); return strconv.Itoa(n), ok && n != 0 },
		Existing: new(mfa.Password()),
	})
	require.NoError(t, err)
	old := visit(sm, nil, func(_ http.ResponseWriter, r *http.Request) {
		sm.Put(r.Context(), "uid", 42)
		_, err := session.Load(r)
		assert.ErrorIs(t, err, mfa.ErrNoSession, "begun by this request")
	}).Cookies()[0]

	var first, second mfa.State
	visit(sm, old, func(_ http.ResponseWriter, r *http.Request) {
		first, err = session.Load(r)
		assert.NoError(t, err)
	})
	renewed := visit(sm, old, func(w http.ResponseWriter, r *http.Request) {
		second, err = session.Load(r)
		assert.NoError(t, err)
		assert.NoError(t, session.Save(w, r, second))
	}).Cookies()[0]
	assert.Equal(t, first, second)
	assert.Equal(t, "42", first.UserID)
	assert.NotEqual(t, old.Value, renewed.Value)

	visit(sm, renewed, func(_ http.ResponseWriter, r *http.Request) {
		got, err := session.Load(r)
		assert.NoError(t, err)
		assert.Equal(t, first, got)
		assert.Equal(t, 42, sm.GetInt(r.Context(), "uid"))
	})
}

// The documented limit: scs revives the old token, and never with more than
// the session had when the slow request loaded it.
func TestSCSSessionRevivedTokenIsNeverElevated(t *testing.T) {
	sm, _ := newSCS()
	session, err := scssession.New(sm, scssession.Config{UserKey: "uid"})
	require.NoError(t, err)
	pending := mfa.State{ID: "session", UserID: "ann", Methods: []mfa.Method{mfa.Password()}, Pending: true}
	complete := pending
	complete.Pending = false

	old := visit(sm, nil, func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, session.Save(w, r, pending))
	}).Cookies()[0]
	visit(sm, old, func(_ http.ResponseWriter, r *http.Request) {
		visit(sm, old, func(w http.ResponseWriter, r *http.Request) {
			assert.NoError(t, session.Save(w, r, complete))
		})
		sm.Put(r.Context(), "cart", 3)
	})
	visit(sm, old, func(_ http.ResponseWriter, r *http.Request) {
		assert.Equal(t, 3, sm.GetInt(r.Context(), "cart"), "if scs no longer does this, the documented limit is gone")
		got, err := session.Load(r)
		assert.NoError(t, err)
		assert.True(t, got.Pending)
		assert.Empty(t, sm.GetString(r.Context(), "uid"))
	})
}

func BenchmarkSCSSessionLoad(b *testing.B) {
	sm, _ := newSCS()
	session, err := scssession.New(sm, scssession.Config{UserKey: "uid"})
	require.NoError(b, err)
	state := mfa.State{ID: "session", UserID: "ann", Methods: []mfa.Method{mfa.Password(), {Name: "totp", Role: mfa.RoleSecond, CredentialID: "c"}}}
	ctx, err := sm.Load(b.Context(), "")
	require.NoError(b, err)
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	require.NoError(b, session.Save(httptest.NewRecorder(), r, state))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := session.Load(r); err != nil {
			b.Fatal(err)
		}
	}
}
