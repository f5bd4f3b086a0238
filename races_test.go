package mfa_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// tally counts verdicts and requires that there is nothing else.
func tally(t *testing.T, errs []error) (right, rejected int) {
	t.Helper()
	for _, err := range errs {
		switch {
		case err == nil:
			right++
		case errors.Is(err, mfa.ErrRejected):
			rejected++
		default:
			require.NoError(t, err)
		}
	}
	return right, rejected
}

func raised(c *mfa.Config) { c.Limits = mfa.Limits{Attempts: 10000, Closed: 100000, Lookups: 10000} }

func TestD07_OneCodeSucceedsOnceOnAllSurfaces(t *testing.T) {
	r := newRig(t, nil, raised)
	p, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	code := p.code(t, r.clock.now())
	pending := r.signIn(t, "anna")
	errs := parallel(64, func(i int) error {
		if i%2 == 0 {
			return untilJudged(func() error { _, err := r.Verify(t.Context(), pending, totpOnce, code); return err })
		}
		return untilJudged(func() error {
			c, err := r.BeginVerify(t.Context(), aal2, mfa.VerifyOptions{Method: "totp", Refresh: true})
			if err != nil {
				return err
			}
			_, err = r.FinishVerify(t.Context(), aal2, c.ID, code)
			return err
		})
	})
	right, rejected := tally(t, errs)
	assert.Equal(t, 1, right)
	assert.Equal(t, 63, rejected)
}

func TestB06_OneChallengeSucceedsOnce(t *testing.T) {
	r := newRig(t, nil, raised)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	c, err := r.BeginVerify(t.Context(), s, totpOnce)
	require.NoError(t, err)
	errs := parallel(64, func(int) error {
		return untilJudged(func() error {
			_, err := r.FinishVerify(t.Context(), s, c.ID, p.code(t, r.clock.now()))
			return err
		})
	})
	right, _ := tally(t, errs)
	assert.Equal(t, 1, right)
}

func TestD11_ConfirmingEnrolsOnceAndSpendsTheCode(t *testing.T) {
	r := newRig(t, nil, raised)
	s := r.signIn(t, "anna")
	c, err := r.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	p := newPhone(t, c.Prompt)
	code := p.code(t, r.clock.now())
	errs := parallel(64, func(int) error {
		return untilJudged(func() error { _, _, err := r.FinishEnroll(t.Context(), s, c.ID, code); return err })
	})
	right, _ := tally(t, filterStepUp(errs))
	assert.Equal(t, 1, right)
	creds, err := r.Credentials(t.Context(), "anna")
	require.NoError(t, err)
	assert.Len(t, creds, 1)
	_, err = r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, code)
	require.ErrorIs(t, err, mfa.ErrRejected, "the confirming code is spent")
}

// filterStepUp reads the refusal of a session that the winner's enrolment has
// lowered as a rejection.
func filterStepUp(errs []error) []error {
	for i, err := range errs {
		if _, ok := errors.AsType[*mfa.StepUpError](err); ok {
			errs[i] = mfa.ErrRejected
		}
	}
	return errs
}

func TestE03_OneRecoveryCodeSucceedsOnce(t *testing.T) {
	r := newRig(t, nil, raised)
	_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	codes := r.enrollCodes(t, aal2)
	s := r.signIn(t, "anna")
	errs := parallel(64, func(int) error {
		return untilJudged(func() error {
			_, err := r.Verify(t.Context(), s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[3]))
			return err
		})
	})
	right, rejected := tally(t, errs)
	assert.Equal(t, 1, right)
	assert.Equal(t, 63, rejected)
}

func TestE04_DifferentCodesInParallelAreAllSpent(t *testing.T) {
	r := newRig(t, nil, raised)
	_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	codes := r.enrollCodes(t, aal2)
	s := r.signIn(t, "anna")
	errs := parallel(10*len(codes), func(i int) error {
		return untilJudged(func() error {
			_, err := r.Verify(t.Context(), s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[i%len(codes)]))
			return err
		})
	})
	right, _ := tally(t, errs)
	assert.Equal(t, len(codes), right)
	infos, err := r.Credentials(t.Context(), "anna")
	require.NoError(t, err)
	for _, info := range infos {
		if info.Method == "lookup_secret" {
			assert.EqualValues(t, 0, info.Details["left"])
		}
	}
}

func TestE06_TwoNewSetsLeaveOne(t *testing.T) {
	r := newRig(t, nil, raised)
	_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	for range 10 {
		begin := func() *mfa.Ceremony {
			c, err := r.BeginEnroll(t.Context(), aal2, mfa.EnrollOptions{Method: "lookup_secret"})
			require.NoError(t, err)
			return c
		}
		cs := []*mfa.Ceremony{begin(), begin()}
		errs := parallel(2, func(i int) error {
			_, _, err := r.FinishEnroll(t.Context(), aal2, cs[i].ID, []byte("saved"))
			return err
		})
		right, _ := tally(t, errs)
		assert.GreaterOrEqual(t, right, 1)
		infos, err := r.Credentials(t.Context(), "anna")
		require.NoError(t, err)
		sets := 0
		for _, info := range infos {
			if info.Method == "lookup_secret" {
				sets++
				assert.EqualValues(t, 12, info.Details["left"])
			}
		}
		assert.Equal(t, 1, sets)
		r.clock.add(time.Second)
	}
}
