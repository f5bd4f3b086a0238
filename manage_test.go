package mfa_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// managing are the operations that change what a user has enrolled.
var managing = map[string]func(*testing.T, *mfatest.Kit, mfa.State, string) error{
	"add": func(t *testing.T, k *mfatest.Kit, s mfa.State, _ string) error {
		_, err := k.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "webauthn"})
		return err
	},
	"regenerate codes": func(t *testing.T, k *mfatest.Kit, s mfa.State, _ string) error {
		_, err := k.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "lookup_secret"})
		return err
	},
	"rename": func(t *testing.T, k *mfatest.Kit, s mfa.State, id string) error {
		return k.Manager.Rename(t.Context(), s, id, "other")
	},
	"remove": func(t *testing.T, k *mfatest.Kit, s mfa.State, id string) error {
		_, err := k.Manager.Remove(t.Context(), s, id)
		return err
	},
}

func TestL01_ManagingNeedsFreshProofAtTheHighestLevel(t *testing.T) {
	for name, do := range managing {
		t.Run(name, func(t *testing.T) {
			kit := mfatest.New(t, neverPending)
			app, fresh := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
			kit.EnrollCodes(t, fresh)
			before, err := kit.Store.Credentials(t.Context(), "alice")
			require.NoError(t, err)
			unchanged := func() {
				t.Helper()
				now, err := kit.Store.Credentials(t.Context(), "alice")
				require.NoError(t, err)
				require.ElementsMatch(t, before, now)
			}

			e := stepUpOf(t, do(t, kit, kit.SignedIn(t, "alice"), app.CredentialID))
			assert.Equal(t, mfa.AAL1, e.Have)
			assert.Equal(t, mfa.AAL2, e.Want)
			assert.Equal(t, 15*time.Minute, e.MaxAge)
			unchanged()

			kit.Clock.Advance(15*time.Minute + time.Millisecond)
			e = stepUpOf(t, do(t, kit, fresh, app.CredentialID))
			assert.Equal(t, mfa.MissingRecent, e.Missing)
			assert.Equal(t, []string{"totp", "lookup_secret"}, e.Methods)
			unchanged()

			password, err := kit.Manager.Start(t.Context(), fresh, "alice", mfa.Password())
			require.NoError(t, err)
			stepUpOf(t, do(t, kit, password, app.CredentialID))
			unchanged()

			require.ErrorIs(t, do(t, kit, mfa.State{}, app.CredentialID), mfa.ErrNoSession)
			require.NoError(t, do(t, kit, kit.VerifyTOTP(t, password, app), app.CredentialID))
		})
	}
}

// The first factor is enrolled with a fresh first factor.
func TestL01_FirstEnrolmentNeedsAFreshFirstFactor(t *testing.T) {
	kit := mfatest.New(t, nil)
	s := kit.SignedIn(t, "alice")
	kit.Clock.Advance(15 * time.Minute)
	_, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	kit.Clock.Advance(time.Second)
	_, err = kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	e := stepUpOf(t, err)
	assert.Equal(t, mfa.MissingFirstFactor, e.Missing)
	assert.Equal(t, "/login", kit.Manager.Destination(err))
}

// The age is a setting; the level is capped at what the session can reach, so
// that somebody who has nothing can begin.
func TestPrivilegedIsCappedAtWhatIsAvailable(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.Privileged = mfa.Requirement{AAL: mfa.AAL2, MaxAge: time.Hour} })
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	kit.Clock.Advance(59 * time.Minute)
	require.NoError(t, kit.Manager.Rename(t.Context(), s, app.CredentialID, "x"))
	kit.Clock.Advance(2 * time.Minute)
	stepUpOf(t, kit.Manager.Rename(t.Context(), s, app.CredentialID, "y"))

	low := mfatest.New(t, func(c *mfa.Config) { neverPending(c); c.Privileged = mfa.Requirement{AAL: mfa.AAL1, MaxAge: -1} })
	app, _ = low.EnrollTOTP(t, low.SignedIn(t, "alice"))
	aal1 := low.SignedIn(t, "alice")
	low.Clock.Advance(1000 * time.Hour)
	require.NoError(t, low.Manager.Rename(t.Context(), aal1, app.CredentialID, "x"), "an app may ask for less, in so many words")
}

