package mfa_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

func throttled(t testing.TB, err error) time.Duration {
	t.Helper()
	var e *mfa.ThrottledError
	require.ErrorAs(t, err, &e)
	return e.RetryAfter
}

// untilJudged repeats a call that lost a race for the store.
func untilJudged(do func() error) error {
	for {
		err := do()
		var e *mfa.ThrottledError
		if !errors.As(err, &e) || e.RetryAfter > time.Second {
			return err
		}
	}
}

func TestJ01_ParallelWrongGuessesAreJudgedFiveTimes(t *testing.T) {
	r := newRig(t, nil)
	s := r.signIn(t, "anna")
	p, _ := r.enrollTOTP(t, s)
	before := r.count(mfa.EventRefused, mfa.OutcomeRejected)
	errs := parallel(200, func(i int) error {
		return untilJudged(func() error {
			_, err := r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.wrong(t, r.clock.now(), i))
			return err
		})
	})
	rejected := 0
	for _, err := range errs {
		require.Error(t, err)
		if errors.Is(err, mfa.ErrRejected) {
			rejected++
			continue
		}
		assert.Greater(t, throttled(t, err), time.Second)
	}
	assert.Equal(t, 5, rejected, "answers judged")
	assert.Equal(t, 5, r.count(mfa.EventRefused, mfa.OutcomeRejected)-before)

	_, err := r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.code(t, r.clock.now()))
	assert.Greater(t, throttled(t, err), 20*time.Second, "the right code waits too")
}

func TestJ02_DelaysGrowAndTheHundredthFailureCloses(t *testing.T) {
	r := newRig(t, nil)
	s := r.signIn(t, "anna")
	p, aal2 := r.enrollTOTP(t, s)
	codes := r.enrollCodes(t, aal2)
	s = r.signIn(t, "anna")
	for i := range 100 {
		_, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), i))
		require.ErrorIs(t, err, mfa.ErrRejected, "guess %d", i)
		_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
		failures := i + 1
		switch {
		case failures < 5:
			require.NoError(t, err, "guess %d", i) // and that set the counter to zero
			for range failures {
				_, err = r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), i))
				require.ErrorIs(t, err, mfa.ErrRejected)
			}
			r.clock.add(time.Minute)
		case failures < 100:
			want := min(30*time.Second<<min(failures-5, 7), time.Hour)
			assert.Equal(t, want, throttled(t, err), "after %d failures", failures)
			r.clock.add(want)
		}
	}
	r.clock.add(1000 * time.Hour)
	s = r.signIn(t, "anna")
	_, err := r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	throttled(t, err)

	// Another factor, or an admin, opens it again.
	_, err = r.Verify(t.Context(), s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[0]))
	require.NoError(t, err, "recovery codes stay open")
	_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	require.NoError(t, err)
}

func TestJ02_UnlockOpensTheBudget(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	for i := range 5 {
		_, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), i))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	_, err := r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	throttled(t, err)
	require.NoError(t, r.Unlock(t.Context(), "admin", "anna", "called support"))
	_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	require.NoError(t, err)
	assert.Equal(t, 1, r.count(mfa.EventLocked, mfa.OutcomeThrottled))
	assert.Zero(t, r.count(mfa.EventSuspicious, mfa.OutcomeSuccess), "an admin has looked at it")
}

// J12: a right answer after wrong ones that began a delay is an event of its
// own; after a slip it is not.
func TestJ12_SuccessAfterFailuresIsAnEvent(t *testing.T) {
	for _, wrong := range []int{4, 5, 7} {
		r := newRig(t, nil)
		p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
		s := r.signIn(t, "anna")
		for i := range wrong {
			_, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), i))
			require.ErrorIs(t, err, mfa.ErrRejected)
			if i >= 4 {
				r.clock.add(time.Hour)
			}
		}
		_, err := r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
		require.NoError(t, err)
		assert.Equal(t, max(0, wrong-4), r.count(mfa.EventLocked, mfa.OutcomeThrottled))
		if wrong < 5 {
			assert.Zero(t, r.count(mfa.EventSuspicious, mfa.OutcomeSuccess))
			continue
		}
		i := slices.IndexFunc(r.events, func(e mfa.Event) bool { return e.Kind == mfa.EventSuspicious })
		require.GreaterOrEqual(t, i, 0)
		assert.Equal(t, fmt.Sprintf("%d wrong answers in a row", wrong), r.events[i].Reason)
		assert.Equal(t, "anna", r.events[i].UserID)
	}
}

