package mfa_test

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/storage/memory"
)

// inbox is a factor that sends codes to an address: a credential's, or the
// user's verified e-mail.
type inbox struct {
	method   string
	contact  bool // the user's e-mail can be used without enrolment
	recovery bool
	lies     bool // claims more evidence than a code can give
	charges  []factor.Charge

	mu     sync.Mutex
	sent   []string // "address code"
	refuse error    // of Deliver
}

func (f *inbox) Info() factor.Info {
	return factor.Info{Method: f.method, Category: factor.Possession, FirstFactor: true, Guessable: true, Recovery: f.recovery}
}

func (f *inbox) Describe(factor.Credential) map[string]any { return map[string]any{} }

func (f *inbox) Channel(u factor.User, c *factor.Credential) (string, bool) {
	if c != nil {
		return factor.EmailChannel(string(c.Data)), true
	}
	return factor.EmailChannel(u.Email), f.contact && u.Email != ""
}

func (f *inbox) step(id, address string) factor.Step {
	f.mu.Lock()
	defer f.mu.Unlock()
	code := fmt.Sprintf("%06d", 100_000+len(f.sent))
	return factor.Step{
		Prompt: map[string]string{"to": "***"}, State: []byte(id + "\n" + address + "\n" + code), TTL: 10 * time.Minute, Tries: 5,
		Charges: f.charges,
		Deliver: func(context.Context) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.refuse != nil {
				return f.refuse
			}
			f.sent = append(f.sent, address+" "+code)
			return nil
		},
	}
}

// last returns the newest code and how many were sent.
func (f *inbox) last() (code string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.sent) == 0 {
		return "", 0
	}
	_, code, _ = strings.Cut(f.sent[len(f.sent)-1], " ")
	return code, len(f.sent)
}

func (f *inbox) BeginEnroll(_ context.Context, r factor.Request) (factor.Step, error) {
	if r.Params["address"] == "" {
		return factor.Step{}, factor.Reject("no address")
	}
	return f.step("", r.Params["address"]), nil
}

func (f *inbox) judge(state, response []byte) (id, address string, err error) {
	parts := strings.Split(string(state), "\n")
	if len(parts) != 3 {
		return "", "", errors.New("inbox: state of something else")
	}
	if subtle.ConstantTimeCompare([]byte(parts[2]), response) != 1 {
		return "", "", factor.Reject("wrong code")
	}
	return parts[0], parts[1], nil
}

func (f *inbox) evidence(address string) factor.Evidence {
	return factor.Evidence{Category: factor.Possession, Channel: factor.EmailChannel(address), PhishingResistant: f.lies}
}

func (f *inbox) FinishEnroll(_ context.Context, _ factor.Request, state, response []byte) (factor.Enrolled, error) {
	_, address, err := f.judge(state, response)
	if err != nil {
		return factor.Enrolled{}, err
	}
	ev := f.evidence(address)
	return factor.Enrolled{Credential: factor.Credential{Data: []byte(address)}, Evidence: &ev}, nil
}

func (f *inbox) BeginVerify(_ context.Context, r factor.Request) (factor.Step, error) {
	if len(r.Credentials) > 0 {
		return f.step(r.Credentials[0].ID, string(r.Credentials[0].Data)), nil
	}
	step := f.step("", r.User.Email)
	if r.Decoy != nil {
		step.Deliver = func(context.Context) error { return nil }
	} else if r.User.Email == "" {
		return factor.Step{}, factor.ErrUnusable
	}
	return step, nil
}

func (f *inbox) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	id, address, err := f.judge(state, response)
	if err != nil {
		return factor.Result{}, err
	}
	res := factor.Result{Evidence: f.evidence(address)}
	for _, c := range r.Credentials {
		if c.ID == id {
			res.Credential = c
		}
	}
	return res, nil
}

// enrollInbox enrols an address.
func enrollInbox(t *testing.T, k *mfatest.Kit, f *inbox, s mfa.State, address string) (mfa.CredentialInfo, mfa.State) {
	t.Helper()
	return k.Enroll(t, s, mfa.EnrollOptions{Method: f.method, Params: map[string]string{"address": address}}, func(any) []byte {
		code, _ := f.last()
		return []byte(code)
	})
}

// withInbox adds an inbox to the factors. Every user has the e-mail address
// NAME@example.test.
func withInbox(f *inbox) func(*mfa.Config) {
	return func(c *mfa.Config) {
		c.Factors = append(c.Factors, f)
		user := c.User
		c.User = func(ctx context.Context, id string) (mfa.User, error) {
			u, err := user(ctx, id)
			u.Email = id + "@example.test"
			return u, err
		}
	}
}

// brokenKit makes a kit whose store and session fail on demand.
func brokenKit(t *testing.T, change func(*mfa.Config)) (*mfatest.Kit, *faultstore.Store, *faultstore.Session) {
	t.Helper()
	store := faultstore.New(memory.New())
	var session *faultstore.Session
	k := mfatest.New(t, func(c *mfa.Config) {
		session = faultstore.NewSession(c.Session)
		c.Store, c.Session = store, session
		if change != nil {
			change(c)
		}
	})
	return k, store, session
}

// neverPending is the policy that asks nobody for a second factor at sign-in.
func neverPending(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL1} }

// mandatory is the policy that asks everybody.
func mandatory(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL2} }

// levelOf is the level that a session has now.
func levelOf(t *testing.T, k *mfatest.Kit, s mfa.State) mfa.AAL {
	t.Helper()
	st, err := k.Manager.Status(t.Context(), s)
	require.NoError(t, err)
	return st.AAL
}

// stored is what alice has enrolled.
func stored(t *testing.T, k *mfatest.Kit) []mfa.CredentialInfo {
	t.Helper()
	infos, err := k.Manager.Credentials(t.Context(), "alice")
	require.NoError(t, err)
	return infos
}

// stepUpOf checks that an error asks for a step-up and returns it.
func stepUpOf(t *testing.T, err error) *mfa.StepUpError {
	t.Helper()
	var e *mfa.StepUpError
	require.ErrorAs(t, err, &e)
	return e
}

// answer serves one request of a session to h.
func answer(t *testing.T, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// counted is a handler that counts its calls.
type counted struct{ n int }

func (c *counted) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.n++
	w.WriteHeader(http.StatusNoContent)
}
