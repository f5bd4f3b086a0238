package cookiesession

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/seal"
	"github.com/go-mfa/mfa/internal/wire"
	"github.com/go-mfa/mfa/session/sessiontest"
)

var start = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func key(b byte) []byte {
	k := bytes.Repeat([]byte{b}, 32)
	k[0]++
	return k
}

func newSession(t testing.TB, cfg Config) *Session {
	t.Helper()
	if cfg.Keys == nil {
		cfg.Keys = [][]byte{key(1)}
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return start }
	}
	s, err := New(cfg)
	require.NoError(t, err)
	return s
}

func ann() mfa.State {
	first := mfa.Password()
	first.At = start
	return mfa.State{ID: "session", UserID: "ann", Methods: []mfa.Method{first}}
}

func secureRequest() *http.Request {
	return httptest.NewRequest(http.MethodPost, "https://app.example/", nil)
}

// saved returns the one cookie that Save sets.
func saved(t testing.TB, s *Session, r *http.Request, state mfa.State) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	require.NoError(t, s.Save(w, r, state))
	cookies := w.Result().Cookies()
	require.Len(t, cookies, 1)
	return cookies[0]
}

func load(s *Session, r *http.Request, name, value string) (mfa.State, error) {
	r.Header.Set("Cookie", name+"="+value)
	return s.Load(r)
}

func TestConformance(t *testing.T) {
	sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
		s, err := New(Config{Keys: [][]byte{key(1)}})
		require.NoError(t, err)
		return sessiontest.Harness{
			Session: s,
			AppUser: func(r *http.Request) string { id, _ := s.UserID(r); return id },
			SaveRaw: func(w http.ResponseWriter, r *http.Request, _ string, state []byte) {
				name := s.cookieName(r)
				replaceCookie(w.Header(), &http.Cookie{Name: name, Value: sealRaw(t, s, name, s.now(), state), Path: "/", Secure: true})
			},
			Replayable: true,
		}
	})
}

func sealRaw(t testing.TB, s *Session, name string, at time.Time, state []byte) string {
	sealed, err := s.ring.Seal(wire.AppendString(wire.AppendTime(nil, at), state), name)
	require.NoError(t, err)
	return encoding.EncodeToString(sealed)
}

