package scssession

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// fake behaves like *scs.SessionManager towards one session of one request.
// What it stores is what it committed last.
type fake struct {
	token  string
	values map[string]any
	stored map[string]map[string]any // by token
	calls  []string
	renew  error
	commit error
	panics any
	noLoad bool
}

func newFake() *fake {
	return &fake{token: "token-0", values: map[string]any{}, stored: map[string]map[string]any{}}
}

func (f *fake) Get(_ context.Context, key string) any {
	if f.noLoad {
		panic("scs: no session data in context")
	}
	return f.values[key]
}
func (f *fake) Put(_ context.Context, key string, val any) {
	f.calls = append(f.calls, "put "+key)
	f.values[key] = val
}
func (f *fake) Remove(_ context.Context, key string) {
	f.calls = append(f.calls, "remove "+key)
	delete(f.values, key)
}
func (f *fake) Token(context.Context) string { return f.token }
func (f *fake) RenewToken(context.Context) error {
	f.calls = append(f.calls, "renew")
	if f.renew != nil {
		return f.renew
	}
	delete(f.stored, f.token)
	f.token = rand.Text()
	return nil
}
func (f *fake) Commit(context.Context) (string, time.Time, error) {
	f.calls = append(f.calls, "commit")
	if f.panics != nil {
		panic(f.panics)
	}
	if f.commit != nil {
		return "", time.Time{}, f.commit
	}
	row := map[string]any{}
	maps.Copy(row, f.values)
	f.stored[f.token] = row
	return f.token, time.Time{}, nil
}

var start = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func stateOf(user string) mfa.State {
	first := mfa.Password()
	first.At = start
	return mfa.State{ID: "session", UserID: user, Methods: []mfa.Method{first}}
}

func pendingOf(user string) mfa.State {
	s := stateOf(user)
	s.Pending = true
	return s
}

func newSession(t testing.TB, sm Manager, cfg Config) *Session {
	t.Helper()
	cfg.UserKey = "uid"
	s, err := New(sm, cfg)
	require.NoError(t, err)
	return s
}

func request() *http.Request { return httptest.NewRequest(http.MethodPost, "/", nil) }

func save(s *Session, state mfa.State) error {
	return s.Save(httptest.NewRecorder(), request(), state)
}

func TestB09_RenewsBeforeItWrites(t *testing.T) {
	sm := newFake()
	s := newSession(t, sm, Config{})
	require.NoError(t, save(s, stateOf("ann")))
	assert.Equal(t, []string{"renew", "remove uid", "put " + StateKey, "put uid", "commit"}, sm.calls)
	assert.NotEqual(t, "token-0", sm.token)
	assert.Equal(t, "ann", sm.stored[sm.token]["uid"])
}

func TestB01_PendingKeepsTheUserOut(t *testing.T) {
	sm := newFake()
	s := newSession(t, sm, Config{})
	sm.values["cart"] = 3
	require.NoError(t, save(s, stateOf("ann")))
	require.NoError(t, save(s, pendingOf("bob")))
	assert.NotContains(t, sm.values, "uid")
	got, err := s.Load(request())
	require.NoError(t, err)
	assert.Equal(t, pendingOf("bob"), got)

	require.NoError(t, save(s, mfa.State{}))
	assert.Equal(t, map[string]any{"cart": 3}, sm.values, "the app's other values stay")
	_, err = s.Load(request())
	assert.ErrorIs(t, err, mfa.ErrNoSession)
}

func TestB09_AFailingSaveElevatesNothing(t *testing.T) {
	down := errors.New("database is down")
	for what, fail := range map[string]func(*fake){
		"renew":  func(f *fake) { f.renew = down },
		"commit": func(f *fake) { f.commit = down },
		"panic":  func(f *fake) { f.panics = down },
	} {
		for name, before := range map[string]mfa.State{"pending": pendingOf("ann"), "signed in": stateOf("bob"), "nobody": {}} {
			t.Run(what+"/"+name, func(t *testing.T) {
				sm := newFake()
				s := newSession(t, sm, Config{})
				require.NoError(t, save(s, before))
				fail(sm)
				if what == "panic" {
					assert.PanicsWithError(t, down.Error(), func() { _ = save(s, stateOf("ann")) })
				} else {
					require.ErrorIs(t, save(s, stateOf("ann")), down)
				}
				sm.renew, sm.commit, sm.panics = nil, nil, nil
				got, err := s.Load(request())
				if before.UserID == "" {
					assert.ErrorIs(t, err, mfa.ErrNoSession)
					assert.NotContains(t, sm.values, "uid")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, before, got, "scs commits again when the response is written: the values must be the old ones")
			})
		}
	}
}

