package mfa_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
)

// before has do happen right before the first call of an operation for which
// when, if not nil, is true.
func before(store *faultstore.Store, op string, when func() bool, do func()) {
	done := false
	store.On(func(c faultstore.Call) faultstore.Fault {
		if c.Op == op && !done && (when == nil || when()) {
			done = true
			do()
		}
		return faultstore.None
	})
}

// called reports whether an operation has been called since.
func called(store *faultstore.Store, op string) func() bool {
	return func() bool {
		for _, c := range store.Calls() {
			if c.Op == op {
				return true
			}
		}
		return false
	}
}

// change rewrites a user's credential behind the Manager's back.
func change(t *testing.T, store *faultstore.Store, userID, id string, do func(*mfa.Credential)) {
	t.Helper()
	creds, err := store.Inner.Credentials(t.Context(), userID)
	require.NoError(t, err)
	for _, c := range creds {
		if c.ID != id {
			continue
		}
		prev := c.Version
		c.Version++
		if do == nil {
			require.NoError(t, store.Inner.DeleteCredential(t.Context(), userID, id, prev))
			return
		}
		do(&c)
		require.NoError(t, store.Inner.UpdateCredential(t.Context(), c, prev))
		return
	}
	require.Fail(t, "no such credential")
}

func TestLostSwapIsJudgedAgain(t *testing.T) {
	kit, store, _ := brokenKit(t, nil)
	ctx := t.Context()
	app, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	code := func() []byte { return []byte(app.Code(kit.Clock.Advance(app.Period()))) }
	verify := func(code []byte) (mfa.State, error) {
		return kit.Manager.Verify(ctx, kit.SignedIn(t, "alice"), mfa.VerifyOptions{Method: "totp"}, code)
	}

	before(store, "UpdateCredential", nil, func() {
		change(t, store, "alice", app.CredentialID, func(c *mfa.Credential) { c.Name = "renamed meanwhile" })
	})
	s, err := verify(code())
	require.NoError(t, err, "a conflict is no wrong answer")
	assert.Equal(t, mfa.AAL2, levelOf(t, kit, s))
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Equal(t, "renamed meanwhile", infos[0].Name, "and nothing is lost")

	// The same code, spent by another request in between.
	same := code()
	kit.Events.Reset()
	before(store, "UpdateCredential", nil, func() {
		creds, err := store.Inner.Credentials(ctx, "alice")
		require.NoError(t, err)
		// Spending is what the call under way is about to write.
		for _, c := range store.Calls() {
			if written, ok := c.Args.(mfa.Credential); ok && c.Op == "UpdateCredential" {
				require.NoError(t, store.Inner.UpdateCredential(ctx, written, creds[0].Version))
			}
		}
	})
	_, err = verify(same)
	require.ErrorIs(t, err, mfa.ErrRejected, "one code succeeds once")
	refused := kit.Events.Of(mfa.EventRefused)
	require.Len(t, refused, 1)
	assert.Equal(t, mfa.OutcomeReplayed, refused[0].Outcome)

	// The authenticator is removed in between.
	before(store, "UpdateCredential", nil, func() { change(t, store, "alice", app.CredentialID, nil) })
	_, err = verify(code())
	require.ErrorIs(t, err, mfa.ErrRejected)
	store.Heal()
	assert.Empty(t, kit.Events.Of(mfa.EventLocked))
}

func TestCeremonySpentMeanwhileIsRejected(t *testing.T) {
	kit, store, _ := brokenKit(t, nil)
	ctx := t.Context()
	key, _ := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "webauthn"})
	require.NoError(t, err)
	response := key.Assert(t, c.Prompt)
	before(store, "DeleteRecord", nil, func() {
		for _, call := range store.Calls() {
			if call.Op == "DeleteRecord" {
				rec, err := store.Inner.Record(ctx, call.Key)
				require.NoError(t, err)
				require.NoError(t, store.Inner.DeleteRecord(ctx, call.Key, rec.Version))
			}
		}
	})
	_, err = kit.Manager.FinishVerify(ctx, s, c.ID, response)
	require.ErrorIs(t, err, mfa.ErrRejected)
	for _, call := range store.Calls() {
		assert.NotEqual(t, "UpdateCredential", call.Op, "who did not spend the ceremony writes no credential")
	}
}

