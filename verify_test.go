package mfa_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
)

func TestAlreadySatisfiedUnlessRefresh(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	kit.Clock.Advance(app.Period())
	code := []byte(app.Code(kit.Clock.Now()))
	_, err := kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "totp"})
	require.ErrorIs(t, err, mfa.ErrAlreadySatisfied)
	_, err = kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "totp"}, code)
	require.ErrorIs(t, err, mfa.ErrAlreadySatisfied)
	next, err := kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "totp", Refresh: true}, code)
	require.NoError(t, err, "the refused call has not spent the code")
	require.Len(t, next.Methods, 3, "the AMR gains a second entry")
	assert.Equal(t, s.Methods, next.Methods[:2], "and keeps the first")
	assert.Equal(t, kit.Clock.Now(), next.Methods[2].At)
	assert.Equal(t, s.ID, next.ID)

	// A ceremony begun below aal2 is finished above it only with refresh.
	aal1 := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginVerify(ctx, aal1, mfa.VerifyOptions{Method: "totp"})
	require.NoError(t, err)
	raised := kit.VerifyTOTP(t, aal1, app)
	_, err = kit.Manager.FinishVerify(ctx, raised, c.ID, []byte(app.Code(kit.Clock.Advance(app.Period()))))
	require.ErrorIs(t, err, mfa.ErrAlreadySatisfied)
}

func TestVerifyErrors(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	ctx := t.Context()
	kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	s := kit.SignedIn(t, "alice")
	_, err := kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "webauthn"}, []byte("{}"))
	require.ErrorIs(t, err, mfa.ErrInvalid, "it needs a challenge")
	for _, method := range []string{"totp", "retina", "", "device", "lookup_secret"} {
		_, err = kit.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: method}, []byte("000000"))
		require.ErrorIs(t, err, mfa.ErrNotEnrolled, method)
		_, err = kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: method})
		require.ErrorIs(t, err, mfa.ErrNotEnrolled, method)
	}
	for _, do := range []func() error{
		func() error {
			_, err := kit.Manager.Verify(ctx, mfa.State{}, mfa.VerifyOptions{Method: "totp"}, nil)
			return err
		},
		func() error {
			_, err := kit.Manager.BeginVerify(ctx, mfa.State{}, mfa.VerifyOptions{Method: "totp"})
			return err
		},
		func() error { _, err := kit.Manager.FinishVerify(ctx, mfa.State{}, "x", nil); return err },
		func() error { _, err := kit.Manager.Resend(ctx, mfa.State{}, "x"); return err },
	} {
		require.ErrorIs(t, do(), mfa.ErrNoSession)
	}
}

