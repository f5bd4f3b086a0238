package sessiontest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// ram is a session with a server side, correct unless a defect is switched on.
type ram struct {
	defects
	mu   sync.Mutex
	rows map[string]row
	fail int
}

type row struct {
	state []byte
	user  string // where the app looks
}

type defects struct {
	keepsID, keepsOld, showsPending, keepsUser, keepsState, keepsZero, comparesNothing bool
	guessesID, plain, setsTwice, elevatesOnError, swallowsError, faults                bool
	losesDevice, newestVersion, splits                                                 bool
}

var errDisk = errors.New("disk full")

func (s *ram) id(r *http.Request) string {
	c, err := r.Cookie("id")
	if err != nil {
		return ""
	}
	if s.guessesID {
		for id := range s.rows {
			if len(c.Value) > 8 && strings.HasPrefix(id, c.Value) {
				return id
			}
		}
	}
	return c.Value
}

func (s *ram) Load(r *http.Request) (mfa.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.rows[s.id(r)]
	if !ok && s.plain {
		if c, err := r.Cookie("id"); err == nil {
			found.state, _ = hex.DecodeString(c.Value)
		}
	}
	if !ok && s.faults && s.id(r) != "" {
		return mfa.State{}, errDisk
	}
	if s.newestVersion && len(found.state) > 0 {
		found.state = append([]byte{1}, found.state[1:]...)
	}
	var state mfa.State
	if state.UnmarshalBinary(found.state) != nil || state.UserID == "" {
		return mfa.State{}, mfa.ErrNoSession
	}
	want := state.UserID
	if state.Pending {
		want = ""
	}
	if found.user != want && !s.comparesNothing && !s.plain && !s.showsPending {
		return mfa.State{}, mfa.ErrNoSession
	}
	return state, nil
}

func (s *ram) Save(w http.ResponseWriter, r *http.Request, state mfa.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, id := s.id(r), rand.Text()
	if s.losesDevice {
		state.Device = ""
	}
	data, err := state.MarshalBinary()
	if err != nil {
		return err
	}
	next := row{state: data, user: state.UserID}
	if state.Pending && !s.showsPending {
		next.user = ""
	}
	if s.keepsUser && next.user == "" {
		next.user = s.rows[old].user
	}
	if s.keepsState && len(data) == 0 {
		next.state, next.user = s.rows[old].state, s.rows[old].user
	}
	if s.keepsZero && len(data) == 0 {
		next.state = s.rows[old].state
	}
	if s.keepsID && old != "" {
		id = old
	}
	if s.plain {
		id = hex.EncodeToString(data)
	}
	if s.splits && old != "" {
		s.rows[old] = row{state: data, user: state.UserID}
	}
	if !s.keepsOld && !s.splits && !s.keepsID {
		delete(s.rows, old)
	}
	if s.elevatesOnError {
		s.rows[id] = next
		http.SetCookie(w, &http.Cookie{Name: "id", Value: id, Path: "/"})
	}
	if s.fail--; s.fail == 0 && !s.swallowsError {
		return errDisk
	}
	s.rows[id] = next
	if !s.setsTwice {
		w.Header().Del("Set-Cookie")
	}
	http.SetCookie(w, &http.Cookie{Name: "id", Value: id, Path: "/"})
	return nil
}

func (s *ram) harness() Harness {
	put := func(r *http.Request, change func(row) row) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rows[s.id(r)] = change(s.rows[s.id(r)])
	}
	return Harness{
		Session: s,
		AppUser: func(r *http.Request) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.rows[s.id(r)].user
		},
		SetAppUser: func(_ http.ResponseWriter, r *http.Request, userID string) {
			put(r, func(found row) row { found.user = userID; return found })
		},
		SaveRaw: func(w http.ResponseWriter, _ *http.Request, userID string, state []byte) {
			s.mu.Lock()
			defer s.mu.Unlock()
			id := rand.Text()
			s.rows[id] = row{state: state, user: userID}
			http.SetCookie(w, &http.Cookie{Name: "id", Value: id, Path: "/"})
		},
		FailWrite: func(n int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.fail = n
		},
	}
}

