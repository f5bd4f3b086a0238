package mfa_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
)

// swept is a call of the Manager that is made to fail at each of its calls of
// the store.
type swept struct {
	config  func(*mfa.Config)
	once    bool // what the call spends can be spent once
	enrols  bool // an error leaves nothing behind, unless the process died of it
	prepare func(t *testing.T, k *mfatest.Kit) sweptCall
}

type sweptCall struct {
	do func(ctx context.Context) (mfa.State, error)
	// after judges what is stored once the store is sound again: done says
	// whether do, or its repetition, succeeded.
	after func(done bool)
}

func stored(t *testing.T, k *mfatest.Kit) []mfa.CredentialInfo {
	t.Helper()
	infos, err := k.Manager.Credentials(t.Context(), "alice")
	require.NoError(t, err)
	return infos
}

// sweptFlows are the flows of every factor and of management. A flow that
// spends nothing can be repeated and then succeeds.
func sweptFlows() map[string]swept {
	enrolKey := func(t *testing.T, k *mfatest.Kit, s mfa.State, had int) sweptCall {
		c, err := k.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		key := mfatest.NewAuthenticator(k.RPID, k.Origin)
		response := key.Register(t, c.Prompt)
		return sweptCall{
			do: func(ctx context.Context) (mfa.State, error) {
				_, next, err := k.Manager.FinishEnroll(ctx, s, c.ID, response)
				return next, err
			},
			after: func(done bool) {
				infos := stored(t, k)
				if done {
					require.Len(t, infos, had+1)
				}
				if len(infos) > had { // then it is a whole one
					k.VerifyKey(t, k.SignedIn(t, "alice"), key)
				} else if had == 0 {
					k.EnrollKey(t, k.SignedIn(t, "alice"))
				}
			},
		}
	}
	return map[string]swept{
		"begin an enrolment": {prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			s := k.SignedIn(t, "alice")
			return sweptCall{func(ctx context.Context) (mfa.State, error) {
				_, err := k.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
				return mfa.State{}, err
			}, func(bool) {
				require.Empty(t, stored(t, k))
				k.EnrollKey(t, s)
			}}
		}},
		"enrol a first key": {once: true, enrols: true, prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			return enrolKey(t, k, k.SignedIn(t, "alice"), 0)
		}},
		"enrol another key": {once: true, enrols: true, prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			_, s := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
			return enrolKey(t, k, s, 1)
		}},
		"enrol an authenticator": {once: true, enrols: true, prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			s := k.SignedIn(t, "alice")
			c, err := k.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
			require.NoError(t, err)
			app := mfatest.NewTOTP(t, c.Prompt)
			code := []byte(app.Code(k.Clock.Now()))
			return sweptCall{func(ctx context.Context) (mfa.State, error) {
				_, next, err := k.Manager.FinishEnroll(ctx, s, c.ID, code)
				return next, err
			}, func(done bool) {
				infos := stored(t, k)
				require.LessOrEqual(t, len(infos), 1)
				if done {
					require.Len(t, infos, 1)
				}
				k.Clock.Advance(app.Period())
				if len(infos) == 1 {
					k.VerifyTOTP(t, k.SignedIn(t, "alice"), app)
				} else {
					k.EnrollTOTP(t, k.SignedIn(t, "alice"))
				}
			}}
		}},
		"begin a verification": {prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			key, _ := k.EnrollKey(t, k.SignedIn(t, "alice"))
			s := k.SignedIn(t, "alice")
			return sweptCall{func(ctx context.Context) (mfa.State, error) {
				_, err := k.Manager.BeginVerify(ctx, s, byKey)
				return mfa.State{}, err
			}, func(bool) { k.VerifyKey(t, s, key) }}
		}},
		"verify a key": {once: true, prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			key, _ := k.EnrollKey(t, k.SignedIn(t, "alice"))
			s := k.SignedIn(t, "alice")
			c, err := k.Manager.BeginVerify(t.Context(), s, byKey)
			require.NoError(t, err)
			answer := key.Assert(t, c.Prompt)
			return sweptCall{
				func(ctx context.Context) (mfa.State, error) { return k.Manager.FinishVerify(ctx, s, c.ID, answer) },
				func(bool) { k.VerifyKey(t, k.SignedIn(t, "alice"), key) },
			}
		}},
		"verify a code of an authenticator": {once: true, prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			app, _ := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
			k.Clock.Advance(app.Period())
			s, code := k.SignedIn(t, "alice"), []byte(app.Code(k.Clock.Now()))
			return sweptCall{
				func(ctx context.Context) (mfa.State, error) { return k.Manager.Verify(ctx, s, totpOnce, code) },
				func(bool) {
					k.Clock.Advance(app.Period())
					k.VerifyTOTP(t, k.SignedIn(t, "alice"), app)
				},
			}
		}},
		"verify a recovery code": {once: true, prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			_, s := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
			codes, _ := k.EnrollCodes(t, s)
			s = k.SignedIn(t, "alice")
			return sweptCall{func(ctx context.Context) (mfa.State, error) {
				return k.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[0]))
			}, func(bool) { k.VerifyCode(t, k.SignedIn(t, "alice"), codes[1]) }}
		}},
		"rename": {prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			key, s := k.EnrollKey(t, k.SignedIn(t, "alice"))
			return sweptCall{func(ctx context.Context) (mfa.State, error) {
				return mfa.State{}, k.Manager.Rename(ctx, s, key.CredentialID, "another")
			}, func(bool) {
				require.Equal(t, "another", stored(t, k)[0].Name)
				k.VerifyKey(t, k.SignedIn(t, "alice"), key)
			}}
		}},
		"remove one of two that are mandatory": {config: mandatory, once: true, prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			app, s := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
			key, s := k.EnrollKey(t, s)
			return sweptCall{
				func(ctx context.Context) (mfa.State, error) {
					_, err := k.Manager.Remove(ctx, s, app.CredentialID)
					return mfa.State{}, err
				},
				func(bool) {
					require.Len(t, stored(t, k), 1)
					k.VerifyKey(t, k.SignedIn(t, "alice"), key)
				},
			}
		}},
		"reset by an admin": {prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			_, s := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
			k.EnrollCodes(t, s)
			k.EnrollKey(t, s)
			return sweptCall{func(ctx context.Context) (mfa.State, error) {
				return mfa.State{}, k.Manager.AdminReset(ctx, "root", "alice", "lost")
			}, func(bool) { require.Empty(t, stored(t, k)) }}
		}},
		"forget": {prepare: func(t *testing.T, k *mfatest.Kit) sweptCall {
			_, s := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
			k.EnrollCodes(t, s)
			return sweptCall{func(ctx context.Context) (mfa.State, error) {
				return mfa.State{}, k.Manager.Forget(ctx, "alice")
			}, func(bool) { require.Empty(t, stored(t, k)) }}
		}},
	}
}

