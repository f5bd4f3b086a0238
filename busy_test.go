package mfa_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

// busyAt fails the n-th of its writes and reads as a database does that is
// busy.
type busyAt struct {
	mfa.Store
	n *int
}

func (s busyAt) err() error {
	if *s.n--; *s.n == 0 {
		return fmt.Errorf("driver: deadlock: %w", mfa.ErrBusy)
	}
	return nil
}

func (s busyAt) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Store.Credentials(ctx, userID)
}

func (s busyAt) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.CreateCredential(ctx, c)
}

func (s busyAt) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.DeleteCredential(ctx, userID, id, prev)
}

func (s busyAt) Record(ctx context.Context, key string) (mfa.Record, error) {
	if err := s.err(); err != nil {
		return mfa.Record{}, err
	}
	return s.Store.Record(ctx, key)
}

func (s busyAt) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.UpdateCredential(ctx, c, prev)
}

func (s busyAt) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.PutRecord(ctx, r, prev)
}

func (s busyAt) DeleteRecord(ctx context.Context, key string, prev int64) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.DeleteRecord(ctx, key, prev)
}

// Whichever statement of a verification the database is too busy for, until the
// answer is spent, the client is told to try again, and never that the code was
// wrong.
func TestP05_BusyIsTryAgainAndNoVerdict(t *testing.T) {
	statements := 0
	for n := 1; ; n++ {
		at := 0
		r := newRig(t, busyAt{memory.New(), &at})
		phone, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
		s := r.signIn(t, "anna")
		at = n
		code := phone.code(t, r.clock.now())
		next, err := r.Verify(t.Context(), s, totpOnce, code)
		if err == nil && at > 0 {
			break // that was all
		}
		statements++
		if n == 4 {
			require.NoError(t, err, "settling is tried again: the answer is spent")
			continue
		}
		require.ErrorIs(t, err, mfa.ErrBusy, "statement %d", n)
		require.NotErrorIs(t, err, mfa.ErrRejected)
		assert.Empty(t, next.Methods)
		p := mfa.ProblemFor(err)
		assert.Equal(t, http.StatusServiceUnavailable, p.Status)
		assert.Equal(t, "unavailable", p.Code)
		assert.Equal(t, 1, p.RetryAfter)
	}
	assert.Equal(t, 4, statements, "read, reserve, spend, settle")
}

// What a store wraps besides ErrBusy stays hidden: its conflict or its "not
// found" would be read as a verdict.
func TestP05_BusyCarriesNoOtherSentinel(t *testing.T) {
	r := newRig(t, lying{memory.New()})
	_, err := r.Verify(t.Context(), mfa.State{ID: "session", UserID: "anna", Methods: []mfa.Method{mfa.Password()}}, totpOnce, []byte("123456"))
	require.ErrorIs(t, err, mfa.ErrBusy)
	for _, verdict := range []error{mfa.ErrRejected, mfa.ErrNotFound, mfa.ErrNoSession, mfa.ErrNotEnrolled} {
		require.NotErrorIs(t, err, verdict)
	}
}

type lying struct{ mfa.Store }

func (lying) Credentials(context.Context, string) ([]mfa.Credential, error) {
	return nil, fmt.Errorf("%w, %w, %w, %w, %w", mfa.ErrBusy, mfa.ErrRejected, mfa.ErrNotFound, mfa.ErrNoSession, mfa.ErrNotEnrolled)
}

// P05: a store that is busy while an attempt is settled is asked again. A right
// answer would otherwise count as wrong.
func TestP05_SettlingWaitsForABusyStore(t *testing.T) {
	busy := &faulty{Store: memory.New(), n: -1, then: func() error { return fmt.Errorf("%w: locked", mfa.ErrBusy) }}
	r := newRig(t, busy)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	for range 10 {
		r.clock.add(time.Minute)
		s := r.signIn(t, "anna")
		busy.calls.Store(0)
		busy.n = 4 // read, reserve, spend, settle
		_, err := r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
		require.Equal(t, int64(6), busy.calls.Load(), "and read and settle again")
		busy.n = -1
		require.NoError(t, err)
	}
}

// P05: whatever statement the database was too busy for, an answer that is given
// again because the client was told to try again is accepted.
func TestP05_TryingAgainWorks(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, r *rig) (answer func() error){
		"a code by a ceremony": func(t *testing.T, r *rig) func() error {
			phone, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
			s := r.signIn(t, "anna")
			c, err := r.BeginVerify(t.Context(), s, totpOnce)
			require.NoError(t, err)
			return func() error {
				_, err := r.FinishVerify(t.Context(), s, c.ID, phone.code(t, r.clock.now()))
				return err
			}
		},
		"a recovery code": func(t *testing.T, r *rig) func() error {
			_, s := r.enrollTOTP(t, r.signIn(t, "anna"))
			codes := r.enrollCodes(t, s)
			s = r.signIn(t, "anna")
			return func() error {
				_, err := r.Verify(t.Context(), s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[0]))
				return err
			}
		},
		"an enrolment": func(t *testing.T, r *rig) func() error {
			s := r.signIn(t, "anna")
			c, err := r.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
			require.NoError(t, err)
			phone := newPhone(t, c.Prompt)
			return func() error {
				_, _, err := r.FinishEnroll(t.Context(), s, c.ID, phone.code(t, r.clock.now()))
				return err
			}
		},
		"new recovery codes": func(t *testing.T, r *rig) func() error {
			_, s := r.enrollTOTP(t, r.signIn(t, "anna"))
			r.enrollCodes(t, s)
			c, err := r.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "lookup_secret"})
			require.NoError(t, err)
			return func() error {
				_, _, err := r.FinishEnroll(t.Context(), s, c.ID, []byte("saved"))
				return err
			}
		},
	} {
		for n := 1; ; n++ {
			at := 0
			r := newRig(t, busyAt{memory.New(), &at})
			answer := do(t, r)
			at = n
			err := answer()
			if at > 0 {
				require.NoError(t, err)
				require.Greater(t, n, 4, name)
				break
			}
			if err != nil {
				require.ErrorIs(t, err, mfa.ErrBusy, "%s, statement %d", name, n)
				require.NoError(t, answer(), "%s, statement %d", name, n)
			}
		}
	}
}