func TestJ03_NothingButSuccessResetsTheCounter(t *testing.T) {
	store := memory.New()
	r := newRig(t, store)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	other := newRig(t, store) // another process
	other.clock.t = r.clock.now()
	judged := 0
	for i := range 20 {
		by := []*rig{r, other}[i%2]
		s := by.signIn(t, "anna") // a new login and session each time
		o := totpOnce
		var err error
		if i%3 == 0 { // a new challenge
			var c *mfa.Ceremony
			c, err = by.BeginVerify(t.Context(), s, o)
			require.NoError(t, err)
			_, err = by.FinishVerify(t.Context(), s, c.ID, p.wrong(t, r.clock.now(), i))
		} else {
			_, err = by.Verify(t.Context(), s, o, p.wrong(t, r.clock.now(), i))
		}
		if errors.Is(err, mfa.ErrRejected) {
			judged++
		}
	}
	assert.Equal(t, 5, judged)
}

func TestJ04_CancelledRequestStillCounts(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	guess := func(i int) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := newRig(t, &cancelAfterPut{Store: r.store, cancel: cancel})
		r.clock.t = time.Date(2026, 5, 4, 10, 1, 0, 0, time.UTC)
		_, err := r.Verify(ctx, s, totpOnce, p.wrong(t, r.clock.now(), i))
		return err
	}
	for i := range 5 {
		require.ErrorIs(t, guess(i), mfa.ErrRejected)
	}
	throttled(t, guess(6))
}

// cancelAfterPut cancels the request as soon as so many records and one more have
// been written: with none before it, as soon as an attempt is reserved.
type cancelAfterPut struct {
	mfa.Store
	after  int
	cancel func()
}

func (s *cancelAfterPut) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	err := s.Store.PutRecord(ctx, r, prev)
	if s.after--; err == nil && s.after < 0 && s.cancel != nil {
		s.cancel()
	}
	return err
}

func TestJ07_EveryUseOfTheCodeCountsOnOneBudget(t *testing.T) {
	r := newRig(t, nil)
	p, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	enrol, err := r.BeginEnroll(t.Context(), aal2, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	challenge, err := r.BeginVerify(t.Context(), s, totpOnce)
	require.NoError(t, err)
	surfaces := []func(code []byte) error{
		func(code []byte) error { _, err := r.Verify(t.Context(), s, totpOnce, code); return err },
		func(code []byte) error { _, err := r.FinishVerify(t.Context(), s, challenge.ID, code); return err },
		func(code []byte) error { _, _, err := r.FinishEnroll(t.Context(), aal2, enrol.ID, code); return err },
		func(code []byte) error {
			_, err := r.Verify(t.Context(), aal2, mfa.VerifyOptions{Method: "totp", Refresh: true}, code)
			return err
		},
	}
	judged := 0
	for i := range 12 {
		if errors.Is(surfaces[i%len(surfaces)](p.wrong(t, r.clock.now(), i)), mfa.ErrRejected) {
			judged++
		}
	}
	// The challenge has one try, so it takes part once; the others share four.
	assert.LessOrEqual(t, judged, 6)
	_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	throttled(t, err)
}

func TestJ08_PasswordDoesNotResetTheCounter(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	for i := range 5 {
		_, err := r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.wrong(t, r.clock.now(), i))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	_, err := r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.code(t, r.clock.now()))
	throttled(t, err)
}