func TestL02_PasswordAloneRemovesNothing(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	codes, _ := kit.EnrollCodes(t, s)
	for range 3 { // again and again
		_, err := kit.Manager.Remove(ctx, kit.SignedIn(t, "alice"), app.CredentialID)
		stepUpOf(t, err)
	}
	s = kit.VerifyCode(t, kit.SignedIn(t, "alice"), codes[0])
	s, err := kit.Manager.Remove(ctx, s, app.CredentialID)
	require.NoError(t, err, "a recovery code does: that is what it is for")
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Empty(t, infos)
	assert.Equal(t, mfa.AAL1, levelOf(t, kit, s))
}

func TestL03_OthersCredentialsDoNotExist(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	alice := kit.SignedInAAL2(t, "alice")
	bob := kit.SignedInAAL2(t, "bob")
	before, err := kit.Store.Credentials(ctx, "bob")
	require.NoError(t, err)
	require.NoError(t, kit.Store.CreateCredential(ctx, mfa.Credential{ID: "dev", UserID: "alice", Method: "device", Key: "dev", Version: 1}))
	for _, id := range []string{before[0].ID, "", "nope", "dev", strings.ToLower(before[0].ID), before[0].ID + "\x00"} {
		require.ErrorIs(t, kit.Manager.Rename(ctx, alice, id, "mine"), mfa.ErrNotFound)
		_, err := kit.Manager.Remove(ctx, alice, id)
		require.ErrorIs(t, err, mfa.ErrNotFound)
		assert.Equal(t, 404, mfa.ProblemFor(err).Status)
	}
	after, err := kit.Store.Credentials(ctx, "bob")
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Equal(t, mfa.AAL2, levelOf(t, kit, bob))
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Len(t, infos, 1, "a trusted device is no factor")
}

func TestL04_MandatoryFactorStays(t *testing.T) {
	kit := mfatest.New(t, mandatory)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	kit.Clock.Advance(time.Second)
	kit.EnrollCodes(t, s)
	_, err := kit.Manager.Remove(ctx, s, app.CredentialID)
	require.ErrorIs(t, err, mfa.ErrConflict)
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Len(t, infos, 2, "and so do the recovery codes")
	s, err = kit.Manager.Remove(ctx, s, infos[1].ID)
	require.NoError(t, err, "codes may go")
	key, s := kit.EnrollKey(t, s)
	s, err = kit.Manager.Remove(ctx, s, app.CredentialID)
	require.NoError(t, err, "and so may one of two")
	_, err = kit.Manager.Remove(ctx, s, key.CredentialID)
	require.ErrorIs(t, err, mfa.ErrConflict)
	require.NoError(t, kit.Manager.AdminReset(ctx, "root", "alice", "lost everything"), "an admin may")
}

func TestL04_TwoRemovalsAtOnceLeaveOne(t *testing.T) {
	for range 50 {
		kit := mfatest.New(t, mandatory)
		ctx := t.Context()
		app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
		key, s := kit.EnrollKey(t, s)
		errs := make([]error, 2)
		atOnce(t, 2, func(i int) func() {
			id := []string{app.CredentialID, key.CredentialID}[i]
			return func() {
				// A lost race is "try again" until there is a verdict.
				for {
					_, errs[i] = kit.Manager.Remove(ctx, s, id)
					if _, again := errors.AsType[*mfa.ThrottledError](errs[i]); !again {
						return
					}
				}
			}
		})
		infos, err := kit.Manager.Credentials(ctx, "alice")
		require.NoError(t, err)
		require.Len(t, infos, 1)
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			require.ErrorIs(t, err, mfa.ErrConflict)
		}
		require.Equal(t, 1, won)
	}
}

