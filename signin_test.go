package mfa_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
)

func TestB03_PendingNamesWhoPassedTheFirstFactor(t *testing.T) {
	kit := mfatest.New(t, nil)
	appVictim, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "victim"))
	_, alice := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))

	// The user comes from SignIn, whatever the request says.
	r := httptest.NewRequest(http.MethodPost, "/login?user=victim&user_id=victim&login=victim", strings.NewReader("user_id=victim"))
	r.Header.Set("X-User", "victim")
	w := httptest.NewRecorder()
	status, err := kit.Manager.SignIn(w, r, "alice", mfa.Password())
	require.NoError(t, err)
	assert.Equal(t, "alice", status.UserID)
	assert.True(t, status.Pending)
	require.NotNil(t, status.SignIn)
	assert.Equal(t, []string{"totp"}, status.SignIn.Methods)

	// alice's session with the victim's code and ids acts on alice only.
	pending := kit.SignedIn(t, "alice")
	_, err = kit.Manager.Verify(t.Context(), pending, mfa.VerifyOptions{Method: "totp", Params: map[string]string{"user": "victim", "user_id": "victim"}},
		[]byte(appVictim.Code(kit.Clock.Advance(appVictim.Period()))))
	require.ErrorIs(t, err, mfa.ErrRejected)
	_, err = kit.Manager.Remove(t.Context(), alice, appVictim.CredentialID)
	require.ErrorIs(t, err, mfa.ErrNotFound)
	infos, err := kit.Manager.Credentials(t.Context(), "victim")
	require.NoError(t, err)
	assert.Len(t, infos, 1)
}

// A session of one user that signs in as another carries nothing over (B04).
func TestB04_AnotherUserStartsAnew(t *testing.T) {
	kit := mfatest.New(t, nil)
	alice := kit.SignedInAAL2(t, "alice")
	bob, err := kit.Manager.Start(t.Context(), alice, "bob", mfa.Password())
	require.NoError(t, err)
	assert.NotEqual(t, alice.ID, bob.ID)
	assert.Len(t, bob.Methods, 1)
	same, err := kit.Manager.Start(t.Context(), alice, "alice", mfa.Password())
	require.NoError(t, err)
	assert.Equal(t, alice.ID, same.ID)
	assert.Len(t, same.Methods, 3)
	assert.Len(t, alice.Methods, 2, "a state is a value")
}

func TestB05_CeremoniesAreBoundToUserSessionAndPurpose(t *testing.T) {
	kit, store, _ := brokenKit(t, neverPending)
	ctx := t.Context()
	m := kit.Manager
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	bobsApp, bob := kit.EnrollTOTP(t, kit.SignedIn(t, "bob"))
	_ = bobsApp
	kit.Clock.Advance(app.Period())
	code := []byte(app.Code(kit.Clock.Now()))
	other := kit.SignedIn(t, "alice")

	store.Heal()
	verify, err := m.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "totp", Refresh: true})
	require.NoError(t, err)
	assert.Len(t, verify.ID, 22, "128 bits")
	for _, c := range store.Calls() {
		if r, ok := c.Args.(mfa.Record); ok {
			assert.NotContains(t, r.Key, verify.ID, "a dump of the table shows no live id")
			assert.NotContains(t, string(r.Data), verify.ID)
		}
	}
	enrol, err := m.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	second := mfatest.NewTOTP(t, enrol.Prompt)
	secondCode := []byte(second.Code(kit.Clock.Now()))

	rejected := func(err error, why string) {
		t.Helper()
		require.ErrorIs(t, err, mfa.ErrRejected, why)
	}
	_, err = m.FinishVerify(ctx, other, verify.ID, code)
	rejected(err, "another session of the same user")
	_, err = m.FinishVerify(ctx, bob, verify.ID, code)
	rejected(err, "another user")
	sameID := bob
	sameID.ID = s.ID
	_, err = m.FinishVerify(ctx, sameID, verify.ID, code)
	rejected(err, "another user with the id of the session")
	_, _, err = m.FinishEnroll(ctx, s, verify.ID, code)
	rejected(err, "another purpose")
	_, err = m.FinishVerify(ctx, s, enrol.ID, secondCode)
	rejected(err, "another purpose")
	_, _, err = m.FinishEnroll(ctx, bob, enrol.ID, secondCode)
	rejected(err, "another user's enrolment")
	for _, id := range []string{
		"", "0", "1", "42", app.CredentialID, s.ID, s.UserID, strings.ToLower(verify.ID), verify.ID[:21], verify.ID + "A", verify.ID + "\x00",
		"ceremony/" + verify.ID, " " + verify.ID, strings.Repeat("A", 1<<16),
	} {
		_, err = m.FinishVerify(ctx, s, id, code)
		rejected(err, "id "+id[:min(len(id), 40)])
		_, _, err = m.FinishEnroll(ctx, s, id, secondCode)
		rejected(err, "id "+id[:min(len(id), 40)])
	}
	_, err = m.FinishVerify(ctx, mfa.State{}, verify.ID, code)
	require.ErrorIs(t, err, mfa.ErrNoSession)

	_, err = m.FinishVerify(ctx, s, verify.ID, code)
	require.NoError(t, err, "none of that has ended it")
	_, _, err = m.FinishEnroll(ctx, s, enrol.ID, secondCode)
	require.NoError(t, err)
	for _, ev := range kit.Events.All() {
		assert.NotContains(t, ev.Reason, verify.ID)
	}
}