// HighestAvailable is aal2 if, and only if, something other than a recovery
// method would give aal2 beside what the session has.
func TestHighestAvailable(t *testing.T) {
	mail := &inbox{method: "email", contact: true}
	backup := &inbox{method: "backup", recovery: true}
	link := mfa.FirstFactor("magic_link", mfa.Evidence{Channel: mfa.EmailChannel("alice@example.test")})
	passkey := mfa.FirstFactor("webauthn", mfa.Evidence{UserVerified: true, PhishingResistant: true})
	passkey.CredentialID = "key1"
	type enrolled = map[string]string // credential id to method
	for name, c := range map[string]struct {
		contact  bool
		enrolled enrolled
		first    []mfa.Method
		want     mfa.AAL
	}{
		"nothing enrolled":                      {want: mfa.AAL1, first: []mfa.Method{mfa.Password()}},
		"totp":                                  {enrolled: enrolled{"t": "totp"}, first: []mfa.Method{mfa.Password()}, want: mfa.AAL2},
		"recovery codes only":                   {enrolled: enrolled{"l": "lookup_secret"}, first: []mfa.Method{mfa.Password()}, want: mfa.AAL1},
		"a recovery method with a channel":      {enrolled: enrolled{"b": "backup"}, first: []mfa.Method{mfa.Password()}, want: mfa.AAL1},
		"a trusted device only":                 {enrolled: enrolled{"d": "device"}, first: []mfa.Method{mfa.Password()}, want: mfa.AAL1},
		"a retired method only":                 {enrolled: enrolled{"s": "sms"}, first: []mfa.Method{mfa.Password()}, want: mfa.AAL1},
		"a method that nobody knows":            {enrolled: enrolled{"r": "retina"}, first: []mfa.Method{mfa.Password()}, want: mfa.AAL2},
		"the passkey that signed in, only":      {enrolled: enrolled{"key1": "webauthn"}, first: []mfa.Method{passkey}, want: mfa.AAL1},
		"another key beside it":                 {enrolled: enrolled{"key1": "webauthn", "key2": "webauthn"}, first: []mfa.Method{passkey}, want: mfa.AAL2},
		"the passkey, and a password":           {enrolled: enrolled{"key1": "webauthn"}, first: []mfa.Method{passkey, mfa.Password()}, want: mfa.AAL2},
		"a verified contact":                    {contact: true, first: []mfa.Method{mfa.Password()}, want: mfa.AAL2},
		"a link to the contact":                 {contact: true, first: []mfa.Method{link}, want: mfa.AAL1},
		"a link to the contact, and a password": {contact: true, first: []mfa.Method{link, mfa.Password()}, want: mfa.AAL2},
		"a first factor that is gone":           {enrolled: enrolled{"t": "totp"}, first: []mfa.Method{passkey}, want: mfa.AAL1},
		"vouched for":                           {first: []mfa.Method{mfa.OIDC("idp", mfa.Upstream{AAL2: true})}, want: mfa.AAL2},
		"nothing proved":                        {contact: true, enrolled: enrolled{"t": "totp"}, want: mfa.AAL1},
	} {
		t.Run(name, func(t *testing.T) {
			kit := mfatest.New(t, func(cfg *mfa.Config) {
				cfg.Retired = []string{"sms"}
				mail := &inbox{method: mail.method, contact: c.contact}
				withInbox(mail)(cfg)
				cfg.Factors = append(cfg.Factors, backup)
			})
			for id, method := range c.enrolled {
				require.NoError(t, kit.Store.CreateCredential(t.Context(), mfa.Credential{ID: id, UserID: "alice", Method: method, Key: id, Version: 1}))
			}
			// Through Start where that is possible, so that channels are hashed.
			s := mfa.State{ID: "s", UserID: "alice"}
			for _, first := range c.first {
				if first.Role != mfa.RoleFirst {
					s.Methods = append(s.Methods, first)
					continue
				}
				var err error
				s, err = kit.Manager.Start(t.Context(), s, "alice", first)
				require.NoError(t, err)
			}
			st, err := kit.Manager.Status(t.Context(), s)
			require.NoError(t, err)
			assert.Equal(t, c.want, st.HighestAvailable)
			s.Pending = false
			err = kit.Manager.Allow(t.Context(), s, mfa.Requirement{})
			if st.AAL >= c.want {
				require.NoError(t, err)
			} else {
				assert.Equal(t, c.want, stepUpOf(t, err).Want)
			}
		})
	}
}

// A credential whose method nobody knows makes its owner refused, not let in.
func TestUnknownMethodRefusesItsOwner(t *testing.T) {
	kit := mfatest.New(t, nil)
	require.NoError(t, kit.Store.CreateCredential(t.Context(), mfa.Credential{ID: "r", UserID: "alice", Method: "retina", Key: "r", Version: 1}))
	s := kit.SignedIn(t, "alice")
	require.True(t, s.Pending)
	e := stepUpOf(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{}))
	assert.Empty(t, e.Methods)
	_, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "retina"})
	require.ErrorIs(t, err, mfa.ErrNotEnrolled)
	_, err = kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	stepUpOf(t, err)
}

// Opening Data and asking the app about a user cost something, so the gate
// does neither if it can tell without.
func TestGateAsksTheAppOnlyIfItMust(t *testing.T) {
	asked := 0
	mail := &inbox{method: "email"}
	kit := mfatest.New(t, func(c *mfa.Config) {
		neverPending(c)
		withInbox(mail)(c)
		user := c.User
		c.User = func(ctx context.Context, id string) (mfa.User, error) {
			asked++
			return user(ctx, id)
		}
	})
	ctx := t.Context()
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	mail.contact, asked = true, 0
	require.NoError(t, kit.Manager.Allow(ctx, s, mfa.Requirement{}))
	require.NoError(t, kit.Manager.Allow(ctx, s, mfa.Requirement{AAL: mfa.AAL2}))
	require.NoError(t, kit.Manager.Allow(ctx, kit.SignedIn(t, "alice"), mfa.Requirement{AAL: mfa.AAL1}))
	assert.Zero(t, asked)
	stepUpOf(t, kit.Manager.Allow(ctx, kit.SignedIn(t, "bob"), mfa.Requirement{}))
	assert.NotZero(t, asked)
}