func TestB10_CookieAttributes(t *testing.T) {
	s := newSession(t, Config{})
	c := saved(t, s, secureRequest(), ann())
	assert.Equal(t, "__Host-mfa", c.Name)
	assert.Equal(t, "/", c.Path)
	assert.Empty(t, c.Domain)
	assert.True(t, c.Secure)
	assert.True(t, c.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
	assert.Equal(t, 24*60*60, c.MaxAge)
	assert.NotContains(t, c.Value, "ann")

	gone := saved(t, s, secureRequest(), mfa.State{})
	assert.Equal(t, "__Host-mfa", gone.Name)
	assert.Empty(t, gone.Value)
	assert.Negative(t, gone.MaxAge)
	assert.True(t, gone.Secure, "browsers ignore a __Host- cookie that is not Secure, and the deletion with it")
	assert.Equal(t, "/", gone.Path)

	strict := newSession(t, Config{Name: "id", SameSite: http.SameSiteStrictMode, Lifetime: 1500 * time.Millisecond})
	c = saved(t, strict, secureRequest(), ann())
	assert.Equal(t, "__Host-id", c.Name)
	assert.Equal(t, http.SameSiteStrictMode, c.SameSite)
	assert.Equal(t, 2, c.MaxAge)
}

func TestB10_EveryBitFlipIsRefused(t *testing.T) {
	for _, user := range []string{"ann", "anna", "annab"} { // the last character carries 6, 4 and 2 bits
		refusesFlips(t, user)
	}
}

func refusesFlips(t *testing.T, user string) {
	t.Helper()
	s := newSession(t, Config{})
	r := secureRequest()
	state := ann()
	state.UserID = user
	c := saved(t, s, r, state)
	got, err := load(s, r, c.Name, c.Value)
	require.NoError(t, err)
	require.Equal(t, state, got)

	for i := range c.Value {
		for bit := range 8 {
			flipped := []byte(c.Value)
			flipped[i] ^= 1 << bit
			_, err := load(s, r, c.Name, string(flipped))
			require.ErrorIs(t, err, mfa.ErrNoSession, "bit %d of byte %d", bit, i)
		}
	}
	sealed, err := encoding.DecodeString(c.Value)
	require.NoError(t, err)
	for i := range sealed {
		for bit := range 8 {
			flipped := bytes.Clone(sealed)
			flipped[i] ^= 1 << bit
			_, err := load(s, r, c.Name, encoding.EncodeToString(flipped))
			require.ErrorIs(t, err, mfa.ErrNoSession, "sealed: bit %d of byte %d", bit, i)
		}
	}
}

func TestM04_PrefixesAndOtherSpellingsAreRefused(t *testing.T) {
	s := newSession(t, Config{})
	r := secureRequest()
	c := saved(t, s, r, ann())
	for n := range c.Value {
		_, err := load(s, r, c.Name, c.Value[:n])
		require.ErrorIs(t, err, mfa.ErrNoSession, "the first %d bytes", n)
	}
	for _, value := range []string{c.Value + "A", c.Value + "=", c.Value + "==", " " + c.Value + "\n", c.Value + c.Value, strings.Repeat("A", 5000), strings.ReplaceAll(c.Value, "", ".")} {
		if strings.TrimSpace(value) == c.Value {
			continue // net/http trims what surrounds a cookie's value
		}
		_, err := load(s, r, c.Name, value)
		require.ErrorIs(t, err, mfa.ErrNoSession)
	}
	_, err := load(s, r, strings.ToLower(c.Name), c.Value)
	require.ErrorIs(t, err, mfa.ErrNoSession)
}

func TestO08_WhatWasNotSealedForThisIsRefused(t *testing.T) {
	s := newSession(t, Config{})
	name := "__Host-mfa"
	data, err := ann().MarshalBinary()
	require.NoError(t, err)
	plain := wire.AppendString(wire.AppendTime(nil, start), data)

	other := func(purpose string, k []byte, context ...string) string {
		ring, err := seal.NewRing(purpose, [][]byte{k})
		require.NoError(t, err)
		sealed, err := ring.Seal(plain, context...)
		require.NoError(t, err)
		return encoding.EncodeToString(sealed)
	}
	_, err = load(s, secureRequest(), name, other("cookie session", key(1), name))
	require.NoError(t, err, "the case that the others differ from")
	for what, value := range map[string]string{
		"another key":          other("cookie session", key(2), name),
		"another purpose":      other("store", key(1), name),
		"another cookie":       other("cookie session", key(1), "__Host-other"),
		"the plain cookie":     other("cookie session", key(1), "mfa"),
		"not sealed at all":    encoding.EncodeToString(plain),
		"an unknown version":   sealRaw(t, s, name, start, append([]byte{99}, data[1:]...)),
		"a truncated state":    sealRaw(t, s, name, start, data[:len(data)-1]),
		"an empty state":       sealRaw(t, s, name, start, nil),
		"saved in the future":  sealRaw(t, s, name, start.Add(2*time.Minute), data),
		"saved at no time":     sealRaw(t, s, name, time.Time{}, data),
		"saved a lifetime ago": sealRaw(t, s, name, start.Add(-24*time.Hour), data),
	} {
		_, err := load(s, secureRequest(), name, value)
		assert.ErrorIs(t, err, mfa.ErrNoSession, what)
	}
}

func TestB12_LifetimeIsEnforcedByTheServer(t *testing.T) {
	now := start
	s := newSession(t, Config{Lifetime: time.Hour, Now: func() time.Time { return now }})
	r := secureRequest()
	c := saved(t, s, r, ann())
	for _, step := range []struct {
		at   time.Duration
		lost bool
	}{{0, false}, {time.Hour - time.Millisecond, false}, {time.Hour, true}, {1000 * time.Hour, true}, {-time.Minute, false}, {-time.Minute - time.Second, true}} {
		now = start.Add(step.at)
		_, err := load(s, r, c.Name, c.Value)
		_, signedIn := s.UserID(r)
		assert.Equal(t, !step.lost, signedIn, step.at)
		if step.lost {
			assert.ErrorIs(t, err, mfa.ErrNoSession, step.at)
		} else {
			assert.NoError(t, err, step.at)
		}
	}
}

func TestO04_KeysRotate(t *testing.T) {
	r := secureRequest()
	old := newSession(t, Config{Keys: [][]byte{key(1)}})
	both := newSession(t, Config{Keys: [][]byte{key(2), key(1)}})
	fresh := newSession(t, Config{Keys: [][]byte{key(2)}})
	c := saved(t, old, r, ann())
	_, err := load(both, r, c.Name, c.Value)
	require.NoError(t, err)
	c = saved(t, both, r, ann())
	_, err = load(fresh, r, c.Name, c.Value)
	require.NoError(t, err)
	_, err = load(old, r, c.Name, c.Value)
	require.ErrorIs(t, err, mfa.ErrNoSession)
}

func TestSaveReplacesItsOwnCookie(t *testing.T) {
	s := newSession(t, Config{})
	w := httptest.NewRecorder()
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
	r := secureRequest()
	require.NoError(t, s.Save(w, r, ann()))
	http.SetCookie(w, &http.Cookie{Name: "__Host-mfa-other", Value: "1"})
	require.NoError(t, s.Save(w, r, ann()))
	require.NoError(t, s.Save(w, r, mfa.State{}))
	var names []string
	for _, c := range w.Result().Cookies() {
		names = append(names, c.Name)
	}
	assert.Equal(t, []string{"theme", "__Host-mfa-other", "__Host-mfa"}, names)
}

func TestTooLargeIsRefused(t *testing.T) {
	s := newSession(t, Config{})
	largest := 0
	for n := 2500; n < 3000; n++ {
		state := ann()
		state.UserID = strings.Repeat("u", n)
		w := httptest.NewRecorder()
		if err := s.Save(w, secureRequest(), state); err != nil {
			assert.ErrorContains(t, err, "a session with a server side")
			assert.Empty(t, w.Header(), "an error leaves the session as it was")
			break
		}
		c := w.Result().Cookies()[0]
		largest = len(c.Name) + len(c.Value)
		_, err := load(s, secureRequest(), c.Name, c.Value)
		require.NoError(t, err, "what can be saved can be loaded")
	}
	assert.Greater(t, largest, 3790)
	assert.LessOrEqual(t, largest, 3800)
}

func TestSaveRefusesWhatLoadWouldNotReturn(t *testing.T) {
	s := newSession(t, Config{})
	for what, change := range map[string]func(*mfa.State){
		"no id":            func(s *mfa.State) { s.ID = "" },
		"no user":          func(s *mfa.State) { s.UserID = "" },
		"no role":          func(s *mfa.State) { s.Methods = []mfa.Method{{Name: "password"}} },
		"too many methods": func(s *mfa.State) { s.Methods = append(s.Methods, make([]mfa.Method, 12)...) },
	} {
		state := ann()
		change(&state)
		for i := range state.Methods {
			if what == "too many methods" {
				state.Methods[i].Role = mfa.RoleFirst
			}
		}
		w := httptest.NewRecorder()
		assert.Error(t, s.Save(w, secureRequest(), state), what)
		assert.Empty(t, w.Header(), what)
	}
}

func TestPendingIsNobody(t *testing.T) {
	s := newSession(t, Config{})
	state := ann()
	state.Pending = true
	r := secureRequest()
	c := saved(t, s, r, state)
	r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	_, ok := s.UserID(r)
	assert.False(t, ok)
	got, err := s.Load(r)
	require.NoError(t, err)
	assert.Equal(t, state, got)
}

// golden is a cookie of ann's, as users have it in their browsers.
const golden = "AaZm6DDl_AgDDsbYwPFf_Wkp9EfQgnSNzrlGWoIse2NrWgANcxml71sANixTp0MvXqVags0tD6-FbNPy9Igkxpi3eWd3fa1iskG4A8Q27JiB-8DHHBOWi38HSwfH"

func TestCookiesOfEarlierVersionsLoad(t *testing.T) {
	got, err := load(newSession(t, Config{}), secureRequest(), "__Host-mfa", golden)
	require.NoError(t, err, "this change signs everybody out: give the format a new version instead")
	assert.Equal(t, ann(), got)
}

func FuzzLoad(f *testing.F) {
	s := newSession(f, Config{})
	for _, seed := range []string{
		"", "=", "__Host-mfa=", "mfa=" + golden, "__Host-mfa=" + golden, "__Host-mfa=" + golden[:40],
		"a=b; __Host-mfa=AQAA; __Host-mfa=" + golden, `__Host-mfa="` + golden + `"`,
		"__Host-mfa=" + sealRaw(f, s, "__Host-mfa", start, []byte("\x01\x00")), "__Host-mfa=" + encoding.EncodeToString(make([]byte, 80)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := secureRequest()
		r.Header.Set("Cookie", header)
		state, err := s.Load(r)
		if err != nil {
			require.ErrorIs(t, err, mfa.ErrNoSession, "a client must not be able to provoke a fault")
			require.Equal(t, mfa.State{}, state)
			return
		}
		require.Contains(t, header, golden, "only what was sealed here is a session")
		require.Equal(t, ann(), state)
	})
}

func BenchmarkLoad(b *testing.B) {
	s := newSession(b, Config{})
	r := secureRequest()
	c := saved(b, s, r, ann())
	r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Load(r); err != nil {
			b.Fatal(err)
		}
	}
}
