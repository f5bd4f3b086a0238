package scssession

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-mfa/mfa"
)

// StateKey is the key under which the state lies in the scs session. It is
// the library's own: an app that writes there says what was proved.
const StateKey = "github.com/go-mfa/mfa"

// Manager is the part of *scs.SessionManager that this package uses.
type Manager interface {
	Get(ctx context.Context, key string) any
	Put(ctx context.Context, key string, val any)
	Remove(ctx context.Context, key string)
	Token(ctx context.Context) string
	RenewToken(ctx context.Context) error
	Commit(ctx context.Context) (token string, expiry time.Time, err error)
}

// Config says where the app keeps its user. New copies it.
type Config struct {
	// UserKey is the session key under which the app looks for the id of the
	// user who is signed in. Required.
	UserKey string
	// Encode turns a user id into the value that the app keeps under UserKey,
	// and Decode back; ("", true) means nobody, false something that is no
	// user id. Set both or neither: the default is the id as a string. They
	// must be safe for concurrent use.
	Encode func(userID string) any
	Decode func(value any) (userID string, ok bool)
	// Existing lets sessions in that the app made before it had this library:
	// whoever is under UserKey, without a state of the library, counts as
	// having used this one first factor at the zero time. That meets aal1 and
	// fails every MaxAge. Nil, the default, makes these users sign in again.
	//
	// It also lets in whom a login path signs in without calling SignIn, so
	// set it to nil again once the old sessions have expired. It cannot name
	// a channel: leave it nil if users signed in through an inbox that is also
	// a second factor.
	Existing *mfa.Method
}

// Session is an [mfa.Session] over scs. It is safe for concurrent use.
type Session struct {
	sm       Manager
	userKey  string
	encode   func(string) any
	decode   func(any) (string, bool)
	existing *mfa.Method
}

// New returns a Session over sm, which is the app's *scs.SessionManager. Every
// handler that uses the library must be wrapped in its LoadAndSave.
func New(sm Manager, cfg Config) (*Session, error) {
	switch {
	case sm == nil:
		return nil, errors.New("scssession: the session manager is nil: give the app's *scs.SessionManager")
	case cfg.UserKey == "":
		return nil, errors.New("scssession: Config.UserKey is missing: name the session key under which the app looks for its user's id")
	case cfg.UserKey == StateKey:
		return nil, fmt.Errorf("scssession: Config.UserKey is %q, where the library keeps its state: name the app's own key", StateKey)
	case (cfg.Encode == nil) != (cfg.Decode == nil):
		return nil, errors.New("scssession: Config has one of Encode and Decode: set both, or neither for ids kept as strings")
	}
	s := &Session{sm: sm, userKey: cfg.UserKey, encode: cfg.Encode, decode: cfg.Decode}
	if s.encode == nil {
		s.encode = func(userID string) any { return userID }
		s.decode = func(value any) (string, bool) { id, ok := value.(string); return id, ok }
	}
	if cfg.Existing != nil {
		existing, err := existingMethod(*cfg.Existing)
		if err != nil {
			return nil, err
		}
		s.existing = &existing
	}
	return s, nil
}

func existingMethod(m mfa.Method) (mfa.Method, error) {
	switch {
	case m.Name == "" || m.Role != mfa.RoleFirst:
		return m, errors.New("scssession: Config.Existing is no first factor: make it with mfa.Password, mfa.OIDC or mfa.FirstFactor")
	case m.Evidence.Channel != "":
		return m, errors.New("scssession: Config.Existing names a channel, which is one user's: leave it out, or leave Existing nil if that channel is also a second factor")
	case m.Upstream != nil && m.Upstream.AAL2:
		return m, errors.New("scssession: Config.Existing vouches for aal2, which old sessions have not proved: leave Upstream.AAL2 unset")
	}
	m.At = time.Time{}
	return m, nil
}

// Load implements [mfa.Session]. The answer wraps [mfa.ErrNoSession] if the
// app's user is not State.UserID, if the app has a user while the state is
// pending, and if the state is of an unknown version. It reads what scs has
// loaded already and never touches the store.
func (s *Session) Load(r *http.Request) (mfa.State, error) {
	ctx := r.Context()
	value, err := s.get(ctx, StateKey)
	if err != nil {
		return mfa.State{}, err
	}
	user := s.sm.Get(ctx, s.userKey)
	if value == nil {
		return s.loadExisting(ctx, user)
	}
	data, ok := value.([]byte)
	if !ok {
		return mfa.State{}, fmt.Errorf("scssession: the session's codec turned bytes into %T: use scs.GobCodec, or one that gives []byte back", value)
	}
	var state mfa.State
	if state.UnmarshalBinary(data) != nil || state.UserID == "" {
		return mfa.State{}, mfa.ErrNoSession
	}
	if state.Pending && !s.nobody(user) || !state.Pending && !s.is(user, state.UserID) {
		return mfa.State{}, mfa.ErrNoSession
	}
	return state, nil
}

