package mfa_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
)

// What near exhaustion means is the factor's to say; that the app is told, and
// how many are left, is the Manager's.
func TestE08_UsesAndLowCodesAreTold(t *testing.T) {
	kit := mfatest.New(t, nil)
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	codes, _ := kit.EnrollCodes(t, s)
	kit.Events.Reset()
	for i, code := range codes[:10] {
		session := kit.SignedIn(t, "alice")
		kit.VerifyCode(t, session, code)
		verified := kit.Events.Of(mfa.EventVerified)
		require.Len(t, verified, i+1, "each use is told")
		assert.Equal(t, "lookup_secret", verified[i].Method)
		if i < 8 {
			assert.Empty(t, kit.Events.Of(mfa.EventLowCodes), "%d left", 11-i)
			continue
		}
		low := kit.Events.Of(mfa.EventLowCodes)
		require.Len(t, low, i-7)
		told := low[len(low)-1]
		assert.Equal(t, []string{"3 of 12 codes left", "2 of 12 codes left"}[i-8], told.Reason)
		assert.Equal(t, "alice", told.UserID)
		assert.Equal(t, session.ID, told.SessionID)
		assert.Equal(t, verified[i].CredentialID, told.CredentialID)
		assert.Equal(t, kit.Clock.Now(), told.Time)
	}
}

// What an operator and the user's notices are told of the life of a factor.
func TestChangesOfFactorsAreTold(t *testing.T) {
	var store *faultstore.Store
	kit := mfatest.New(t, func(c *mfa.Config) {
		store = faultstore.New(c.Store.(faultstore.Inner))
		c.Store = store
	})
	ctx := t.Context()
	told := func(kind mfa.EventKind, about string) mfa.Event {
		t.Helper()
		of := kit.Events.Of(kind)
		require.Len(t, of, 1, kind)
		assert.Equal(t, "alice", of[0].UserID)
		assert.Equal(t, about, of[0].CredentialID)
		kit.Events.Reset()
		return of[0]
	}
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	assert.Equal(t, "totp", told(mfa.EventEnrolled, app.CredentialID).Method)

	require.NoError(t, kit.Manager.Rename(ctx, s, app.CredentialID, "the new phone"))
	assert.Equal(t, s.ID, told(mfa.EventRenamed, app.CredentialID).SessionID)

	store.On(func(c faultstore.Call) faultstore.Fault {
		if c.Op == "UpdateCredential" {
			return faultstore.Before
		}
		return faultstore.None
	})
	kit.Clock.Advance(app.Period())
	_, err := kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "totp", Refresh: true}, []byte(app.Code(kit.Clock.Now())))
	require.Equal(t, 503, mfa.ProblemFor(err).Status)
	store.Heal()
	fault := kit.Events.Of(mfa.EventFault)
	require.Len(t, fault, 1)
	assert.Equal(t, mfa.OutcomeFault, fault[0].Outcome)
	kit.Events.Reset()

	s, err = kit.Manager.Remove(ctx, s, app.CredentialID)
	require.NoError(t, err)
	removed := told(mfa.EventRemoved, app.CredentialID)
	assert.Equal(t, s.ID, removed.SessionID)
	assert.Equal(t, mfa.OutcomeSuccess, removed.Outcome)

	require.NoError(t, kit.Manager.Forget(ctx, "alice"))
	told(mfa.EventForgotten, "")
}

// A set of recovery codes raised a session; without the set it did not.
func TestA13_RemovingTheCodesLowersWhoUsedThem(t *testing.T) {
	for _, by := range []string{"user", "admin"} {
		t.Run(by, func(t *testing.T) {
			kit := mfatest.New(t, nil)
			_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
			codes, s := kit.EnrollCodes(t, s)
			recovered := kit.VerifyCode(t, kit.SignedIn(t, "alice"), codes[0])
			require.Equal(t, mfa.AAL2, levelOf(t, kit, recovered))
			kit.Clock.Advance(time.Second)
			infos, err := kit.Manager.Credentials(t.Context(), "alice")
			require.NoError(t, err)
			at := slices.IndexFunc(infos, func(c mfa.CredentialInfo) bool { return c.Method == "lookup_secret" })
			if by == "user" {
				_, err = kit.Manager.Remove(t.Context(), s, infos[at].ID)
			} else {
				err = kit.Manager.AdminReset(t.Context(), "root", "alice", "they leaked", "lookup_secret")
			}
			require.NoError(t, err)
			assert.Equal(t, mfa.AAL1, levelOf(t, kit, recovered))
			assert.Equal(t, 401, answer(t, kit.Manager.RequireAAL(mfa.AAL2)(&counted{}), kit.Request(t, "GET", "/", recovered)).Code)
			assert.Equal(t, mfa.AAL2, levelOf(t, kit, s), "who used the authenticator stays")
		})
	}
}

