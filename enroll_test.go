package mfa_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
)

func TestD11_FactorIsInactiveUntilConfirmed(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	old, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp", Name: "new phone"})
	require.NoError(t, err)
	next := mfatest.NewTOTP(t, c.Prompt)
	kit.Clock.Advance(next.Period())

	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Len(t, infos, 1, "beginning changes nothing")
	pending := kit.SignedIn(t, "alice")
	_, err = kit.Manager.Verify(ctx, pending, mfa.VerifyOptions{Method: "totp"}, []byte(next.Code(kit.Clock.Now())))
	require.ErrorIs(t, err, mfa.ErrRejected, "the new one is worth nothing yet")
	kit.VerifyTOTP(t, pending, old)

	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(next.Wrong(kit.Clock.Now())))
	require.ErrorIs(t, err, mfa.ErrRejected)
	code := []byte(next.Code(kit.Clock.Now()))
	info, _, err := kit.Manager.FinishEnroll(ctx, s, c.ID, code)
	require.NoError(t, err, "a wrong code leaves more tries")
	assert.Equal(t, "new phone", info.Name)
	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, code)
	require.ErrorIs(t, err, mfa.ErrRejected, "confirmed once")
	_, err = kit.Manager.Verify(ctx, kit.SignedIn(t, "alice"), mfa.VerifyOptions{Method: "totp"}, code)
	require.ErrorIs(t, err, mfa.ErrRejected, "the code that confirmed is spent")
	kit.VerifyTOTP(t, kit.SignedIn(t, "alice"), next)
	kit.VerifyTOTP(t, kit.SignedIn(t, "alice"), old)
}

// Enrolments have as many tries as the factor says, and then none.
func TestD11_EnrolmentEndsAfterItsTries(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.Limits.Attempts = 100 })
	ctx := t.Context()
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	app := mfatest.NewTOTP(t, c.Prompt)
	for range 5 {
		_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(app.Wrong(kit.Clock.Now())))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(app.Code(kit.Clock.Now())))
	require.ErrorIs(t, err, mfa.ErrRejected)
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Empty(t, infos)
}

// Expiry is judged by the clock, not by whether a store has swept (P11).
func TestP11_ExpiredCeremonyIsNone(t *testing.T) {
	for name, move := range map[string]time.Duration{"over": 10 * time.Minute, "long over": 100 * 24 * time.Hour, "clock set back": -2 * time.Minute} {
		kit := mfatest.New(t, nil)
		s := kit.SignedIn(t, "alice")
		c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
		require.NoError(t, err)
		assert.Equal(t, kit.Clock.Now().Add(10*time.Minute), c.ExpiresAt)
		app := mfatest.NewTOTP(t, c.Prompt)
		kit.Clock.Advance(move)
		s, err = kit.Manager.Start(t.Context(), s, "alice", mfa.Password())
		require.NoError(t, err)
		_, _, err = kit.Manager.FinishEnroll(t.Context(), s, c.ID, []byte(app.Code(kit.Clock.Now())))
		require.ErrorIs(t, err, mfa.ErrRejected, name)
	}
}