// P02, P07, P19: whatever call of the store fails, and however, an error
// elevates nothing and is no verdict, nothing is spent twice, nothing is half
// enrolled, and the user can go on.
func TestP02_P07_EveryFaultInEveryFlow(t *testing.T) {
	for name, flow := range sweptFlows() {
		for _, fault := range faultstore.All {
			if fault == faultstore.Hang {
				continue // takes ten seconds each: TestP08 and TestQ04 have it
			}
			t.Run(fmt.Sprintf("%s, %v", name, fault), func(t *testing.T) {
				for n := 1; ; n++ {
					require.Less(t, n, 40)
					if !sweepOnce(t, flow, fault, n) {
						require.Greater(t, n, 1, "there were calls to fail")
						return
					}
				}
			})
		}
	}
}

// sweepOnce reports whether there was an n-th call.
func sweepOnce(t *testing.T, flow swept, fault faultstore.Fault, n int) bool {
	t.Helper()
	kit, store, _ := brokenKit(t, flow.config)
	call := flow.prepare(t, kit)
	kit.Clock.Advance(time.Second)
	had := len(stored(t, kit))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store.CancelWith(cancel)
	store.Fail(n, fault)
	var s mfa.State
	err := panicked(func() (err error) {
		s, err = call.do(ctx)
		return err
	})
	reached := store.Fired() > 0
	store.Heal()
	succeeded := 0
	if err == nil {
		succeeded++
	} else {
		assert.Empty(t, s.Methods, "call %d: an error comes with no elevated state", n)
		assert.NotErrorIs(t, err, mfa.ErrRejected, "call %d: a fault is no verdict", n)
		assert.NotErrorIs(t, err, mfa.ErrNotFound, "call %d: a fault is no verdict", n)
	}
	_, again := call.do(t.Context())
	if again == nil {
		succeeded++
	}
	if flow.once {
		assert.LessOrEqual(t, succeeded, 1, "call %d: spent twice", n)
		if again != nil {
			code := mfa.ProblemFor(again).Code
			assert.Contains(t, []string{"rejected", "not_found", "step_up_required"}, code, "call %d: %v", n, errors.Join(err, again))
		}
	} else {
		assert.NoError(t, again, "call %d: can be repeated", n)
	}
	if flow.enrols && succeeded == 0 && fault != faultstore.Panic && fault != faultstore.PanicAfter {
		assert.Len(t, stored(t, kit), had, "call %d: a credential that nobody was told of", n)
	}
	call.after(succeeded > 0)
	return reached
}