func TestTheAppsUserIsCompared(t *testing.T) {
	for _, c := range []struct {
		what  string
		state mfa.State
		app   any
		ok    bool
	}{
		{"equal", stateOf("ann"), "ann", true},
		{"another", stateOf("ann"), "bob", false},
		{"a prefix", stateOf("ann"), "an", false},
		{"nobody", stateOf("ann"), nil, false},
		{"nobody, as an empty id", stateOf("ann"), "", false},
		{"something else", stateOf("ann"), 7, false},
		{"pending, nobody", pendingOf("ann"), nil, true},
		{"pending, nobody as an empty id", pendingOf("ann"), "", true},
		{"pending, the same", pendingOf("ann"), "ann", false},
		{"pending, another", pendingOf("ann"), "bob", false},
		{"pending, something else", pendingOf("ann"), 7, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			sm := newFake()
			s := newSession(t, sm, Config{})
			require.NoError(t, save(s, c.state))
			delete(sm.values, "uid")
			if c.app != nil {
				sm.values["uid"] = c.app
			}
			got, err := s.Load(request())
			if !c.ok {
				require.ErrorIs(t, err, mfa.ErrNoSession)
				assert.Equal(t, mfa.State{}, got)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.state, got)
		})
	}
}

func numbers() Config {
	return Config{
		Encode: func(userID string) any { n, _ := strconv.ParseInt(userID, 10, 64); return n },
		Decode: func(value any) (string, bool) {
			n, ok := value.(int64)
			if n == 0 {
				return "", ok
			}
			return strconv.FormatInt(n, 10), ok
		},
	}
}

func TestUserIDsAreConverted(t *testing.T) {
	sm := newFake()
	s := newSession(t, sm, numbers())
	require.NoError(t, save(s, stateOf("42")))
	assert.Equal(t, int64(42), sm.values["uid"])
	_, err := s.Load(request())
	require.NoError(t, err)
	sm.values["uid"] = int64(0)
	_, err = s.Load(request())
	require.ErrorIs(t, err, mfa.ErrNoSession)

	sm.calls = nil
	require.ErrorContains(t, save(s, stateOf("ann")), "Config.Decode")
	assert.Empty(t, sm.calls, "nobody is signed in as user 0")
}

func TestO08_WhatCannotBeReadIsNoSession(t *testing.T) {
	sm := newFake()
	s := newSession(t, sm, Config{Existing: new(mfa.Password())})
	data, err := stateOf("ann").MarshalBinary()
	require.NoError(t, err)
	sm.values["uid"] = "ann"
	for n := range data {
		sm.values[StateKey] = data[:n]
		_, err := s.Load(request())
		require.ErrorIs(t, err, mfa.ErrNoSession, "the first %d bytes", n)
	}
	sm.values[StateKey] = append([]byte{99}, data[1:]...)
	_, err = s.Load(request())
	require.ErrorIs(t, err, mfa.ErrNoSession, "an unknown version does not count as an old session")

	sm.values[StateKey] = "AQdz"
	_, err = s.Load(request())
	require.ErrorContains(t, err, "codec")
	assert.NotErrorIs(t, err, mfa.ErrNoSession, "a codec that spoils bytes is a fault")
}

func TestExistingSessionsCountAsOneOldFirstFactor(t *testing.T) {
	sm := newFake()
	sm.values["uid"] = "ann"
	_, err := newSession(t, sm, Config{}).Load(request())
	require.ErrorIs(t, err, mfa.ErrNoSession, "not unless asked for")

	password := mfa.Password()
	password.At = start
	s := newSession(t, sm, Config{Existing: &password})
	got, err := s.Load(request())
	require.NoError(t, err)
	assert.Equal(t, "ann", got.UserID)
	assert.False(t, got.Pending)
	require.Len(t, got.Methods, 1)
	assert.True(t, got.Methods[0].At.IsZero())
	assert.Equal(t, mfa.RoleFirst, got.Methods[0].Role)
	assert.NotContains(t, got.ID, sm.token)

	again, err := s.Load(request())
	require.NoError(t, err)
	assert.Equal(t, got, again, "ceremonies are bound to the id")
	require.NoError(t, save(s, got))
	renewed, err := s.Load(request())
	require.NoError(t, err)
	assert.Equal(t, got, renewed, "the id survives renewal")

	require.NoError(t, save(s, mfa.State{}))
	sm.values["uid"] = "ann"
	other, err := s.Load(request())
	require.NoError(t, err)
	assert.NotEqual(t, got.ID, other.ID, "another session has another id")

	sm.token = ""
	_, err = s.Load(request())
	require.ErrorIs(t, err, mfa.ErrNoSession, "a session begun by this request is no old one")
	sm.token, sm.values["uid"] = "token", ""
	_, err = s.Load(request())
	require.ErrorIs(t, err, mfa.ErrNoSession)
	sm.values["uid"] = 7
	_, err = s.Load(request())
	require.ErrorIs(t, err, mfa.ErrNoSession)
}