func TestL05_ChangingFactorsVoidsWhatIsPending(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *mfatest.Kit, mfa.State, string){
		"remove": func(t *testing.T, k *mfatest.Kit, s mfa.State, id string) {
			_, err := k.Manager.Remove(t.Context(), s, id)
			require.NoError(t, err)
		},
		"add":   func(t *testing.T, k *mfatest.Kit, s mfa.State, _ string) { k.EnrollKey(t, s) },
		"codes": func(t *testing.T, k *mfatest.Kit, s mfa.State, _ string) { k.EnrollCodes(t, s) },
		"reset": func(t *testing.T, k *mfatest.Kit, _ mfa.State, _ string) {
			require.NoError(t, k.Manager.AdminReset(t.Context(), "root", "alice", "x", "totp"))
		},
	} {
		kit := mfatest.New(t, nil)
		ctx := t.Context()
		app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
		key, s := kit.EnrollKey(t, s)
		pending := kit.SignedIn(t, "alice")
		verify, err := kit.Manager.BeginVerify(ctx, pending, mfa.VerifyOptions{Method: "webauthn"})
		require.NoError(t, err)
		enrol, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
		require.NoError(t, err)
		change(t, kit, s, app.CredentialID)
		for range 2 {
			_, err = kit.Manager.FinishVerify(ctx, pending, verify.ID, key.Assert(t, verify.Prompt))
			require.ErrorIs(t, err, mfa.ErrRejected, name)
			_, _, err = kit.Manager.FinishEnroll(ctx, s, enrol.ID, []byte(mfatest.NewTOTP(t, enrol.Prompt).Code(kit.Clock.Now())))
			require.ErrorIs(t, err, mfa.ErrRejected, name)
		}
		kit.VerifyKey(t, kit.SignedIn(t, "alice"), key)
	}
}

// A rename, or a use, is no change of factors.
func TestL05_RenamingVoidsNothing(t *testing.T) {
	kit := mfatest.New(t, nil)
	key, s := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	pending := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginVerify(t.Context(), pending, mfa.VerifyOptions{Method: "webauthn"})
	require.NoError(t, err)
	require.NoError(t, kit.Manager.Rename(t.Context(), s, key.CredentialID, "other"))
	kit.VerifyKey(t, s, key)
	_, err = kit.Manager.FinishVerify(t.Context(), pending, c.ID, key.Assert(t, c.Prompt))
	require.NoError(t, err)
}

func TestL07_NothingEmptyClearsAFactor(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	codes, s := kit.EnrollCodes(t, s)
	for _, name := range []string{"", " ", "\n", strings.Repeat("x", 65), "a\tb", "\xc3"} {
		require.ErrorIs(t, kit.Manager.Rename(ctx, s, app.CredentialID, name), mfa.ErrInvalid, "%q", name)
	}
	_, err := kit.Manager.Remove(ctx, s, "")
	require.ErrorIs(t, err, mfa.ErrNotFound)
	for _, response := range [][]byte{nil, {}, []byte("null"), []byte(`""`), []byte("{}"), []byte("false"), []byte("unlink")} {
		for _, method := range []string{"totp", "lookup_secret", "webauthn"} {
			c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: method})
			require.NoError(t, err)
			_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, response)
			code := mfa.ProblemFor(err).Code
			require.Contains(t, []string{"rejected", "throttled"}, code, "%s %q: %v", method, response, err)
			require.NoError(t, kit.Manager.Unlock(ctx, "root", "alice", "test"))
		}
	}
	s = kit.VerifyTOTP(t, s, app)
	kit.VerifyCode(t, s, codes[0])
}