// D17: the same secret enrolled twice is still one, and one code passes once.
func TestD17_EqualSecretsGiveOneSuccess(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	a, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	b, _ := kit.EnrollTOTP(t, s)
	for range 5 {
		kit.Clock.Advance(a.Period())
		for _, app := range []*mfatest.TOTP{a, b} {
			code := []byte(app.Code(kit.Clock.Now()))
			right := 0
			for range 4 {
				_, err := kit.Manager.Verify(ctx, kit.SignedIn(t, "alice"), mfa.VerifyOptions{Method: "totp"}, code)
				if err == nil {
					right++
					continue
				}
				require.ErrorIs(t, err, mfa.ErrRejected)
			}
			assert.Equal(t, 1, right)
		}
	}
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

// webAuthnKey is one key that can be registered more than once, which no
// honest authenticator does.
type webAuthnKey struct {
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

func (k *webAuthnKey) register(t *testing.T, prompt any) []byte {
	t.Helper()
	b, err := json.Marshal(prompt)
	require.NoError(t, err)
	options, err := virtualwebauthn.ParseAttestationOptions(string(b))
	require.NoError(t, err)
	rp := virtualwebauthn.RelyingParty{ID: mfatest.RPID, Name: "x", Origin: mfatest.Origin}
	return []byte(virtualwebauthn.CreateAttestationResponse(rp, k.device, k.key, *options))
}

func TestG07_CredentialIDBelongsToOneUser(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	key := &webAuthnKey{virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
	register := func(prompt any) []byte { return key.register(t, prompt) }
	info, alice := kit.Enroll(t, kit.SignedIn(t, "alice"), mfa.EnrollOptions{Method: "webauthn"}, register)
	before, err := kit.Store.Credentials(ctx, "alice")
	require.NoError(t, err)
	for _, s := range []mfa.State{kit.SignedIn(t, "bob"), alice} {
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, register(c.Prompt))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	after, err := kit.Store.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Equal(t, before, after, "never overwritten")
	bobs, err := kit.Manager.Credentials(ctx, "bob")
	require.NoError(t, err)
	assert.Empty(t, bobs)

	_, err = kit.Manager.Remove(ctx, alice, info.ID)
	require.NoError(t, err)
	kit.Enroll(t, kit.SignedIn(t, "bob"), mfa.EnrollOptions{Method: "webauthn"}, register)
}

func TestG07_OneOfManyRegistrationsOfOneIDWins(t *testing.T) {
	kit := mfatest.New(t, nil)
	const n = 64
	key := &webAuthnKey{virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
	errs := make([]error, n)
	atOnce(t, n, func(i int) func() {
		s := kit.SignedIn(t, fmt.Sprint("user", i))
		c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		response := key.register(t, c.Prompt)
		return func() { _, _, errs[i] = kit.Manager.FinishEnroll(t.Context(), s, c.ID, response) }
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			require.ErrorIs(t, err, mfa.ErrRejected)
		}
	}
	assert.Equal(t, 1, won)
}

// atOnce prepares n calls one after the other and makes them at the same time.
func atOnce(t *testing.T, n int, prepare func(i int) func()) {
	t.Helper()
	var ready, wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		call := prepare(i)
		ready.Add(1)
		wg.Go(func() {
			ready.Done()
			<-start
			call()
		})
	}
	ready.Wait()
	close(start)
	wg.Wait()
}

func TestG08_UserHandle(t *testing.T) {
	kit := mfatest.New(t, nil)
	handle := func(s mfa.State) []byte {
		c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		b, err := json.Marshal(c.Prompt)
		require.NoError(t, err)
		var prompt struct {
			User struct {
				ID string `json:"id"`
			} `json:"user"`
		}
		require.NoError(t, json.Unmarshal(b, &prompt))
		raw, err := base64.RawURLEncoding.DecodeString(prompt.User.ID)
		require.NoError(t, err)
		return raw
	}
	key, alice := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	first := handle(alice)
	assert.Len(t, first, 64)
	assert.NotContains(t, string(first), "alice")
	_, alice = kit.EnrollKey(t, alice)
	assert.Equal(t, first, handle(alice), "stable per user")
	alice, err := kit.Manager.Remove(t.Context(), alice, key.CredentialID)
	require.NoError(t, err)
	assert.Equal(t, first, handle(alice), "while there is a key")
	_, bob := kit.EnrollKey(t, kit.SignedIn(t, "bob"))
	assert.False(t, bytes.Equal(first, handle(bob)), "unique")
}

func TestG09_OwnKeysAreExcludedAndBounded(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.Limits.Credentials = 4 })
	ctx := t.Context()
	_, s := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	kit.EnrollKey(t, kit.SignedIn(t, "bob"))
	for own := 1; own < 3; own++ {
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		b, err := json.Marshal(c.Prompt)
		require.NoError(t, err)
		options, err := virtualwebauthn.ParseAttestationOptions(string(b))
		require.NoError(t, err)
		assert.Len(t, options.ExcludeCredentials, own)
		_, s = kit.EnrollKey(t, s)
	}

	const n = 64
	var mu sync.Mutex
	won := 0
	atOnce(t, n, func(int) func() {
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		response := mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin).Register(t, c.Prompt)
		return func() {
			_, _, err := kit.Manager.FinishEnroll(ctx, s, c.ID, response)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				return
			}
			assert.Contains(t, []string{"rejected", "conflict"}, mfa.ProblemFor(err).Code, err)
		}
	})
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.LessOrEqual(t, won, 1)
	assert.Len(t, infos, 3+won, "who was told so has a key, and nobody else")
	for len(infos) < 4 {
		_, s = kit.EnrollKey(t, s)
		infos = append(infos, mfa.CredentialInfo{})
	}
	_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
	require.ErrorIs(t, err, mfa.ErrConflict)
	status, err := kit.Manager.Status(ctx, s)
	require.NoError(t, err)
	assert.False(t, status.Methods[0].Enrollable)
	kit.EnrollTOTP(t, s) // the limit is per method
}

// From sessions of aal1, nobody can slip a second factor in beside the user's
// first one: of eight at once at most one stays.
func TestFirstEnrolmentsAtOnceLeaveAtMostOne(t *testing.T) {
	for range 20 {
		kit := mfatest.New(t, nil)
		ctx := t.Context()
		var mu sync.Mutex
		var won []mfa.State
		atOnce(t, 8, func(i int) func() {
			s := kit.SignedIn(t, "alice")
			method := []string{"totp", "webauthn"}[i%2]
			c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: method})
			require.NoError(t, err)
			var response []byte
			if method == "totp" {
				response = []byte(mfatest.NewTOTP(t, c.Prompt).Code(kit.Clock.Now()))
			} else {
				response = mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin).Register(t, c.Prompt)
			}
			return func() {
				_, next, err := kit.Manager.FinishEnroll(ctx, s, c.ID, response)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, next)
				} else {
					assert.Contains(t, []string{"rejected", "conflict", "step_up_required", "throttled"}, mfa.ProblemFor(err).Code, err)
				}
			}
		})
		infos, err := kit.Manager.Credentials(ctx, "alice")
		require.NoError(t, err)
		require.LessOrEqual(t, len(infos), 1)
		require.Len(t, won, len(infos))
		for _, s := range won {
			assert.Equal(t, mfa.AAL2, levelOf(t, kit, s))
		}
	}
}

