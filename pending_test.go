package mfa_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// What a pending session may do is judged at Begin and at Finish.
func TestPendingMayVerifyOrEnrolTheFirstAndNothingElse(t *testing.T) {
	ctx := t.Context()
	t.Run("verify", func(t *testing.T) {
		kit := mfatest.New(t, nil)
		app, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
		s := kit.VerifyTOTP(t, kit.SignedIn(t, "alice"), app)
		assert.False(t, s.Pending)
		require.NoError(t, kit.Manager.Allow(ctx, s, mfa.Requirement{AAL: mfa.AAL2}))
	})
	t.Run("enrol if nothing is available", func(t *testing.T) {
		kit := mfatest.New(t, mandatory)
		s := kit.SignedIn(t, "alice")
		require.True(t, s.Pending)
		e := stepUpOf(t, kit.Manager.Allow(ctx, s, mfa.Requirement{AAL: mfa.AAL1}))
		assert.Equal(t, mfa.MissingEnrollment, e.Missing)
		_, s = kit.EnrollKey(t, s)
		assert.False(t, s.Pending)
		assert.Equal(t, mfa.AAL2, levelOf(t, kit, s))
	})
	t.Run("not enrol beside another", func(t *testing.T) {
		kit := mfatest.New(t, nil)
		kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
		_, err := kit.Manager.BeginEnroll(ctx, kit.SignedIn(t, "alice"), mfa.EnrollOptions{Method: "webauthn"})
		assert.Equal(t, []string{"totp"}, stepUpOf(t, err).Methods)
	})
	t.Run("not finish what has become another", func(t *testing.T) {
		kit := mfatest.New(t, mandatory)
		a, b := kit.SignedIn(t, "alice"), kit.SignedIn(t, "alice")
		c, err := kit.Manager.BeginEnroll(ctx, a, mfa.EnrollOptions{Method: "totp"})
		require.NoError(t, err)
		kit.EnrollKey(t, b)
		_, _, err = kit.Manager.FinishEnroll(ctx, a, c.ID, []byte(mfatest.NewTOTP(t, c.Prompt).Code(kit.Clock.Now())))
		require.ErrorIs(t, err, mfa.ErrRejected, "the set of credentials has changed")
		infos, err := kit.Manager.Credentials(ctx, "alice")
		require.NoError(t, err)
		assert.Len(t, infos, 1)
	})
	t.Run("not enrol while a contact is available, at Begin and at Finish", func(t *testing.T) {
		mail := &inbox{method: "email", contact: true}
		kit := mfatest.New(t, withInbox(mail))
		s := kit.SignedIn(t, "alice")
		require.True(t, s.Pending)
		_, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
		assert.Equal(t, []string{"email"}, stepUpOf(t, err).Methods)

		reachable := false
		kit = mfatest.New(t, func(c *mfa.Config) {
			mandatory(c)
			withInbox(mail)(c)
			user := c.User
			c.User = func(ctx context.Context, id string) (mfa.User, error) {
				u, err := user(ctx, id)
				if !reachable {
					u.Email = ""
				}
				return u, err
			}
		})
		s = kit.SignedIn(t, "alice")
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
		require.NoError(t, err)
		reachable = true
		_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(mfatest.NewTOTP(t, c.Prompt).Code(kit.Clock.Now())))
		assert.Equal(t, []string{"email"}, stepUpOf(t, err).Methods)
	})
	t.Run("not enrol beside another, however little managing takes", func(t *testing.T) {
		kit := mfatest.New(t, func(c *mfa.Config) { c.Privileged = mfa.Requirement{AAL: mfa.AAL1} })
		kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
		_, err := kit.Manager.BeginEnroll(ctx, kit.SignedIn(t, "alice"), mfa.EnrollOptions{Method: "webauthn"})
		assert.Equal(t, []string{"totp"}, stepUpOf(t, err).Methods)
	})
	t.Run("not enrol with a stale first factor", func(t *testing.T) {
		kit := mfatest.New(t, mandatory)
		s := kit.SignedIn(t, "alice")
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
		require.NoError(t, err)
		kit.Clock.Advance(9 * 60 * 1e9)
		s2, err := kit.Manager.Start(ctx, mfa.State{}, "alice", mfa.Password())
		require.NoError(t, err)
		kit.Clock.Advance(7 * 60 * 1e9)
		_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
		assert.Equal(t, mfa.MissingFirstFactor, stepUpOf(t, err).Missing)
		_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte("000000"))
		require.Error(t, err)
		_, err = kit.Manager.BeginEnroll(ctx, s2, mfa.EnrollOptions{Method: "totp"})
		require.NoError(t, err)
	})
	t.Run("never manage", func(t *testing.T) {
		kit := mfatest.New(t, func(c *mfa.Config) { c.Retired = []string{"sms"} })
		app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
		pending := kit.SignedIn(t, "alice")
		require.True(t, pending.Pending)
		for _, id := range []string{app.CredentialID, "nope"} {
			stepUpOf(t, kit.Manager.Rename(ctx, pending, id, "mine"))
			_, err := kit.Manager.Remove(ctx, pending, id)
			stepUpOf(t, err)
		}
		// Nor when what kept it pending has gone: that takes another sign-in.
		require.NoError(t, kit.Manager.AdminReset(ctx, "root", "alice", "lost"))
		require.NoError(t, kit.Store.CreateCredential(ctx, mfa.Credential{ID: "old", UserID: "alice", Method: "sms", Key: "old", Version: 1}))
		e := stepUpOf(t, kit.Manager.Rename(ctx, pending, "old", "mine"))
		assert.Equal(t, mfa.MissingFirstFactor, e.Missing)
		_, err := kit.Manager.Remove(ctx, pending, "old")
		stepUpOf(t, err)
		for _, q := range []mfa.Requirement{{}, {AAL: mfa.AAL1}} {
			stepUpOf(t, kit.Manager.Allow(ctx, pending, q))
		}
		_ = s
		again, err := kit.Manager.Start(ctx, pending, "alice", mfa.Password())
		require.NoError(t, err)
		assert.False(t, again.Pending)
	})
}