func TestEnrolmentBesideAnotherIsWithdrawn(t *testing.T) {
	for _, raced := range []bool{false, true} {
		kit, store, _ := brokenKit(t, nil)
		ctx := t.Context()
		s := kit.SignedIn(t, "alice")
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
		require.NoError(t, err)
		code := []byte(mfatest.NewTOTP(t, c.Prompt).Code(kit.Clock.Now()))
		var mine string
		before(store, "Credentials", called(store, "CreateCredential"), func() {
			creds, err := store.Inner.Credentials(ctx, "alice")
			require.NoError(t, err)
			mine = creds[0].ID
			require.NoError(t, store.Inner.CreateCredential(ctx, mfa.Credential{ID: "other", UserID: "alice", Method: "webauthn", Key: "other", Version: 1}))
			if raced { // the new one is renamed before it can be withdrawn
				hook := false
				store.On(func(c faultstore.Call) faultstore.Fault {
					if c.Op == "DeleteCredential" && !hook {
						hook = true
						change(t, store, "alice", mine, func(c *mfa.Credential) { c.Name = "x" })
					}
					return faultstore.None
				})
			}
		})
		_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, code)
		require.ErrorIs(t, err, mfa.ErrConflict)
		store.Heal()
		left, err := store.Inner.Credentials(ctx, "alice")
		require.NoError(t, err)
		require.Len(t, left, 1)
		assert.Equal(t, "other", left[0].ID)
		withdrawn := kit.Events.Of(mfa.EventWithdrawn)
		require.Len(t, withdrawn, 1)
		assert.Equal(t, mine, withdrawn[0].CredentialID)
		assert.Empty(t, kit.Events.Of(mfa.EventEnrolled))
	}
}

func TestNewSetOfCodesSurvivesAUseOfTheOldOne(t *testing.T) {
	kit, store, _ := brokenKit(t, nil)
	ctx := t.Context()
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	kit.Clock.Advance(time.Second)
	old, s := kit.EnrollCodes(t, s)
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	set := infos[1].ID
	before(store, "UpdateCredential", nil, func() {
		change(t, store, "alice", set, func(c *mfa.Credential) { c.UsedAt = kit.Clock.Now() })
	})
	fresh, s := kit.EnrollCodes(t, s)
	store.Heal()
	_, err = kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "lookup_secret", Refresh: true}, []byte(old[0]))
	require.ErrorIs(t, err, mfa.ErrRejected)
	kit.VerifyCode(t, s, fresh[0])
}

// Recovery codes that appear while the last real factor goes do not stay.
func TestE10_CodesEnrolledMeanwhileGoToo(t *testing.T) {
	kit, store, _ := brokenKit(t, nil)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	before(store, "DeleteCredential", nil, func() {
		require.NoError(t, store.Inner.CreateCredential(ctx, mfa.Credential{ID: "late", UserID: "alice", Method: "lookup_secret", Key: "late", Version: 1}))
	})
	_, err := kit.Manager.Remove(ctx, s, app.CredentialID)
	require.NoError(t, err)
	left, err := store.Inner.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Empty(t, left)

	// And enrolled the other way round: the set is withdrawn.
	app, s = kit.EnrollTOTP(t, kit.SignedIn(t, "bob"))
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "lookup_secret"})
	require.NoError(t, err)
	before(store, "CreateCredential", nil, func() { change(t, store, "bob", app.CredentialID, nil) })
	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte("saved"))
	require.ErrorIs(t, err, mfa.ErrConflict)
	left, err = store.Inner.Credentials(ctx, "bob")
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A crash in the middle of a removal leaves no codes without a real factor.
func TestE10_CodesGoFirst(t *testing.T) {
	kit, store, _ := brokenKit(t, nil)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	_, s = kit.EnrollCodes(t, s)
	store.On(func(c faultstore.Call) faultstore.Fault {
		if c.Op == "DeleteCredential" {
			return faultstore.PanicAfter
		}
		return faultstore.None
	})
	require.Error(t, panicked(func() error { _, err := kit.Manager.Remove(ctx, s, app.CredentialID); return err }))
	store.Heal()
	left, err := store.Inner.Credentials(ctx, "alice")
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, app.CredentialID, left[0].ID)
	_, err = kit.Manager.Remove(ctx, s, app.CredentialID)
	require.NoError(t, err, "it can be repeated")
}