func TestL10_SeveralAuthenticatorsOfEachKind(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	app1, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	app2, s := kit.EnrollTOTP(t, s)
	key1, s := kit.EnrollKey(t, s)
	key2, s := kit.EnrollKey(t, s)
	fresh := func() mfa.State { return kit.SignedIn(t, "alice") }
	assert.Equal(t, app1.CredentialID, kit.VerifyTOTP(t, fresh(), app1).Methods[1].CredentialID)
	assert.Equal(t, app2.CredentialID, kit.VerifyTOTP(t, fresh(), app2).Methods[1].CredentialID)
	assert.Equal(t, key1.CredentialID, kit.VerifyKey(t, fresh(), key1).Methods[1].CredentialID)
	assert.Equal(t, key2.CredentialID, kit.VerifyKey(t, fresh(), key2).Methods[1].CredentialID)
	for i, id := range []string{app1.CredentialID, key2.CredentialID} {
		require.NoError(t, kit.Manager.Rename(ctx, s, id, fmt.Sprint("name ", i)))
	}
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	require.Len(t, infos, 4)
	for _, info := range infos {
		assert.NotNil(t, info.LastUsedAt)
		assert.NotEmpty(t, info.Details)
	}
	_, err = kit.Manager.Remove(ctx, s, app1.CredentialID)
	require.NoError(t, err)
	_, err = kit.Manager.Verify(ctx, fresh(), mfa.VerifyOptions{Method: "totp"}, []byte(app1.Code(kit.Clock.Advance(time.Minute))))
	require.ErrorIs(t, err, mfa.ErrRejected)
	kit.VerifyTOTP(t, fresh(), app2)
	kit.VerifyKey(t, fresh(), key1)
}

func TestP18_ForgottenUserStartsClean(t *testing.T) {
	kit, store, _ := brokenKit(t, nil)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	codes, _ := kit.EnrollCodes(t, s)
	key, s := kit.EnrollKey(t, s)
	_, bob := kit.EnrollTOTP(t, kit.SignedIn(t, "bob"))
	for range 5 {
		_, err := kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "totp", Refresh: true}, []byte(app.Wrong(kit.Clock.Now())))
		require.ErrorIs(t, err, mfa.ErrRejected)
		_, err = kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "lookup_secret", Refresh: true}, []byte("AAAA-AAAA-AAAA-AAAA"))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	_, err := kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "totp", Refresh: true}, []byte(app.Code(kit.Clock.Now())))
	require.Equal(t, 429, mfa.ProblemFor(err).Status)
	kept := map[string]bool{}
	for _, c := range store.Calls() {
		if strings.HasPrefix(c.Key, mfa.KeepPrefix) {
			kept[c.Key] = true
		}
	}
	require.NotEmpty(t, kept)

	require.NoError(t, kit.Manager.Forget(ctx, "alice"))
	require.NoError(t, kit.Manager.Forget(ctx, "alice"), "twice is no error")
	left := 0
	for name := range kept {
		if _, err := store.Inner.Record(ctx, name); err == nil {
			left++
		}
	}
	assert.Zero(t, left, "no counter is left")
	assert.Equal(t, mfa.AAL1, levelOf(t, kit, s), "an old session is worth its first factor")
	assert.Equal(t, mfa.AAL2, levelOf(t, kit, bob))

	again := kit.SignedIn(t, "alice")
	assert.False(t, again.Pending)
	status, err := kit.Manager.Status(ctx, again)
	require.NoError(t, err)
	for _, m := range status.Methods {
		assert.Zero(t, m.Enrolled)
	}
	fresh, again := kit.EnrollTOTP(t, again) // at once: nothing of the old budget is left
	newCodes, _ := kit.EnrollCodes(t, again)
	for _, c := range codes {
		_, err := kit.Manager.Verify(ctx, again, mfa.VerifyOptions{Method: "lookup_secret", Refresh: true}, []byte(c))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	kit.VerifyCode(t, again, newCodes[0])
	kit.VerifyTOTP(t, kit.SignedIn(t, "alice"), fresh)
	_ = key
}

func TestAdminResetSaysWhoAndWhy(t *testing.T) {
	kit := mfatest.New(t, nil)
	kit.SignedInAAL2(t, "alice")
	kit.Events.Reset()
	require.NoError(t, kit.Manager.AdminReset(t.Context(), "root", "alice", "lost phone"))
	require.Len(t, kit.Events.Of(mfa.EventReset), 1)
	require.Len(t, kit.Events.Of(mfa.EventUnlocked), 1)
	for _, ev := range kit.Events.All() {
		assert.Equal(t, "root", ev.Actor)
		assert.Equal(t, "lost phone", ev.Reason)
		assert.Equal(t, "alice", ev.UserID)
		assert.Equal(t, kit.Clock.Now(), ev.Time)
	}
}