func TestG10_EnrolmentNeedsAPrivilegedSession(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	ctx := t.Context()
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	for _, method := range []string{"totp", "webauthn", "lookup_secret"} {
		_, err := kit.Manager.BeginEnroll(ctx, kit.SignedIn(t, "alice"), mfa.EnrollOptions{Method: method})
		e := stepUpOf(t, err)
		assert.Equal(t, mfa.AAL2, e.Want)
		assert.Equal(t, 401, mfa.ProblemFor(err).Status)
	}
	_, err := kit.Manager.BeginEnroll(ctx, mfa.State{}, mfa.EnrollOptions{Method: "totp"})
	require.ErrorIs(t, err, mfa.ErrNoSession)
	_, _, err = kit.Manager.FinishEnroll(ctx, mfa.State{}, "x", nil)
	require.ErrorIs(t, err, mfa.ErrNoSession)

	// The session that began is stale, or has lost its level, when it finishes.
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	next := mfatest.NewTOTP(t, c.Prompt)
	kit.Clock.Advance(9 * time.Minute)
	stale := s
	stale.Methods = append([]mfa.Method(nil), s.Methods...)
	stale.Methods[1].At = kit.Clock.Now().Add(-16 * time.Minute)
	lower := s
	lower.Methods = s.Methods[:1]
	for _, bad := range []mfa.State{stale, lower} {
		_, _, err = kit.Manager.FinishEnroll(ctx, bad, c.ID, []byte(next.Code(kit.Clock.Now())))
		stepUpOf(t, err)
	}
	_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(next.Code(kit.Clock.Now())))
	require.NoError(t, err)
	_ = app
}

func TestEnrollOptionsAreChecked(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	s := kit.SignedIn(t, "alice")
	_, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "retina"})
	require.ErrorIs(t, err, mfa.ErrNotFound)
	_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "device"})
	require.ErrorIs(t, err, mfa.ErrNotFound)
	_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "lookup_secret"})
	require.ErrorIs(t, err, mfa.ErrNotEnrolled, "recovery codes of nothing")
	for _, name := range []string{strings.Repeat("x", 65), "a\nb", "a\x1b[31mb", "\xff", "a\u202eb", "a\u0000"} {
		_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp", Name: name})
		require.ErrorIs(t, err, mfa.ErrInvalid, "%q", name)
	}
	info, _ := kit.Enroll(t, s, mfa.EnrollOptions{Method: "totp", Name: "  " + strings.Repeat("ü", 64) + " "}, func(p any) []byte {
		return []byte(mfatest.NewTOTP(t, p).Code(kit.Clock.Now()))
	})
	assert.Equal(t, strings.Repeat("ü", 64), info.Name)
	bob, _ := kit.Enroll(t, kit.SignedIn(t, "bob"), mfa.EnrollOptions{Method: "totp"}, func(p any) []byte {
		return []byte(mfatest.NewTOTP(t, p).Code(kit.Clock.Now()))
	})
	assert.Equal(t, "totp", bob.Name)
	assert.Equal(t, kit.Clock.Now(), bob.CreatedAt)
	assert.Nil(t, bob.LastUsedAt)
}

// stubborn is a factor that answers what no factor may.
type stubborn struct {
	*inbox
	enrolled factor.Credential
}

func (s stubborn) FinishEnroll(context.Context, factor.Request, []byte, []byte) (factor.Enrolled, error) {
	return factor.Enrolled{Credential: s.enrolled}, nil
}

func TestFactorCannotWriteWhatItWasNotGiven(t *testing.T) {
	for name, c := range map[string]factor.Credential{
		"another's credential": {ID: "c1"}, "an endless key": {Key: strings.Repeat("x", 65)},
	} {
		kit := mfatest.New(t, func(cfg *mfa.Config) { cfg.Factors = append(cfg.Factors, stubborn{&inbox{method: "email"}, c}) })
		require.NoError(t, kit.Store.CreateCredential(t.Context(), mfa.Credential{ID: "c1", UserID: "bob", Method: "email", Key: "c1", Version: 1}))
		s := kit.SignedIn(t, "alice")
		begun, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "email", Params: map[string]string{"address": "a@b.test"}})
		require.NoError(t, err)
		_, _, err = kit.Manager.FinishEnroll(t.Context(), s, begun.ID, []byte("x"))
		require.Error(t, err, name)
		assert.Equal(t, 503, mfa.ProblemFor(err).Status, "a fault, never the user's mistake")
		infos, err := kit.Manager.Credentials(t.Context(), "alice")
		require.NoError(t, err)
		assert.Empty(t, infos)
	}
}
