package mfa_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
)

func TestD11_FactorIsInactiveUntilConfirmed(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	old, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp", Name: "new phone"})
	require.NoError(t, err)
	next := mfatest.NewTOTP(t, c.Prompt)
	kit.Clock.Advance(next.Period())

	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Len(t, infos, 1, "beginning changes nothing")
	pending := kit.SignedIn(t, "alice")
	_, err = kit.Manager.Verify(ctx, pending, mfa.VerifyOptions{Method: "totp"}, []byte(next.Code(kit.Clock.Now())))
	require.ErrorIs(t, err, mfa.ErrRejected, "the new one is worth nothing yet")
	kit.VerifyTOTP(t, pending, old)

	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(next.Wrong(kit.Clock.Now())))
	require.ErrorIs(t, err, mfa.ErrRejected)
	code := []byte(next.Code(kit.Clock.Now()))
	info, _, err := kit.Manager.FinishEnroll(ctx, s, c.ID, code)
	require.NoError(t, err, "a wrong code leaves more tries")
	assert.Equal(t, "new phone", info.Name)
	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, code)
	require.ErrorIs(t, err, mfa.ErrRejected, "confirmed once")
	_, err = kit.Manager.Verify(ctx, kit.SignedIn(t, "alice"), mfa.VerifyOptions{Method: "totp"}, code)
	require.ErrorIs(t, err, mfa.ErrRejected, "the code that confirmed is spent")
	kit.VerifyTOTP(t, kit.SignedIn(t, "alice"), next)
	kit.VerifyTOTP(t, kit.SignedIn(t, "alice"), old)
}

// Enrolments have as many tries as the factor says, and then none.
func TestD11_EnrolmentEndsAfterItsTries(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.Limits.Attempts = 100 })
	ctx := t.Context()
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	app := mfatest.NewTOTP(t, c.Prompt)
	for range 5 {
		_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(app.Wrong(kit.Clock.Now())))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(app.Code(kit.Clock.Now())))
	require.ErrorIs(t, err, mfa.ErrRejected)
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Empty(t, infos)
}

// Expiry is judged by the clock, not by whether a store has swept (P11).
func TestP11_ExpiredCeremonyIsNone(t *testing.T) {
	for name, move := range map[string]time.Duration{"over": 10 * time.Minute, "long over": 100 * 24 * time.Hour, "clock set back": -2 * time.Minute} {
		kit := mfatest.New(t, nil)
		s := kit.SignedIn(t, "alice")
		c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
		require.NoError(t, err)
		assert.Equal(t, kit.Clock.Now().Add(10*time.Minute), c.ExpiresAt)
		app := mfatest.NewTOTP(t, c.Prompt)
		kit.Clock.Advance(move)
		s, err = kit.Manager.Start(t.Context(), s, "alice", mfa.Password())
		require.NoError(t, err)
		_, _, err = kit.Manager.FinishEnroll(t.Context(), s, c.ID, []byte(app.Code(kit.Clock.Now())))
		require.ErrorIs(t, err, mfa.ErrRejected, name)
	}
}

// D17: the same secret enrolled twice is still one, and one code passes once.
func TestD17_EqualSecretsGiveOneSuccess(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	a, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	b, _ := kit.EnrollTOTP(t, s)
	for range 5 {
		kit.Clock.Advance(a.Period())
		for _, app := range []*mfatest.TOTP{a, b} {
			code := []byte(app.Code(kit.Clock.Now()))
			right := 0
			for range 4 {
				_, err := kit.Manager.Verify(ctx, kit.SignedIn(t, "alice"), mfa.VerifyOptions{Method: "totp"}, code)
				if err == nil {
					right++
					continue
				}
				require.ErrorIs(t, err, mfa.ErrRejected)
			}
			assert.Equal(t, 1, right)
		}
	}
}

// atOnce prepares n calls one after the other and makes them at the same time.
func atOnce(t *testing.T, n int, prepare func(i int) func()) {
	t.Helper()
	var ready, wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		call := prepare(i)
		ready.Add(1)
		wg.Go(func() {
			ready.Done()
			<-start
			call()
		})
	}
	ready.Wait()
	close(start)
	wg.Wait()
}

// From sessions of aal1, nobody can slip a second factor in beside the user's
// first one: of eight at once at most one stays.
func TestFirstEnrolmentsAtOnceLeaveAtMostOne(t *testing.T) {
	for range 20 {
		kit := mfatest.New(t, nil)
		ctx := t.Context()
		var mu sync.Mutex
		var won []mfa.State
		atOnce(t, 8, func(i int) func() {
			s := kit.SignedIn(t, "alice")
			method := []string{"totp", "webauthn"}[i%2]
			c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: method})
			require.NoError(t, err)
			var response []byte
			if method == "totp" {
				response = []byte(mfatest.NewTOTP(t, c.Prompt).Code(kit.Clock.Now()))
			} else {
				response = mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin).Register(t, c.Prompt)
			}
			return func() {
				_, next, err := kit.Manager.FinishEnroll(ctx, s, c.ID, response)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, next)
				} else {
					assert.Contains(t, []string{"rejected", "conflict", "step_up_required", "throttled"}, mfa.ProblemFor(err).Code, err)
				}
			}
		})
		infos, err := kit.Manager.Credentials(ctx, "alice")
		require.NoError(t, err)
		require.LessOrEqual(t, len(infos), 1)
		require.Len(t, won, len(infos))
		for _, s := range won {
			assert.Equal(t, mfa.AAL2, levelOf(t, kit, s))
		}
	}
}