// loadExisting answers for a session without a state of the library. Its id is
// made from the token, because ceremonies are bound to it; a session without a
// token was begun by this very request and is no old one.
func (s *Session) loadExisting(ctx context.Context, user any) (mfa.State, error) {
	if s.existing == nil || user == nil {
		return mfa.State{}, mfa.ErrNoSession
	}
	userID, ok := s.decode(user)
	token := s.sm.Token(ctx)
	if !ok || userID == "" || token == "" {
		return mfa.State{}, mfa.ErrNoSession
	}
	id := sha256.Sum256([]byte("go-mfa/mfa session id of an existing scs session " + token))
	return mfa.State{ID: hex.EncodeToString(id[:16]), UserID: userID, Methods: []mfa.Method{*s.existing}}, nil
}

// nobody reports whether the app would take user for nobody.
func (s *Session) nobody(user any) bool {
	if user == nil {
		return true
	}
	userID, ok := s.decode(user)
	return ok && userID == ""
}

func (s *Session) is(user any, userID string) bool {
	if user == nil {
		return false
	}
	got, ok := s.decode(user)
	return ok && got == userID
}

// Save implements [mfa.Session]. It renews the token, writes the state and the
// app's user, and commits the session at once, so that a failing store is an
// error here and not a surprise behind an elevation that was already announced.
// After an error, or a panic of the store, the session holds what it held
// before. The zero State removes the state and the app's user and leaves the
// app's other values alone.
func (s *Session) Save(_ http.ResponseWriter, r *http.Request, state mfa.State) (err error) {
	ctx := r.Context()
	data, user, err := s.encoded(state)
	if err != nil {
		return err
	}
	oldData, err := s.get(ctx, StateKey)
	if err != nil {
		return err
	}
	oldUser := s.sm.Get(ctx, s.userKey)
	if err := s.sm.RenewToken(ctx); err != nil {
		return fmt.Errorf("scssession: renew the token: %w", err)
	}
	saved := false
	defer func() {
		if !saved {
			s.set(ctx, oldData, oldUser)
		}
	}()
	s.set(ctx, data, user)
	if _, _, err := s.sm.Commit(ctx); err != nil {
		return fmt.Errorf("scssession: commit the session: %w", err)
	}
	saved = true
	return nil
}

// encoded returns what to put under the two keys, nil meaning nothing.
func (s *Session) encoded(state mfa.State) (data, user any, err error) {
	b, err := state.MarshalBinary()
	if err != nil {
		return nil, nil, err
	}
	if len(b) == 0 {
		return nil, nil, nil
	}
	var check mfa.State
	if err := check.UnmarshalBinary(b); err != nil {
		return nil, nil, errors.New("scssession: the State could not be loaded again: it needs an ID, a UserID and at most 12 methods")
	}
	if state.Pending {
		return b, nil, nil
	}
	user = s.encode(state.UserID)
	if !s.is(user, state.UserID) {
		return nil, nil, errors.New("scssession: Config.Decode does not give back the user id that Config.Encode was given: make them each other's inverse")
	}
	return b, user, nil
}

// set writes the user first when it goes and last when it comes, so that no
// handler of the same request sees a user without the state.
func (s *Session) set(ctx context.Context, data, user any) {
	s.sm.Remove(ctx, s.userKey)
	if data == nil {
		s.sm.Remove(ctx, StateKey)
	} else {
		s.sm.Put(ctx, StateKey, data)
	}
	if user != nil {
		s.sm.Put(ctx, s.userKey, user)
	}
}

// get is the first access of a request. scs panics where LoadAndSave is
// missing; that is a mistake in the app's routing, and becomes an error that
// says so.
func (s *Session) get(ctx context.Context, key string) (value any, err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case strings.Contains(fmt.Sprint(p), "no session data in context"):
			err = errors.New("scssession: scs has not loaded a session for this request: wrap the handler with the session manager's LoadAndSave")
		default:
			panic(p)
		}
	}()
	return s.sm.Get(ctx, key), nil
}