func TestB07_CompletedStepIsWorthNothingAgain(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	app, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	key, _ := kit.EnrollKey(t, kit.VerifyTOTP(t, kit.SignedIn(t, "alice"), app))
	kit.Clock.Advance(app.Period())
	code := []byte(app.Code(kit.Clock.Now()))

	s := kit.SignedIn(t, "alice")
	_, err := kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "totp"}, code)
	require.NoError(t, err)
	for _, again := range []mfa.State{s, kit.SignedIn(t, "alice")} {
		_, err = kit.Manager.Verify(ctx, again, mfa.VerifyOptions{Method: "totp"}, code)
		require.ErrorIs(t, err, mfa.ErrRejected)
		require.NotErrorIs(t, err, mfa.ErrReplayed, "a client learns no more than that")
	}
	assert.Len(t, kit.Events.Of(mfa.EventRefused), 2)
	assert.Equal(t, mfa.OutcomeReplayed, kit.Events.Of(mfa.EventRefused)[0].Outcome)

	c, err := kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "webauthn"})
	require.NoError(t, err)
	response := key.Assert(t, c.Prompt)
	_, err = kit.Manager.FinishVerify(ctx, s, c.ID, response)
	require.NoError(t, err)
	fresh := kit.SignedIn(t, "alice")
	for _, again := range []mfa.State{s, fresh} {
		_, err = kit.Manager.FinishVerify(ctx, again, c.ID, response)
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	c2, err := kit.Manager.BeginVerify(ctx, fresh, mfa.VerifyOptions{Method: "webauthn"})
	require.NoError(t, err)
	_, err = kit.Manager.FinishVerify(ctx, fresh, c2.ID, response)
	require.ErrorIs(t, err, mfa.ErrRejected, "the answer to another challenge")
}

// panicked calls do and returns its error, or that it panicked.
func panicked(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("panic")
		}
	}()
	return do()
}

func TestB09_NothingIsElevatedUnlessItIsSaved(t *testing.T) {
	for _, fault := range []faultstore.Fault{faultstore.Before, faultstore.After, faultstore.Panic, faultstore.PanicAfter} {
		for n := 1; n <= 3; n++ {
			kit, _, session := brokenKit(t, nil)
			app, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
			h := kit.Manager.RequireAAL(mfa.AAL2)(&counted{})
			r := kit.Request(t, "POST", "/verify", kit.SignedIn(t, "alice"))
			kit.Clock.Advance(app.Period())
			kit.Events.Reset()
			session.Fail(n, fault)
			w := httptest.NewRecorder()
			err := panicked(func() error {
				_, err := kit.Manager.Update(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
					return kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "totp"}, []byte(app.Code(kit.Clock.Now())))
				})
				return err
			})
			failed := session.Fired() > 0
			session.Heal()
			require.Equal(t, failed, err != nil, "%v at call %d", fault, n)
			require.Equal(t, failed, n <= 2, "an elevation takes two calls: Load and Save")
			assert.Equal(t, http.StatusUnauthorized, answer(t, h, r).Code, "never aal2 under the old id: %v at call %d", fault, n)
			elevated := kit.Events.Of(mfa.EventElevated)
			if failed {
				assert.Empty(t, elevated)
				continue
			}
			assert.Len(t, elevated, 1)
			fresh := httptest.NewRequest(http.MethodGet, "/", nil)
			fresh.AddCookie(w.Result().Cookies()[0])
			assert.Equal(t, http.StatusNoContent, answer(t, h, fresh).Code)
		}
	}
}

func TestB09_SignInIsSavedOrNothing(t *testing.T) {
	for _, fault := range []faultstore.Fault{faultstore.Before, faultstore.After, faultstore.Panic, faultstore.PanicAfter} {
		for n := 1; n <= 2; n++ {
			kit, _, session := brokenKit(t, nil)
			victim := kit.Request(t, "POST", "/login", kit.SignedIn(t, "mallory")) // a fixed cookie
			session.Fail(n, fault)
			err := panicked(func() error {
				_, err := kit.Manager.SignIn(httptest.NewRecorder(), victim, "alice", mfa.Password())
				return err
			})
			session.Heal()
			require.Error(t, err)
			require.NotErrorIs(t, err, mfa.ErrNoSession)
			s, err := kit.Manager.Load(victim)
			if err == nil {
				assert.Equal(t, "mallory", s.UserID, "nobody else is signed in under the old cookie")
			}
			assert.Empty(t, kit.Events.Of(mfa.EventSignedIn))
		}
	}
}

