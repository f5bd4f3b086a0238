package cookiesession

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/loopback"
	"github.com/go-mfa/mfa/internal/seal"
	"github.com/go-mfa/mfa/internal/wire"
)

// maxCookie is how long name and value may be together. Browsers keep 4,096
// bytes (RFC 6265, section 6.1), some of them counting the attributes.
const maxCookie = 3800

// maxAhead is how far the clocks of two servers may be apart.
const maxAhead = time.Minute

// Config is what a Session is made of. New copies and checks it.
type Config struct {
	// Keys seal the cookie: 32 bytes of crypto/rand each, newest first. The
	// first seals, all open. They may be the keys of mfa.Config: what is
	// derived from them here has a purpose of its own. Required.
	Keys [][]byte
	// Name of the cookie, to which __Host- is added. The default is "mfa".
	Name string
	// Lifetime is how long a cookie is accepted, counted by the server from
	// the last Save, that is from the last thing that the user proved. The
	// default is 24 hours.
	Lifetime time.Duration
	// SameSite is Lax, the default, or Strict.
	SameSite http.SameSite
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Session is an [mfa.Session] in a cookie. It is safe for concurrent use.
type Session struct {
	ring     *seal.Ring
	name     string
	lifetime time.Duration
	sameSite http.SameSite
	now      func() time.Time
}

// New returns a Session. It refuses a Config that is incomplete or unsafe.
func New(cfg Config) (*Session, error) {
	ring, err := seal.NewRing("cookie session", cfg.Keys)
	if err != nil {
		return nil, fmt.Errorf("cookiesession: Config.Keys: %w", err)
	}
	s := &Session{ring: ring, name: cfg.Name, lifetime: cfg.Lifetime, sameSite: cfg.SameSite, now: cfg.Now}
	if s.name == "" {
		s.name = "mfa"
	}
	if s.lifetime == 0 {
		s.lifetime = 24 * time.Hour
	}
	if s.sameSite == 0 {
		s.sameSite = http.SameSiteLaxMode
	}
	if s.now == nil {
		s.now = time.Now
	}
	switch {
	case strings.HasPrefix(s.name, "__") || (&http.Cookie{Name: s.name}).Valid() != nil:
		return nil, fmt.Errorf("cookiesession: Config.Name is %q: use letters, digits and hyphens, the prefix __Host- is added", s.name)
	case s.lifetime < time.Second:
		return nil, fmt.Errorf("cookiesession: Config.Lifetime is %s: give at least a second, or zero for 24 hours", s.lifetime)
	case s.sameSite != http.SameSiteLaxMode && s.sameSite != http.SameSiteStrictMode:
		return nil, errors.New("cookiesession: Config.SameSite is neither Lax nor Strict: other sites must not send a session's cookie")
	}
	return s, nil
}

// Why a cookie that is there is nobody's. Clients decide what they send, so
// none of these is a fault.
var (
	errSealed  = fmt.Errorf("cookiesession: the cookie is not one that was made here: %w", mfa.ErrNoSession)
	errExpired = fmt.Errorf("cookiesession: the cookie has expired: %w", mfa.ErrNoSession)
)

// Load implements [mfa.Session]. Every error wraps [mfa.ErrNoSession].
func (s *Session) Load(r *http.Request) (mfa.State, error) {
	name := s.cookieName(r)
	cookie, err := r.Cookie(name)
	if err != nil {
		return mfa.State{}, mfa.ErrNoSession
	}
	if len(name)+len(cookie.Value) > maxCookie {
		return mfa.State{}, errSealed
	}
	sealed, err := encoding.DecodeString(cookie.Value)
	if err != nil {
		return mfa.State{}, errSealed
	}
	plain, err := s.ring.Open(sealed, name)
	if err != nil {
		return mfa.State{}, errSealed
	}
	fields := wire.NewReader(plain)
	savedAt, data := fields.Time(), fields.Bytes()
	if fields.Done() != nil {
		return mfa.State{}, errSealed
	}
	now := s.now()
	if savedAt.After(now.Add(maxAhead)) || !now.Before(savedAt.Add(s.lifetime)) {
		return mfa.State{}, errExpired
	}
	var state mfa.State
	if state.UnmarshalBinary(data) != nil || state.UserID == "" {
		return mfa.State{}, errSealed
	}
	return state, nil
}

// encoding is strict, so that a value has one spelling only.
var encoding = base64.RawURLEncoding.Strict()

// UserID returns who is signed in, for handlers that are not wrapped in
// Manager.Require. A session whose sign-in is still pending is nobody. It says
// nothing about the level: use the Manager for that.
func (s *Session) UserID(r *http.Request) (string, bool) {
	state, err := s.Load(r)
	if err != nil || state.Pending {
		return "", false
	}
	return state.UserID, true
}

// Save implements [mfa.Session]. It sets a new cookie, in place of one that it
// has set in this response before; the zero State deletes the cookie. It must
// be called before the response is written, and refuses a state that does not
// fit into a cookie of 3,800 bytes.
func (s *Session) Save(w http.ResponseWriter, r *http.Request, state mfa.State) error {
	name := s.cookieName(r)
	cookie := &http.Cookie{
		Name: name, Path: "/", HttpOnly: true, SameSite: s.sameSite,
		Secure: name != s.name, MaxAge: -1,
	}
	data, err := state.MarshalBinary()
	if err != nil {
		return err
	}
	if len(data) > 0 {
		cookie.MaxAge = int((s.lifetime + time.Second - 1) / time.Second)
		if cookie.Value, err = s.value(name, data); err != nil {
			return err
		}
	}
	replaceCookie(w.Header(), cookie)
	return nil
}

func (s *Session) value(name string, data []byte) (string, error) {
	var check mfa.State
	if err := check.UnmarshalBinary(data); err != nil {
		return "", errors.New("cookiesession: the State could not be loaded again: it needs an ID, a UserID and at most 12 methods")
	}
	plain := wire.AppendTime(make([]byte, 0, len(data)+16), s.now())
	plain = wire.AppendString(plain, data)
	sealed, err := s.ring.Seal(plain, name)
	if err != nil {
		return "", fmt.Errorf("cookiesession: %w", err)
	}
	value := encoding.EncodeToString(sealed)
	if n := len(name) + len(value); n > maxCookie {
		return "", fmt.Errorf("cookiesession: the cookie would have %d bytes and browsers drop what is over 4,096: shorten user ids and what OIDC's Upstream carries, or use a session with a server side", n)
	}
	return value, nil
}

// replaceCookie sets the cookie in place of those of the same name: of two in
// one response it is not certain which a client keeps (RFC 6265, section 4.1.1).
func replaceCookie(h http.Header, cookie *http.Cookie) {
	set := h.Values("Set-Cookie")
	kept := make([]string, 0, len(set)+1)
	for _, line := range set {
		if !strings.HasPrefix(line, cookie.Name+"=") {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, cookie.String())
}

// cookieName returns the one name under which the request may carry a session.
func (s *Session) cookieName(r *http.Request) string {
	if loopback.Plain(r) {
		return s.name
	}
	return "__Host-" + s.name
}
