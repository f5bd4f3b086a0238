package mfa_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

var errBroken = errors.New("connection lost")

// faulty fails its n-th call, before or after its effect.
type faulty struct {
	mfa.Store
	n     int64
	after bool
	calls atomic.Int64
	then  func() error // what the failing call does; nil: errBroken
}

func (f *faulty) do(effect func() error) error {
	if f.calls.Add(1) != f.n {
		return effect()
	}
	if f.after {
		if err := effect(); err != nil {
			return err
		}
	}
	if f.then != nil {
		return f.then()
	}
	return errBroken
}

func (f *faulty) Credentials(ctx context.Context, user string) (cs []mfa.Credential, err error) {
	err = f.do(func() (err error) { cs, err = f.Store.Credentials(ctx, user); return err })
	return cs, err
}

func (f *faulty) CreateCredential(ctx context.Context, c mfa.Credential) error {
	return f.do(func() error { return f.Store.CreateCredential(ctx, c) })
}

func (f *faulty) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	return f.do(func() error { return f.Store.UpdateCredential(ctx, c, prev) })
}

func (f *faulty) DeleteCredential(ctx context.Context, user, id string, prev int64) error {
	return f.do(func() error { return f.Store.DeleteCredential(ctx, user, id, prev) })
}

func (f *faulty) Record(ctx context.Context, key string) (r mfa.Record, err error) {
	err = f.do(func() (err error) { r, err = f.Store.Record(ctx, key); return err })
	return r, err
}

func (f *faulty) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	return f.do(func() error { return f.Store.PutRecord(ctx, r, prev) })
}

func (f *faulty) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return f.do(func() error { return f.Store.DeleteRecord(ctx, key, prev) })
}

// flow is one operation that a store can break. prepare runs over the sound
// store; run over the faulty one, and may be repeated; check sees what is left.
type flow struct {
	name    string
	prepare func(t *testing.T, r *rig) func(r *rig) (mfa.State, error)
	check   func(t *testing.T, r *rig, succeeded int)
}

func flows() []flow {
	atMostOnce := func(t *testing.T, _ *rig, succeeded int) {
		t.Helper()
		assert.LessOrEqual(t, succeeded, 1, "one answer counts once")
	}
	return []flow{
		{"verify totp", func(t *testing.T, r *rig) func(*rig) (mfa.State, error) {
			p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
			s, code := r.signIn(t, "anna"), p.code(t, r.clock.now())
			return func(r *rig) (mfa.State, error) { return r.Verify(t.Context(), s, totpOnce, code) }
		}, atMostOnce},
		{"verify totp after failures", func(t *testing.T, r *rig) func(*rig) (mfa.State, error) {
			p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
			s, code := r.signIn(t, "anna"), p.code(t, r.clock.now())
			_, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), 1))
			require.ErrorIs(t, err, mfa.ErrRejected)
			return func(r *rig) (mfa.State, error) { return r.Verify(t.Context(), s, totpOnce, code) }
		}, atMostOnce},
		{"finish a totp challenge", func(t *testing.T, r *rig) func(*rig) (mfa.State, error) {
			p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
			s, code := r.signIn(t, "anna"), p.code(t, r.clock.now())
			c, err := r.BeginVerify(t.Context(), s, totpOnce)
			require.NoError(t, err)
			return func(r *rig) (mfa.State, error) { return r.FinishVerify(t.Context(), s, c.ID, code) }
		}, atMostOnce},
		{"verify a recovery code", func(t *testing.T, r *rig) func(*rig) (mfa.State, error) {
			_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
			codes := r.enrollCodes(t, aal2)
			s := r.signIn(t, "anna")
			return func(r *rig) (mfa.State, error) {
				return r.Verify(t.Context(), s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[0]))
			}
		}, atMostOnce},
		{"finish a totp enrolment", func(t *testing.T, r *rig) func(*rig) (mfa.State, error) {
			s := r.signIn(t, "anna")
			c, err := r.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
			require.NoError(t, err)
			code := newPhone(t, c.Prompt).code(t, r.clock.now())
			return func(r *rig) (mfa.State, error) {
				_, next, err := r.FinishEnroll(t.Context(), s, c.ID, code)
				return next, err
			}
		}, func(t *testing.T, r *rig, succeeded int) {
			t.Helper()
			atMostOnce(t, r, succeeded)
			infos, err := r.Credentials(t.Context(), "anna")
			require.NoError(t, err)
			assert.LessOrEqual(t, len(infos), 1)
			assert.GreaterOrEqual(t, len(infos), succeeded)
		}},
		{"replace the recovery codes", func(t *testing.T, r *rig) func(*rig) (mfa.State, error) {
			_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
			r.enrollCodes(t, aal2)
			c, err := r.BeginEnroll(t.Context(), aal2, mfa.EnrollOptions{Method: "lookup_secret"})
			require.NoError(t, err)
			return func(r *rig) (mfa.State, error) {
				_, next, err := r.FinishEnroll(t.Context(), aal2, c.ID, []byte("saved"))
				return next, err
			}
		}, func(t *testing.T, r *rig, _ int) {
			t.Helper()
			infos, err := r.Credentials(t.Context(), "anna")
			require.NoError(t, err)
			assert.Len(t, infos, 2, "exactly one set is there, and the authenticator")
		}},
		{"remove the last factor", func(t *testing.T, r *rig) func(*rig) (mfa.State, error) {
			_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
			r.enrollCodes(t, aal2)
			infos, err := r.Credentials(t.Context(), "anna")
			require.NoError(t, err)
			return func(r *rig) (mfa.State, error) { return r.Remove(t.Context(), aal2, infos[0].ID) }
		}, func(t *testing.T, r *rig, succeeded int) {
			t.Helper()
			infos, err := r.Credentials(t.Context(), "anna")
			require.NoError(t, err)
			if succeeded > 0 {
				assert.Empty(t, infos)
			}
			s := r.signIn(t, "anna")
			st, err := r.Status(t.Context(), s)
			require.NoError(t, err)
			for _, m := range st.Methods {
				if m.Recovery && len(infos) > 0 && infos[0].Method == "lookup_secret" {
					assert.False(t, m.Usable, "recovery codes are worth nothing alone")
				}
			}
		}},
		{"sign in", func(t *testing.T, r *rig) func(*rig) (mfa.State, error) {
			r.enrollTOTP(t, r.signIn(t, "anna"))
			return func(r *rig) (mfa.State, error) {
				return r.Start(t.Context(), mfa.State{}, "anna", mfa.Password())
			}
		}, func(t *testing.T, r *rig, _ int) {
			t.Helper()
			assert.True(t, r.signIn(t, "anna").Pending)
		}},
	}
}