func TestJ05_OneBudgetPerUserID(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	r.enrollTOTP(t, r.signIn(t, "ANNA"))
	for i := range 5 {
		_, err := r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.wrong(t, r.clock.now(), i))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	_, err := r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.code(t, r.clock.now()))
	throttled(t, err)
	_, err = r.Verify(t.Context(), r.signIn(t, "ANNA"), totpOnce, p.wrong(t, r.clock.now(), 0))
	require.ErrorIs(t, err, mfa.ErrRejected, "another user has another budget")
}

func TestJ10_FaultSpendsNoAttemptAndGivesNoGuess(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	broken := newRig(t, brokenUpdate{r.store})
	broken.clock.t = r.clock.now()
	for range 10 {
		_, err := broken.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
		require.Error(t, err)
		require.NotErrorIs(t, err, mfa.ErrRejected)
		var e *mfa.ThrottledError
		require.NotErrorAs(t, err, &e, "a fault must not cost an attempt")
	}
	judged := 0
	for i := range 10 {
		_, err := broken.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), i))
		if errors.Is(err, mfa.ErrRejected) {
			judged++
		}
	}
	assert.Equal(t, 5, judged, "a broken store gives no free guesses")
}

type brokenUpdate struct{ mfa.Store }

func (brokenUpdate) UpdateCredential(context.Context, mfa.Credential, int64) error {
	return errors.New("disk full")
}

func TestE09_LookupHasAWindowOfItsOwn(t *testing.T) {
	r := newRig(t, nil)
	p, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	codes := r.enrollCodes(t, aal2)
	s := r.signIn(t, "anna")
	lookupOnce := mfa.VerifyOptions{Method: "lookup_secret"}
	for i := range 20 {
		_, err := r.Verify(t.Context(), s, lookupOnce, []byte("aaaa-bbbb-cccc-dddd"))
		require.ErrorIs(t, err, mfa.ErrRejected, "guess %d", i)
	}
	_, err := r.Verify(t.Context(), s, lookupOnce, []byte(codes[0]))
	assert.Equal(t, time.Hour, throttled(t, err))
	_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	require.NoError(t, err, "the other budget is untouched")
	r.clock.add(time.Hour)
	_, err = r.Verify(t.Context(), r.signIn(t, "anna"), lookupOnce, []byte(codes[0]))
	require.NoError(t, err, "the window is over")
	for i := range 20 {
		s := r.signIn(t, "anna")
		_, err := r.Verify(t.Context(), s, lookupOnce, []byte("aaaa-bbbb-cccc-dddd"))
		require.ErrorIs(t, err, mfa.ErrRejected, "a right code gave its unit back: guess %d", i)
	}
}

type panicOnUpdate struct{ mfa.Store }

func (panicOnUpdate) UpdateCredential(context.Context, mfa.Credential, int64) error { panic("died") }

// What costs no attempt gives none back either: a code that was overheard
// after its use, or a store that fails, opens no budget.
func TestJ08_ReplaysAndFaultsDoNotResetTheCounter(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	spent := p.code(t, r.clock.now())
	_, err := r.Verify(t.Context(), s, totpOnce, spent)
	require.NoError(t, err)
	r.clock.add(30 * time.Second) // fresh is not judged yet, spent is still in the window
	fresh := p.code(t, r.clock.now())
	broken := newRig(t, brokenUpdate{r.store})
	broken.clock.t = r.clock.now()
	for i := range 5 {
		_, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), i))
		require.ErrorIs(t, err, mfa.ErrRejected, "guess %d", i)
		if i == 4 {
			break
		}
		_, err = r.Verify(t.Context(), s, totpOnce, spent)
		require.ErrorIs(t, err, mfa.ErrRejected, "free, and worth nothing")
		_, err = broken.Verify(t.Context(), s, totpOnce, fresh)
		require.NotErrorIs(t, err, mfa.ErrRejected)
		require.Error(t, err)
	}
	_, err = r.Verify(t.Context(), s, totpOnce, fresh)
	assert.Equal(t, 30*time.Second, throttled(t, err), "the fifth wrong answer closed it")
	assert.Equal(t, 4, r.count(mfa.EventRefused, mfa.OutcomeReplayed))
	_, err = r.Verify(t.Context(), s, totpOnce, spent)
	throttled(t, err)
}