func TestMissingLoadAndSaveIsAFaultThatSaysSo(t *testing.T) {
	sm := newFake()
	sm.noLoad = true
	s := newSession(t, sm, Config{})
	_, err := s.Load(request())
	require.ErrorContains(t, err, "LoadAndSave")
	assert.NotErrorIs(t, err, mfa.ErrNoSession)
	require.ErrorContains(t, save(s, stateOf("ann")), "LoadAndSave")
	assert.Empty(t, sm.calls)
}

type panicking struct{ Manager }

func (panicking) Get(context.Context, string) any { panic("something else") }

func TestP19_OtherPanicsPassThrough(t *testing.T) {
	s := newSession(t, panicking{newFake()}, Config{})
	assert.PanicsWithValue(t, "something else", func() { _, _ = s.Load(request()) })
}

func TestSaveRefusesWhatLoadWouldNotReturn(t *testing.T) {
	for what, change := range map[string]func(*mfa.State){
		"no id":   func(s *mfa.State) { s.ID = "" },
		"no user": func(s *mfa.State) { s.UserID = "" },
		"no role": func(s *mfa.State) { s.Methods = []mfa.Method{{Name: "password"}} },
	} {
		sm := newFake()
		state := stateOf("ann")
		change(&state)
		assert.Error(t, save(newSession(t, sm, Config{}), state), what)
		assert.Empty(t, sm.calls, what)
	}
}

func TestNewRefuses(t *testing.T) {
	vouched := mfa.OIDC("idp", mfa.Upstream{AAL2: true})
	inbox := mfa.FirstFactor("magic_link", mfa.Evidence{Channel: mfa.EmailChannel("ann@example.com")})
	second := mfa.Password()
	second.Role = mfa.RoleSecond
	for what, c := range map[string]struct {
		sm   Manager
		cfg  Config
		says string
	}{
		"no manager":            {nil, Config{UserKey: "uid"}, "*scs.SessionManager"},
		"no key":                {newFake(), Config{}, "Config.UserKey is missing"},
		"our key":               {newFake(), Config{UserKey: StateKey}, "keeps its state"},
		"one conversion":        {newFake(), Config{UserKey: "uid", Encode: numbers().Encode}, "set both"},
		"existing: no method":   {newFake(), Config{UserKey: "uid", Existing: &mfa.Method{}}, "no first factor"},
		"existing: second role": {newFake(), Config{UserKey: "uid", Existing: &second}, "no first factor"},
		"existing: a channel":   {newFake(), Config{UserKey: "uid", Existing: &inbox}, "channel"},
		"existing: aal2":        {newFake(), Config{UserKey: "uid", Existing: &vouched}, "aal2"},
	} {
		_, err := New(c.sm, c.cfg)
		assert.ErrorContains(t, err, c.says, what)
	}
}

func FuzzLoad(f *testing.F) {
	good, err := stateOf("ann").MarshalBinary()
	require.NoError(f, err)
	f.Add(good, "ann")
	f.Add(good[:9], "ann")
	f.Add([]byte{}, "ann")
	f.Add([]byte("\x02unknown"), "")
	f.Fuzz(func(t *testing.T, data []byte, user string) {
		sm := newFake()
		sm.values[StateKey], sm.values["uid"] = data, user
		state, err := newSession(t, sm, Config{}).Load(request())
		if err != nil {
			require.ErrorIs(t, err, mfa.ErrNoSession)
			require.Equal(t, mfa.State{}, state)
			return
		}
		require.NotEmpty(t, state.ID)
		require.NotEmpty(t, state.UserID)
		if state.Pending {
			require.Empty(t, user)
		} else {
			require.Equal(t, user, state.UserID)
		}
	})
}