func newRAM(d defects) *ram { return &ram{defects: d, rows: map[string]row{}} }

func TestCorrectAdapterPasses(t *testing.T) {
	Run(t, func(*testing.T) Harness { return newRAM(defects{}).harness() })
}

// recorder takes the place of *testing.T.
type recorder struct {
	mu       sync.Mutex
	messages []string
	cleanups []func()
}

type stop struct{}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); panic(stop{}) }
func (r *recorder) Logf(string, ...any)               {}
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }

// record runs one check and returns what it complained of.
func record(t *testing.T, name string, h Harness) string {
	t.Helper()
	for _, c := range checks {
		if c.name != name {
			continue
		}
		r := &recorder{}
		defer func() {
			for _, f := range r.cleanups {
				f()
			}
		}()
		func() {
			defer func() {
				if p := recover(); p != nil && p != (stop{}) {
					panic(p)
				}
			}()
			c.run(r, h)
		}()
		return strings.Join(r.messages, "\n")
	}
	require.Fail(t, "no such check", name)
	return ""
}

func TestBrokenAdaptersAreCaught(t *testing.T) {
	for _, c := range []struct {
		name, check, says string
		defects           defects
	}{
		{"the identifier is not renewed", "RenewOnSave", "left the identifier", defects{keepsID: true}},
		{"the identifier is not renewed", "Fixation", "session fixation", defects{keepsID: true}},
		{"the old identifier lives on", "RenewOnSave", "the old identifier must be dead", defects{keepsOld: true}},
		{"the old identifier lives on", "Logout", "collected before signing out", defects{keepsOld: true}},
		{"the old identifier gets the new state", "Fixation", "session fixation", defects{splits: true}},
		{"the user is visible while pending", "PendingHidesUser", "while a sign-in", defects{showsPending: true}},
		{"the user is visible while pending", "PendingIsWorthNothing", "second factor is skipped", defects{showsPending: true}},
		{"the former user stays while another is pending", "PendingHidesUser", "while a sign-in", defects{keepsUser: true}},
		{"signing out leaves the state", "Logout", "signing out does not sign out", defects{keepsState: true}},
		{"signing out hides the state", "Logout", "still there after signing out", defects{keepsZero: true}},
		{"the app's user is not compared", "AppUserDiffers", "must answer ErrNoSession", defects{comparesNothing: true}},
		{"a prefix of the identifier is enough", "Tampering", "must be ErrNoSession", defects{guessesID: true}},
		{"the cookie is not authenticated", "Tampering", "must be ErrNoSession", defects{plain: true}},
		{"an unknown cookie is a fault", "Tampering", "must be ErrNoSession", defects{faults: true}},
		{"a cookie is set twice", "SaveTwice", "twice", defects{setsTwice: true}},
		{"the state is written although Save fails", "FailingSave", "a fault elevates", defects{elevatesOnError: true}},
		{"errors of the storage are swallowed", "FailingSave", "never returned an error", defects{swallowsError: true}},
		{"a field is lost", "RoundTrip", "does not return what Save was given", defects{losesDevice: true}},
		{"an unknown version is read as the known one", "UnknownVersion", "of an unknown version", defects{newestVersion: true}},
	} {
		t.Run(c.name+"/"+c.check, func(t *testing.T) {
			h := newRAM(c.defects).harness()
			if c.defects.plain {
				h.AppUser = func(r *http.Request) string {
					if s, err := h.Session.Load(r); err == nil && !s.Pending {
						return s.UserID
					}
					return ""
				}
			}
			assert.Contains(t, record(t, c.check, h), c.says)
		})
	}
}

// swapped hands the loads of one request another request's state.
type swapped struct {
	*ram
	mu   sync.Mutex
	last mfa.State
}

func (s *swapped) Load(r *http.Request) (mfa.State, error) {
	state, err := s.ram.Load(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		state.Methods = s.last.Methods
		s.last, _ = s.ram.Load(r)
	}
	return state, err
}

func TestMixedStatesAreCaught(t *testing.T) {
	inner := newRAM(defects{})
	h := inner.harness()
	h.Session = &swapped{ram: inner}
	assert.Contains(t, record(t, "Concurrent", h), "nobody saved")
}
