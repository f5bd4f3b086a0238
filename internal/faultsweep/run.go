package faultsweep

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
)

// run is one run of a flow: a user of its own, over a store that can be made
// to fail.
type run struct {
	*mfatest.Kit

	t        *testing.T
	store    *faultstore.Store
	fault    faultstore.Fault
	user     string
	key      []byte // of Config.Keys
	ceremony string // the key of the record of the last ceremony
	mail     *mailbox
}

func newRun(t *testing.T, inner faultstore.Inner, fault faultstore.Fault, f flow) *run {
	t.Helper()
	r := &run{t: t, fault: fault, user: "user " + rand.Text(), key: newKey()}
	r.store = faultstore.New(oneUser{inner, r.user})
	r.Kit = mfatest.New(t, func(c *mfa.Config) {
		c.Store, c.Keys = r.store, [][]byte{r.key}
		if f.mail {
			r.openMailbox(c, f.contact)
		}
		if f.config != nil {
			f.config(c)
		}
	})
	return r
}

func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

// oneUser lists the credentials of one user only: those of others in the same
// store are sealed under other keys.
type oneUser struct {
	faultstore.Inner

	user string
}

// AllCredentials implements mfa.CredentialLister.
func (s oneUser) AllCredentials(ctx context.Context) iter.Seq2[mfa.Credential, error] {
	return func(yield func(mfa.Credential, error) bool) {
		for c, err := range s.Inner.AllCredentials(ctx) {
			if (err != nil || c.UserID == s.user) && !yield(c, err) {
				return
			}
		}
	}
}

// cancels reports whether only the request goes away, and not the process or
// the store: then attempts are settled all the same.
func (r *run) cancels() bool {
	return r.fault == faultstore.CancelBefore || r.fault == faultstore.CancelAfter
}

// cost is how many attempts the fault may cost.
func (r *run) cost() int {
	if r.cancels() {
		return 0
	}
	return 1
}

// withKeys returns a Kit with other Config.Keys over the same store and clock.
func (r *run) withKeys(keys ...[]byte) *mfatest.Kit {
	r.t.Helper()
	k := mfatest.New(r.t, func(c *mfa.Config) { c.Store, c.Keys, c.Now = r.store, keys, r.Clock.Now })
	k.Clock = r.Clock
	return k
}

// must ends the test where what has to work fails.
func (r *run) must(doing string, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s: %v", doing, err)
	}
}

func (r *run) signedIn() mfa.State {
	r.t.Helper()
	return r.SignedIn(r.t, r.user)
}

// withTOTP enrols an authenticator app and lets two of its codes pass, so that
// the one before and the one of now are unspent.
func (r *run) withTOTP() (*mfatest.TOTP, mfa.State) {
	r.t.Helper()
	app, s := r.EnrollTOTP(r.t, r.signedIn())
	r.Clock.Advance(2 * app.Period())
	return app, s
}

func (r *run) beginEnroll(s mfa.State, method string) *mfa.Ceremony {
	r.t.Helper()
	return r.began(r.Manager.BeginEnroll(r.t.Context(), s, mfa.EnrollOptions{Method: method}))
}

func (r *run) beginVerify(s mfa.State, method string) *mfa.Ceremony {
	r.t.Helper()
	return r.began(r.Manager.BeginVerify(r.t.Context(), s, mfa.VerifyOptions{Method: method}))
}

// began remembers which record is the ceremony's.
func (r *run) began(c *mfa.Ceremony, err error) *mfa.Ceremony {
	r.t.Helper()
	r.must("beginning a ceremony", err)
	r.ceremony = r.lastCeremony()
	return c
}

// lastCeremony returns the key of the record that was last written of a
// ceremony.
func (r *run) lastCeremony() (key string) {
	for _, call := range r.store.Calls() {
		if call.Op == "PutRecord" && !strings.HasPrefix(call.Key, mfa.KeepPrefix) {
			key = call.Key
		}
	}
	return key
}

// snapshot is what is stored of a user, by the versions.
type snapshot struct {
	credentials string
	n           int
	real        bool // one of them is no recovery method
	open        bool // the last ceremony has not ended
}

func (r *run) snapshot() snapshot {
	r.t.Helper()
	creds, err := r.store.Inner.Credentials(r.t.Context(), r.user)
	r.must("reading credentials", err)
	slices.SortFunc(creds, func(a, b mfa.Credential) int { return strings.Compare(a.ID, b.ID) })
	s := snapshot{n: len(creds)}
	for _, c := range creds {
		s.credentials += fmt.Sprintf("%s %d\n", c.ID, c.Version)
		s.real = s.real || c.Method != lookupMethod
	}
	if r.ceremony == "" {
		return s
	}
	_, err = r.store.Inner.Record(r.t.Context(), r.ceremony)
	if s.open = err == nil; !errors.Is(err, mfa.ErrNotFound) {
		r.must("reading a record", err)
	}
	return s
}

// stored returns the user's credentials, every one of which must open.
func (r *run) stored() []mfa.CredentialInfo {
	r.t.Helper()
	infos, err := r.Manager.Credentials(r.t.Context(), r.user)
	r.must("reading what is enrolled", err)
	return infos
}

// left checks how many credentials are stored.
func (r *run) left(want int) {
	r.t.Helper()
	if got := r.stored(); len(got) != want {
		r.t.Errorf("%d credentials are left, want %d: %v", len(got), want, got)
	}
}

// forget leaves nothing of the user in the store.
func (r *run) forget() {
	r.t.Helper()
	r.must("forgetting the user", r.Manager.Forget(r.t.Context(), r.user))
	r.left(0)
}
