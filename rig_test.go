package mfa_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
)

// rig is a Manager over any Store with TOTP and recovery codes, a clock that
// stands still, and no HTTP.
type rig struct {
	*mfa.Manager
	clock *stillClock
	store mfa.Store

	mu     sync.Mutex
	events []mfa.Event
}

type stillClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *stillClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *stillClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// noSession is for tests that carry the State themselves.
type noSession struct{ mfa.Session }

func newRig(t testing.TB, store mfa.Store, change ...func(*mfa.Config)) *rig {
	t.Helper()
	if store == nil {
		store = memory.New()
	}
	r := &rig{clock: &stillClock{t: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)}, store: store}
	totp, err := totpfactor.New(totpfactor.Config{Issuer: "Example"})
	require.NoError(t, err)
	codes, err := lookup.New(lookup.Config{})
	require.NoError(t, err)
	cfg := mfa.Config{
		Store: store, Session: noSession{}, Factors: []mfa.Factor{totp, codes},
		Keys: [][]byte{[]byte("0123456789abcdef0123456789ABCDEF")},
		User: func(_ context.Context, id string) (mfa.User, error) { return mfa.User{ID: id, Name: id}, nil },
		Now:  r.clock.now, Logger: slog.New(slog.DiscardHandler),
		OnEvent: func(_ context.Context, e mfa.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	r.Manager, err = mfa.New(cfg)
	require.NoError(t, err)
	return r
}

func (r *rig) count(kind mfa.EventKind, outcome mfa.Outcome) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.events {
		if e.Kind == kind && e.Outcome == outcome {
			n++
		}
	}
	return n
}

// signIn returns a new session of a user who has just given a password.
func (r *rig) signIn(t testing.TB, user string) mfa.State {
	t.Helper()
	s, err := r.Start(t.Context(), mfa.State{}, user, mfa.Password())
	require.NoError(t, err)
	return s
}

// phone is an authenticator app.
type phone struct{ secret string }

func newPhone(t testing.TB, prompt any) phone {
	t.Helper()
	b, err := json.Marshal(prompt)
	require.NoError(t, err)
	var p struct{ URI string }
	require.NoError(t, json.Unmarshal(b, &p))
	u, err := url.Parse(p.URI)
	require.NoError(t, err)
	return phone{secret: u.Query().Get("secret")}
}

func (p phone) code(t testing.TB, at time.Time) []byte {
	t.Helper()
	code, err := hotp.GenerateCodeCustom(p.secret, uint64(at.Unix()/30), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	require.NoError(t, err)
	return []byte(code)
}

// wrong returns a code that is not right within minutes of at, different for
// each i.
func (p phone) wrong(t testing.TB, at time.Time, i int) []byte {
	t.Helper()
	right := map[string]bool{}
	for step := -10; step <= 10; step++ {
		right[string(p.code(t, at.Add(time.Duration(step)*30*time.Second)))] = true
	}
	for n := i * 7; ; n++ {
		guess := strconv.Itoa(100000 + n%900000)
		if !right[guess] {
			return []byte(guess)
		}
	}
}

// enrollTOTP gives the user an authenticator and moves the clock on, so that
// the code that confirmed it is over. The state is at aal2.
func (r *rig) enrollTOTP(t testing.TB, s mfa.State) (phone, mfa.State) {
	t.Helper()
	c, err := r.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	p := newPhone(t, c.Prompt)
	_, s, err = r.FinishEnroll(t.Context(), s, c.ID, p.code(t, r.clock.now()))
	require.NoError(t, err)
	r.clock.add(time.Minute)
	return p, s
}

// enrollCodes gives the user recovery codes.
func (r *rig) enrollCodes(t testing.TB, s mfa.State) []string {
	t.Helper()
	c, err := r.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "lookup_secret"})
	require.NoError(t, err)
	b, err := json.Marshal(c.Prompt)
	require.NoError(t, err)
	var p struct{ Codes []string }
	require.NoError(t, json.Unmarshal(b, &p))
	_, _, err = r.FinishEnroll(t.Context(), s, c.ID, []byte("saved"))
	require.NoError(t, err)
	return p.Codes
}

var totpOnce = mfa.VerifyOptions{Method: "totp"}

// parallel runs do n times at once and returns the errors.
func parallel(n int, do func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}