func TestP02_EveryStoreCallMayFail(t *testing.T) {
	for _, f := range flows() {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after its effect %v", f.name, after), func(t *testing.T) {
				n := int64(1)
				for ; ; n++ {
					store := memory.New()
					sound := newRig(t, store)
					run := f.prepare(t, sound)
					broken := &faulty{Store: store, n: n, after: after}
					br := newRig(t, broken)
					br.clock.t = sound.clock.now()

					s, err := run(br)
					succeeded := 0
					if err == nil {
						succeeded++
					} else {
						assert.True(t, len(s.Methods) == 0 || s.Pending, "an error comes with no elevated state")
						assert.NotErrorIs(t, err, mfa.ErrRejected, "a fault is not a wrong answer (call %d)", n)
						assert.NotErrorIs(t, err, mfa.ErrNotFound)
					}
					reached := broken.calls.Load() >= n
					if _, err := run(sound); err == nil && f.name != "sign in" {
						succeeded++
					}
					f.check(t, sound, succeeded)
					if !reached {
						break
					}
				}
				assert.Greater(t, n, int64(1), "the sweep ends after the last call, so there were some")
			})
		}
	}
}

func TestP02_AFaultLosesNoFactor(t *testing.T) {
	// Whatever call fails, an answer that was not spent works again, and the
	// next code always does.
	for n := int64(1); n <= 6; n++ {
		store := memory.New()
		r := newRig(t, store)
		p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
		br := newRig(t, &faulty{Store: store, n: n})
		br.clock.t = r.clock.now()
		_, _ = br.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.code(t, r.clock.now()))
		r.clock.add(30 * time.Second)
		_, err := r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.code(t, r.clock.now()))
		require.NoError(t, err, "after a fault at call %d", n)
	}
}

func TestP07_CancelledRequest(t *testing.T) {
	for n := int64(1); n <= 5; n++ {
		t.Run(fmt.Sprintf("at call %d", n), func(t *testing.T) {
			store := memory.New()
			r := newRig(t, store)
			p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
			s, code := r.signIn(t, "anna"), p.code(t, r.clock.now())
			ctx, cancel := context.WithCancel(t.Context())
			br := newRig(t, &faulty{Store: store, n: n, after: true, then: func() error { cancel(); return nil }})
			br.clock.t = r.clock.now()
			state, err := br.Verify(ctx, s, totpOnce, code)
			_, again := r.Verify(t.Context(), s, totpOnce, code)
			if err != nil {
				assert.Empty(t, state.Methods)
				require.NoError(t, again, "cancelled before the code was spent: nothing is spent")
			} else {
				require.ErrorIs(t, again, mfa.ErrRejected, "the code was spent")
			}
		})
	}
}

func TestP08_HangingStoreEndsWithTheDeadline(t *testing.T) {
	store := memory.New()
	r := newRig(t, store)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	br := newRig(t, &faulty{Store: store, n: 1, then: func() error { <-ctx.Done(); return ctx.Err() }})
	_, err := br.Verify(ctx, s, totpOnce, p.code(t, r.clock.now()))
	require.Error(t, err)
	require.NotErrorIs(t, err, mfa.ErrRejected)
}

func TestP08_ACeremonyHasADeadlineOfItsOwn(t *testing.T) {
	store := memory.New()
	r := newRig(t, store)
	s := r.signIn(t, "anna")
	var left time.Duration
	br := newRig(t, &faulty{Store: deadlineStore{store, &left}, n: -1})
	_, err := br.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	assert.Positive(t, left)
	assert.LessOrEqual(t, left, 10*time.Second)
}

type deadlineStore struct {
	mfa.Store
	left *time.Duration
}

func (s deadlineStore) Credentials(ctx context.Context, user string) ([]mfa.Credential, error) {
	if d, ok := ctx.Deadline(); ok {
		*s.left = time.Until(d)
	}
	return s.Store.Credentials(ctx, user)
}

func TestP05_ConflictsWithoutEndAreThrottledNotRejected(t *testing.T) {
	store := memory.New()
	r := newRig(t, store)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	br := newRig(t, conflicting{store})
	br.clock.t = r.clock.now()
	_, err := br.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	assert.LessOrEqual(t, throttled(t, err), time.Second)
	_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	require.NoError(t, err, "nothing was spent and no attempt lost")
}

type conflicting struct{ mfa.Store }

func (conflicting) UpdateCredential(context.Context, mfa.Credential, int64) error {
	return mfa.ErrConflict
}