func TestB15_EveryOtherWayInIsOneFactor(t *testing.T) {
	kit := mfatest.New(t, nil)
	kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	mail := mfa.EmailChannel("alice@example.test")
	for name, first := range map[string]mfa.Method{
		"password":      mfa.Password(),
		"reset":         mfa.FirstFactor("password_reset", mfa.Evidence{Channel: mail}),
		"magic link":    mfa.FirstFactor("magic_link", mfa.Evidence{Category: factor.Possession, Channel: mail}),
		"recovery":      mfa.FirstFactor("account_recovery", mfa.Evidence{}),
		"remember me":   mfa.FirstFactor("remember_me", mfa.Evidence{Category: factor.Possession}),
		"impersonation": mfa.FirstFactor("impersonation", mfa.Evidence{}),
		"passkey":       mfa.FirstFactor("webauthn", mfa.Evidence{UserVerified: true, PhishingResistant: true, HardwareBound: true}),
		"oidc":          mfa.OIDC("idp", mfa.Upstream{ACR: "aal2", AMR: []string{"mfa", "otp", "hwk"}}),
	} {
		s := kit.SignIn(t, "alice", first)
		assert.True(t, s.Pending, name)
		assert.Equal(t, mfa.AAL1, levelOf(t, kit, s), name)
		for _, q := range []mfa.Requirement{{}, {AAL: mfa.AAL1}, {AAL: mfa.AAL2}} {
			stepUpOf(t, kit.Manager.Allow(t.Context(), s, q))
		}
		again, err := kit.Manager.Start(t.Context(), s, "alice", mfa.FirstFactor("another", mfa.Evidence{}))
		require.NoError(t, err)
		assert.True(t, again.Pending, "two first factors are still one: %s", name)
	}
	s := kit.SignIn(t, "alice", mfa.OIDC("idp", mfa.Upstream{AMR: []string{"mfa"}, AAL2: true}))
	assert.False(t, s.Pending, "the app vouches")
	assert.Equal(t, mfa.AAL2, levelOf(t, kit, s))
	assert.Equal(t, "idp", s.Methods[0].Upstream.Provider)
}

func TestStartRefusesWhatIsNoSignIn(t *testing.T) {
	kit := mfatest.New(t, nil)
	for want, do := range map[string]struct {
		user  string
		first mfa.Method
	}{
		"a user id of 0 bytes: give":       {"", mfa.Password()},
		"a user id of 256 bytes: give":     {strings.Repeat("x", 256), mfa.Password()},
		"that is no first factor: make it": {"alice", mfa.Method{Name: "password"}},
		"is no first factor":               {"alice", mfa.Method{Name: "totp", Role: mfa.RoleSecond}},
		"named with a-z":                   {"alice", mfa.FirstFactor("Pass word", mfa.Evidence{})},
		"no first factor":                  {"alice", mfa.FirstFactor("", mfa.Evidence{})},
	} {
		_, err := kit.Manager.Start(t.Context(), mfa.State{}, do.user, do.first)
		require.ErrorContains(t, err, want)
		assert.Equal(t, 503, mfa.ProblemFor(err).Status)
	}
}

func TestSignOutClears(t *testing.T) {
	kit := mfatest.New(t, nil)
	r := kit.Request(t, "POST", "/logout", kit.SignedInAAL2(t, "alice"))
	w := httptest.NewRecorder()
	require.NoError(t, kit.Manager.SignOut(w, r))
	_, err := kit.Manager.Load(r)
	require.ErrorIs(t, err, mfa.ErrNoSession)
	assert.Equal(t, -1, w.Result().Cookies()[0].MaxAge)
}

func TestUpdateSavesOnlyChanges(t *testing.T) {
	kit, _, session := brokenKit(t, nil)
	s := kit.SignedIn(t, "alice")
	r := kit.Request(t, "POST", "/", s)
	session.Heal()
	mine := errors.New("mine")
	_, err := kit.Manager.Update(httptest.NewRecorder(), r, func(_ context.Context, s mfa.State) (mfa.State, error) {
		s.Methods = nil
		return s, mine
	})
	require.Same(t, mine, err, "returned as it is")
	_, err = kit.Manager.Update(httptest.NewRecorder(), r, func(_ context.Context, s mfa.State) (mfa.State, error) { return s, nil })
	require.NoError(t, err)
	for _, c := range session.Calls() {
		assert.Equal(t, "Load", c.Op)
	}
	_, err = kit.Manager.Update(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), func(context.Context, mfa.State) (mfa.State, error) {
		t.Error("called for nobody")
		return mfa.State{}, nil
	})
	require.ErrorIs(t, err, mfa.ErrNoSession)
}

func TestReturnTo(t *testing.T) {
	assert.Equal(t, "/a?b=c", mfa.ReturnTo("/a?b=c#d", "/"))
	assert.Equal(t, "/", mfa.ReturnTo("https://evil.test/", "/"))
}
