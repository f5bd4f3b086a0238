package mfa_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
)

func TestE05_CodesWorkForTheirUserOnly(t *testing.T) {
	kit := mfatest.New(t, nil)
	users := []string{"a", "b", "007", "7", "A", "é", "e\u0301", "a ", "a\x00", "lookup_secret"}
	codes := map[string][]string{}
	for _, u := range users {
		_, s := kit.EnrollKey(t, kit.SignedIn(t, u))
		codes[u], _ = kit.EnrollCodes(t, s)
	}
	for _, u := range users {
		for _, owner := range users {
			if u == owner {
				continue
			}
			_, err := kit.Manager.Verify(t.Context(), kit.SignedIn(t, u), mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[owner][0]))
			require.ErrorIs(t, err, mfa.ErrRejected, "%q with a code of %q", u, owner)
		}
		kit.VerifyCode(t, kit.SignedIn(t, u), codes[u][0])
	}
}

func TestE10_RecoveryCodesGoWithTheLastRealFactor(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	key, s := kit.EnrollKey(t, s)
	codes, s := kit.EnrollCodes(t, s)
	s, err := kit.Manager.Remove(ctx, s, key.CredentialID)
	require.NoError(t, err)
	pending := kit.SignedIn(t, "alice")
	s, err = kit.Manager.Remove(ctx, s, app.CredentialID)
	require.NoError(t, err)
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Empty(t, infos)
	_, err = kit.Manager.Verify(ctx, pending, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[0]))
	require.ErrorIs(t, err, mfa.ErrNotEnrolled)
	assert.Equal(t, mfa.AAL1, levelOf(t, kit, s))
	assert.False(t, kit.SignedIn(t, "alice").Pending)

	// By an admin, naming only the real one.
	app, s = kit.EnrollTOTP(t, kit.SignedIn(t, "bob"))
	kit.EnrollCodes(t, s)
	require.NoError(t, kit.Manager.AdminReset(ctx, "root", "bob", "lost", "totp"))
	infos, err = kit.Manager.Credentials(ctx, "bob")
	require.NoError(t, err)
	assert.Empty(t, infos)
	_ = app
}

// Codes that are alone, as after a crash, are no second factor and unusable.
func TestE10_CodesAloneAreNoFactor(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	codes, _ := kit.EnrollCodes(t, s)
	creds, err := kit.Store.Credentials(ctx, "alice")
	require.NoError(t, err)
	for _, c := range creds {
		if c.ID == app.CredentialID {
			require.NoError(t, kit.Store.DeleteCredential(ctx, "alice", c.ID, c.Version))
		}
	}
	s = kit.SignedIn(t, "alice")
	assert.False(t, s.Pending)
	status, err := kit.Manager.Status(ctx, s)
	require.NoError(t, err)
	assert.Equal(t, mfa.AAL1, status.HighestAvailable)
	for _, m := range status.Methods {
		assert.False(t, m.Usable, m.Method)
	}
	for _, refresh := range []bool{false, true} {
		_, err = kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "lookup_secret", Refresh: refresh}, []byte(codes[0]))
		require.ErrorIs(t, err, mfa.ErrNotEnrolled)
	}
	assert.Equal(t, mfa.MissingEnrollment, stepUpOf(t, kit.Manager.Allow(ctx, s, mfa.Requirement{AAL: mfa.AAL2})).Missing)
}

func TestE07_CodesAreShownOnce(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "lookup_secret"})
	require.NoError(t, err)
	prompt, err := json.Marshal(c.Prompt)
	require.NoError(t, err)
	var shown struct {
		Codes []string `json:"codes"`
	}
	require.NoError(t, json.Unmarshal(prompt, &shown))
	require.Len(t, shown.Codes, 12)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", c, c.Prompt, *c), shown.Codes[0])

	_, err = kit.Manager.Resend(ctx, s, c.ID)
	require.ErrorIs(t, err, mfa.ErrNotFound, "nothing shows them again")
	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte("not saved"))
	require.ErrorIs(t, err, mfa.ErrRejected)
	info, s, err := kit.Manager.FinishEnroll(ctx, s, c.ID, []byte("saved"))
	require.NoError(t, err)
	assert.EqualValues(t, 12, info.Details["left"])
	_, err = kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "lookup_secret", Refresh: true}, []byte(shown.Codes[0]))
	require.NoError(t, err)

	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	status, err := kit.Manager.Status(ctx, s)
	require.NoError(t, err)
	creds, err := kit.Store.Credentials(ctx, "alice")
	require.NoError(t, err)
	everything, err := json.Marshal([]any{infos, status, creds, kit.Events.All(), s})
	require.NoError(t, err)
	for _, code := range shown.Codes {
		assert.NotContains(t, string(everything), code)
		assert.NotContains(t, string(everything), strings.ReplaceAll(code, "-", ""))
		assert.NotContains(t, string(everything), base64.StdEncoding.EncodeToString([]byte(code)))
	}

	// A new set takes the fresh proof of what the session has.
	kit.Clock.Advance(16 * time.Minute)
	_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "lookup_secret"})
	assert.Equal(t, mfa.MissingRecent, stepUpOf(t, err).Missing)
}

func TestE06_NewSetReplacesTheOldOneAtomically(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	kit.Clock.Advance(time.Second)
	old, s := kit.EnrollCodes(t, s)
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "lookup_secret"})
	require.NoError(t, err)
	s = kit.VerifyCode(t, s, old[0]) // still the old set
	_, s, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte("saved"))
	require.NoError(t, err, "using a code meanwhile does not end the enrolment")
	_, err = kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "lookup_secret", Refresh: true}, []byte(old[1]))
	require.ErrorIs(t, err, mfa.ErrRejected, "the old codes are dead at once")
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	require.Len(t, infos, 2)
	assert.EqualValues(t, 12, infos[1].Details["left"])
}

// Whatever call the process dies at, exactly one set is good.
func TestE06_CrashLeavesExactlyOneSet(t *testing.T) {
	for _, fault := range []faultstore.Fault{faultstore.Before, faultstore.After, faultstore.Panic, faultstore.PanicAfter} {
		for n, done := 1, false; !done; n++ {
			kit, store, _ := brokenKit(t, nil)
			ctx := t.Context()
			_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
			old, s := kit.EnrollCodes(t, s)
			c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "lookup_secret"})
			require.NoError(t, err)
			var prompt struct {
				Codes []string `json:"codes"`
			}
			raw, err := json.Marshal(c.Prompt)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(raw, &prompt))
			store.Fail(n, fault)
			err = panicked(func() error {
				_, _, err := kit.Manager.FinishEnroll(ctx, s, c.ID, []byte("saved"))
				return err
			})
			done = store.Fired() == 0
			store.Heal()
			require.Equal(t, done, err == nil, "%v at call %d", fault, n)
			good := 0
			for _, code := range []string{old[0], prompt.Codes[0]} {
				_, err := kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "lookup_secret", Refresh: true}, []byte(code))
				if err == nil {
					good++
				} else {
					require.ErrorIs(t, err, mfa.ErrRejected)
				}
			}
			assert.Equal(t, 1, good, "%v at call %d", fault, n)
			require.Less(t, n, 30)
		}
	}
}