func TestG10_EnrolmentNeedsAPrivilegedSession(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	for _, method := range []string{"totp", "webauthn", "lookup_secret"} {
		_, err := kit.Manager.BeginEnroll(ctx, kit.SignedIn(t, "alice"), mfa.EnrollOptions{Method: method})
		e := stepUpOf(t, err)
		assert.Equal(t, mfa.AAL2, e.Want)
		assert.Equal(t, 401, mfa.ProblemFor(err).Status)
	}
	_, err := kit.Manager.BeginEnroll(ctx, mfa.State{}, mfa.EnrollOptions{Method: "totp"})
	require.ErrorIs(t, err, mfa.ErrNoSession)
	_, _, err = kit.Manager.FinishEnroll(ctx, mfa.State{}, "x", nil)
	require.ErrorIs(t, err, mfa.ErrNoSession)

	// The session that began is stale, or has lost its level, when it finishes.
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	next := mfatest.NewTOTP(t, c.Prompt)
	kit.Clock.Advance(9 * time.Minute)
	stale := s
	stale.Methods = append([]mfa.Method(nil), s.Methods...)
	stale.Methods[1].At = kit.Clock.Now().Add(-16 * time.Minute)
	lower := s
	lower.Methods = s.Methods[:1]
	for _, bad := range []mfa.State{stale, lower} {
		_, _, err = kit.Manager.FinishEnroll(ctx, bad, c.ID, []byte(next.Code(kit.Clock.Now())))
		stepUpOf(t, err)
	}
	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(next.Code(kit.Clock.Now())))
	require.NoError(t, err)
	_ = app
}

func TestEnrollOptionsAreChecked(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	s := kit.SignedIn(t, "alice")
	_, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "retina"})
	require.ErrorIs(t, err, mfa.ErrNotFound)
	_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "device"})
	require.ErrorIs(t, err, mfa.ErrNotFound)
	_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "lookup_secret"})
	require.ErrorIs(t, err, mfa.ErrNotEnrolled, "recovery codes of nothing")
	for _, name := range []string{strings.Repeat("x", 65), "a\nb", "a\x1b[31mb", "\xff", "a\u202eb", "a\u0000"} {
		_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp", Name: name})
		require.ErrorIs(t, err, mfa.ErrInvalid, "%q", name)
	}
	info, _ := kit.Enroll(t, s, mfa.EnrollOptions{Method: "totp", Name: "  " + strings.Repeat("ü", 64) + " "}, func(p any) []byte {
		return []byte(mfatest.NewTOTP(t, p).Code(kit.Clock.Now()))
	})
	assert.Equal(t, strings.Repeat("ü", 64), info.Name)
	bob, _ := kit.Enroll(t, kit.SignedIn(t, "bob"), mfa.EnrollOptions{Method: "totp"}, func(p any) []byte {
		return []byte(mfatest.NewTOTP(t, p).Code(kit.Clock.Now()))
	})
	assert.Equal(t, "totp", bob.Name)
	assert.Equal(t, kit.Clock.Now(), bob.CreatedAt)
	assert.Nil(t, bob.LastUsedAt)
}

// stubborn is a factor that answers what no factor may.
type stubborn struct {
	*inbox
	enrolled factor.Credential
}

func (s stubborn) FinishEnroll(context.Context, factor.Request, []byte, []byte) (factor.Enrolled, error) {
	return factor.Enrolled{Credential: s.enrolled}, nil
}

func TestFactorCannotWriteWhatItWasNotGiven(t *testing.T) {
	for name, c := range map[string]factor.Credential{
		"another's credential": {ID: "c1"}, "an endless key": {Key: strings.Repeat("x", 65)},
	} {
		kit := mfatest.New(t, func(cfg *mfa.Config) { cfg.Factors = append(cfg.Factors, stubborn{&inbox{method: "email"}, c}) })
		require.NoError(t, kit.Store.CreateCredential(t.Context(), mfa.Credential{ID: "c1", UserID: "bob", Method: "email", Key: "c1", Version: 1}))
		s := kit.SignedIn(t, "alice")
		begun, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "email", Params: map[string]string{"address": "a@b.test"}})
		require.NoError(t, err)
		_, _, err = kit.Manager.FinishEnroll(t.Context(), s, begun.ID, []byte("x"))
		require.Error(t, err, name)
		assert.Equal(t, 503, mfa.ProblemFor(err).Status, "a fault, never the user's mistake")
		infos, err := kit.Manager.Credentials(t.Context(), "alice")
		require.NoError(t, err)
		assert.Empty(t, infos)
	}
}