// push is a factor whose answer comes from elsewhere.
type push struct {
	*inbox
	waiting *bool
}

func (p push) FinishVerify(ctx context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if *p.waiting {
		return factor.Result{}, factor.ErrWaiting
	}
	return p.inbox.FinishVerify(ctx, r, state, response)
}

func TestWaitingCostsNothing(t *testing.T) {
	waiting := true
	mail := &inbox{method: "email"}
	kit := mfatest.New(t, func(c *mfa.Config) { c.Factors = append(c.Factors, push{mail, &waiting}) })
	ctx := t.Context()
	enrollInbox(t, kit, mail, kit.SignedIn(t, "alice"), "a@b.test")
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "email"})
	require.NoError(t, err)
	code, _ := mail.last()
	for range 20 {
		_, err = kit.Manager.FinishVerify(ctx, s, c.ID, nil)
		require.ErrorIs(t, err, mfa.ErrWaiting)
		assert.Equal(t, "waiting", mfa.ProblemFor(err).Code)
	}
	assert.Empty(t, kit.Events.Of(mfa.EventRefused))
	atOnce(t, 16, func(int) func() {
		return func() {
			_, err := kit.Manager.FinishVerify(ctx, s, c.ID, nil)
			assert.Contains(t, []string{"waiting", "throttled", "rejected"}, mfa.ProblemFor(err).Code)
		}
	})
	waiting = false
	for range 4 {
		_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte("wrong"))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte(code))
	require.NoError(t, err, "all five tries are still there")
}

// slow is a factor whose first five judgements take until released.
type slow struct {
	*inbox
	judged  *atomic.Int64
	release chan struct{}
}

func (f slow) FinishVerify(ctx context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if f.judged.Add(1) <= 5 {
		<-f.release
	}
	return f.inbox.FinishVerify(ctx, r, state, response)
}

// The tries of a ceremony hold whatever comes at once, and without any help of
// the user's budget.
func TestF05_ParallelGuessesGetNoMoreThanTheTries(t *testing.T) {
	const n = 40
	f := slow{&inbox{method: "email"}, &atomic.Int64{}, make(chan struct{})}
	kit := mfatest.New(t, func(c *mfa.Config) {
		c.Limits = mfa.Limits{Attempts: 10_000, Closed: 10_000}
		c.Factors = append(c.Factors, f)
	})
	ctx := t.Context()
	enrollInbox(t, kit, f.inbox, kit.SignedIn(t, "alice"), "a@b.test")
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "email"})
	require.NoError(t, err)
	verdicts := make(chan error, n)
	for range n {
		go func() {
			for {
				_, err := kit.Manager.FinishVerify(ctx, s, c.ID, []byte("wrong"))
				if _, again := errors.AsType[*mfa.ThrottledError](err); !again {
					verdicts <- err
					return
				}
			}
		}()
	}
	for i := range n {
		if i == n-5 {
			close(f.release)
		}
		require.ErrorIs(t, <-verdicts, mfa.ErrRejected)
	}
	assert.EqualValues(t, 5, f.judged.Load())
	code, _ := f.last()
	_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte(code))
	require.ErrorIs(t, err, mfa.ErrRejected, "the right code comes too late")
}
