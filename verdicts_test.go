package mfa_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
)

// gathering is a factor that judges nothing before it is let go.
type gathering struct {
	*inbox
	arrived, letGo chan struct{}
}

func (g gathering) FinishVerify(ctx context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	g.arrived <- struct{}{}
	<-g.letGo
	return g.inbox.FinishVerify(ctx, r, state, response)
}

// Answers that are being judged at the same moment each hold an attempt, and
// each settles its own: the first verdict frees none of the others.
func TestJ01_EveryVerdictSettlesItsOwnAttempt(t *testing.T) {
	g := gathering{&inbox{method: "email"}, make(chan struct{}, 16), make(chan struct{})}
	kit := mfatest.New(t, func(c *mfa.Config) { c.Factors = append(c.Factors, g) })
	enrollInbox(t, kit, g.inbox, kit.SignedIn(t, "alice"), "a@b.test")
	guess := func() func() error {
		s := kit.SignedIn(t, "alice")
		c, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "email"})
		require.NoError(t, err)
		return func() error {
			_, err := kit.Manager.FinishVerify(t.Context(), s, c.ID, []byte("wrong"))
			return err
		}
	}
	verdicts := make(chan error)
	for range 5 {
		do := guess()
		go func() { verdicts <- do() }()
	}
	for range 5 {
		<-g.arrived
	}
	assert.Equal(t, time.Second, throttled(t, guess()()), "five are being judged")
	close(g.letGo)
	for range 5 {
		require.ErrorIs(t, <-verdicts, mfa.ErrRejected)
	}
	assert.Equal(t, 30*time.Second, throttled(t, guess()()), "all five were wrong")
}

// A right answer that does not add up to what signing in needs signs nobody in.
func TestB01_RightAnswerThatIsNotEnoughStaysPending(t *testing.T) {
	mail := &inbox{method: "email"}
	kit := mfatest.New(t, func(c *mfa.Config) { mandatory(c); withInbox(mail)(c) })
	enrollInbox(t, kit, mail, kit.SignedIn(t, "alice"), "a@b.test")
	s := kit.SignIn(t, "alice", mfa.FirstFactor("magic_link", mfa.Evidence{Channel: mfa.EmailChannel("a@b.test")}))
	require.True(t, s.Pending)
	c, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "email", Refresh: true})
	require.NoError(t, err)
	code, _ := mail.last()
	s, err = kit.Manager.FinishVerify(t.Context(), s, c.ID, []byte(code))
	require.NoError(t, err)
	require.Len(t, s.Methods, 2)
	assert.True(t, s.Pending, "one inbox twice")
	for _, aal := range []mfa.AAL{mfa.AAL1, mfa.AAL2, mfa.HighestAvailable} {
		stepUpOf(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: aal}))
	}
}

// claiming is a factor that says that another credential was used.
type claiming struct{ *inbox }

func (claiming) FinishVerify(context.Context, factor.Request, []byte, []byte) (factor.Result, error) {
	return factor.Result{Credential: factor.Credential{ID: "c1", Data: []byte("x")}, Evidence: factor.Evidence{Category: factor.Possession}}, nil
}

func TestFactorCannotUseWhatItWasNotGiven(t *testing.T) {
	f := claiming{&inbox{method: "email"}}
	kit := mfatest.New(t, func(c *mfa.Config) { c.Factors = append(c.Factors, f) })
	bobs := mfa.Credential{ID: "c1", UserID: "bob", Method: "email", Key: "c1", Data: []byte("his"), Version: 1}
	require.NoError(t, kit.Store.CreateCredential(t.Context(), bobs))
	enrollInbox(t, kit, f.inbox, kit.SignedIn(t, "alice"), "a@b.test")
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "email"})
	require.NoError(t, err)
	next, err := kit.Manager.FinishVerify(t.Context(), s, c.ID, []byte("x"))
	require.Error(t, err)
	assert.Equal(t, 503, mfa.ProblemFor(err).Status, "a fault, never the user's mistake")
	assert.Empty(t, next.Methods)
	got, err := kit.Store.Credentials(t.Context(), "bob")
	require.NoError(t, err)
	assert.Equal(t, []mfa.Credential{bobs}, got)
}

// contended is a store where somebody else is always faster with a ceremony.
type contended struct{ mfa.Store }

func (s contended) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if prev != 0 && strings.HasPrefix(r.Key, "ceremony/") {
		return mfa.ErrConflict
	}
	return s.Store.PutRecord(ctx, r, prev)
}

func TestP05_ConflictsOverACeremonyAreThrottledNotRejected(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	c, err := r.BeginVerify(t.Context(), s, totpOnce)
	require.NoError(t, err)
	busy := newRig(t, contended{r.store})
	busy.clock.t = r.clock.now()
	for range 6 { // more than there are attempts
		_, err = busy.FinishVerify(t.Context(), s, c.ID, p.code(t, r.clock.now()))
		assert.LessOrEqual(t, throttled(t, err), time.Second)
	}
	_, err = r.FinishVerify(t.Context(), s, c.ID, p.code(t, r.clock.now()))
	require.NoError(t, err, "nothing was spent and no attempt lost")
}

// A new set of codes is new: its name, and that it was never used.
func TestE06_NewSetHasANameAndNoUseOfItsOwn(t *testing.T) {
	kit := mfatest.New(t, nil)
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	codes, _ := kit.EnrollCodes(t, s)
	s = kit.VerifyCode(t, kit.SignedIn(t, "alice"), codes[0])
	c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "lookup_secret", Name: "in the safe"})
	require.NoError(t, err)
	info, _, err := kit.Manager.FinishEnroll(t.Context(), s, c.ID, []byte("saved"))
	require.NoError(t, err)
	assert.Equal(t, "in the safe", info.Name)
	assert.Nil(t, info.LastUsedAt)
	assert.Contains(t, stored(t, kit), info)
}