func TestResendKeepsTriesAndExpiry(t *testing.T) {
	mail := &inbox{method: "email", charges: []factor.Charge{{Key: "alice", N: 3, Per: time.Hour}}}
	kit := mfatest.New(t, func(c *mfa.Config) { withInbox(mail)(c); c.Limits.Attempts = 100 })
	ctx := t.Context()
	enrollInbox(t, kit, mail, kit.SignedIn(t, "alice"), "a@b.test") // 1 of 3
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "email"}) // 2 of 3
	require.NoError(t, err)
	first, _ := mail.last()
	for range 3 {
		_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte("wrong"))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	kit.Clock.Advance(time.Minute)
	again, err := kit.Manager.Resend(ctx, s, c.ID) // 3 of 3
	require.NoError(t, err)
	assert.Equal(t, c.ID, again.ID)
	assert.Equal(t, c.ExpiresAt, again.ExpiresAt, "the expiry stays")
	second, sent := mail.last()
	assert.NotEqual(t, first, second)
	assert.Equal(t, 3, sent)
	_, err = kit.Manager.Resend(ctx, s, c.ID)
	var throttled *mfa.ThrottledError
	require.ErrorAs(t, err, &throttled)
	assert.Equal(t, 59*time.Minute, throttled.RetryAfter, "charges limit sends")
	_, n := mail.last()
	assert.Equal(t, 3, n, "nothing was sent")
	_, err = kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "email"})
	require.ErrorAs(t, err, &throttled)

	_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte(first)) // the fourth of five tries
	require.ErrorIs(t, err, mfa.ErrRejected, "the older code is dead")
	_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte(second))
	require.NoError(t, err, "the fifth try")

	kit.Clock.Advance(time.Hour)
	c, err = kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "email"})
	require.NoError(t, err)
	for range 4 {
		_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte("wrong"))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	_, err = kit.Manager.Resend(ctx, s, c.ID)
	require.NoError(t, err)
	_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte("wrong"))
	require.ErrorIs(t, err, mfa.ErrRejected)
	code, _ := mail.last()
	_, err = kit.Manager.FinishVerify(ctx, s, c.ID, []byte(code))
	require.ErrorIs(t, err, mfa.ErrRejected, "a resend gives no tries back")
	_, err = kit.Manager.Resend(ctx, s, c.ID)
	require.ErrorIs(t, err, mfa.ErrRejected, "the ceremony is over")
}

func TestResendOfEnrolmentKeepsItsParams(t *testing.T) {
	mail := &inbox{method: "email"}
	kit := mfatest.New(t, withInbox(mail))
	ctx := t.Context()
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "email", Name: "work", Params: map[string]string{"address": "a@b.test", "locale": "de"}})
	require.NoError(t, err)
	other := kit.SignedIn(t, "alice")
	_, err = kit.Manager.Resend(ctx, other, c.ID)
	require.ErrorIs(t, err, mfa.ErrRejected, "another session")
	_, err = kit.Manager.Resend(ctx, s, "nope")
	require.ErrorIs(t, err, mfa.ErrRejected)
	_, err = kit.Manager.Resend(ctx, s, c.ID)
	require.NoError(t, err)
	mail.mu.Lock()
	assert.Equal(t, []string{"a@b.test 100000", "a@b.test 100001"}, mail.sent)
	mail.mu.Unlock()
	code, _ := mail.last()
	info, s, err := kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(code))
	require.NoError(t, err)
	assert.Equal(t, "work", info.Name)
	assert.Equal(t, mfa.AAL2, levelOf(t, kit, s))
}

func TestResendOfWhatSendsNothing(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	_, s := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	for _, method := range []string{"totp", "webauthn"} {
		c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: method})
		require.NoError(t, err)
		_, err = kit.Manager.Resend(t.Context(), s, c.ID)
		require.ErrorIs(t, err, mfa.ErrNotFound)
	}
	c, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "webauthn", Refresh: true})
	require.NoError(t, err)
	_, err = kit.Manager.Resend(t.Context(), s, c.ID)
	require.ErrorIs(t, err, mfa.ErrNotFound)
}

// A step is sent once its ceremony is stored; if it cannot be sent the caller
// gets a fault and nothing that could be used.
func TestFailingDeliveryIsAFault(t *testing.T) {
	mail := &inbox{method: "email"}
	kit := mfatest.New(t, withInbox(mail))
	s := kit.SignedIn(t, "alice")
	mail.refuse = errors.Join(errors.New("smtp down"), mfa.ErrRejected)
	c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "email", Params: map[string]string{"address": "a@b.test"}})
	require.Error(t, err)
	assert.Nil(t, c)
	assert.Equal(t, 503, mfa.ProblemFor(err).Status)
}