func TestEventsNameTheClientAndNoSecret(t *testing.T) {
	var log bytes.Buffer
	kit := mfatest.New(t, func(c *mfa.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		c.OnEvent = func(context.Context, mfa.Event) { panic("sink") }
	})
	app, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	for client, r := range map[string]func() context.Context{
		"192.0.2.1":    func() context.Context { return t.Context() },
		"198.51.100.7": func() context.Context { return mfa.WithClient(t.Context(), "198.51.100.7") },
	} {
		kit.Events.Reset()
		request := httptest.NewRequestWithContext(r(), "POST", "/login", nil)
		request.Header.Set("X-Forwarded-For", "203.0.113.9")
		_, err := kit.Manager.SignIn(httptest.NewRecorder(), request, "alice", mfa.Password())
		require.NoError(t, err, "a panic of the sink changes nothing")
		require.Len(t, kit.Events.All(), 1)
		assert.Equal(t, client, kit.Events.All()[0].Client)
	}
	code := app.Wrong(kit.Clock.Now())
	_, err := kit.Manager.Verify(t.Context(), kit.SignedIn(t, "alice"), mfa.VerifyOptions{Method: "totp"}, []byte(code))
	require.ErrorIs(t, err, mfa.ErrRejected)
	require.EqualError(t, err, "mfa: rejected", "no reason reaches the caller")
	assert.Contains(t, log.String(), `"outcome":"rejected"`)
	assert.Contains(t, log.String(), "OnEvent panicked")
	assert.NotContains(t, log.String(), code)
	assert.NotContains(t, log.String(), "203.0.113.9")
}

// L06: notices can go to an address that is not the user's any more, and logs
// do not name it.
func TestL06_EventsNameTheAddress(t *testing.T) {
	mail := &inbox{method: "email"}
	var logged bytes.Buffer
	k := mfatest.New(t, func(c *mfa.Config) {
		withInbox(mail)(c)
		c.Logger = slog.New(slog.NewJSONHandler(&logged, nil))
	})
	ctx := t.Context()
	last := func() mfa.Event { all := k.Events.All(); return all[len(all)-1] }
	info, s := enrollInbox(t, k, mail, k.SignedIn(t, "alice"), "Old@example.test")
	added := k.Events.All()[slices.IndexFunc(k.Events.All(), func(e mfa.Event) bool { return e.Kind == mfa.EventEnrolled })]
	assert.Equal(t, "email:old@example.test", added.Channel)
	assert.Equal(t, info.Name, added.Name)
	_, err := k.Manager.Remove(ctx, s, info.ID)
	require.NoError(t, err)
	assert.Equal(t, mfa.EventRemoved, last().Kind)
	assert.Equal(t, "email:old@example.test", last().Channel)

	enrollInbox(t, k, mail, k.SignedIn(t, "bob"), "old@example.test")
	require.NoError(t, k.Manager.AdminReset(ctx, "admin", "bob", "lost"))
	reset := k.Events.All()[slices.IndexFunc(k.Events.All(), func(e mfa.Event) bool { return e.Kind == mfa.EventReset })]
	assert.Equal(t, "email:old@example.test", reset.Channel)

	require.NoError(t, k.Manager.ContactChanged(ctx, "alice", factor.EmailChannel("Old@example.test")))
	assert.Equal(t, mfa.EventContactChanged, last().Kind)
	assert.Equal(t, "email:old@example.test", last().Channel)
	require.ErrorIs(t, k.Manager.ContactChanged(ctx, "", "x"), mfa.ErrInvalid)
	assert.NotContains(t, strings.ToLower(logged.String()), "old@example.test")
}
