package mfatest_test

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/session/cookiesession"
	"github.com/go-mfa/mfa/session/sessiontest"
)

func TestSessionConforms(t *testing.T) {
	sessiontest.Run(t, func(*testing.T) sessiontest.Harness {
		session := mfatest.NewSession()
		return sessiontest.Harness{Session: session, AppUser: session.UserID}
	})
}

// RFC 6238, appendix B.
func TestD01_CodesOfTheClient(t *testing.T) {
	at := []int64{59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000}
	seed := []byte("1234567890123456789012345678901234567890123456789012345678901234")
	for algorithm, want := range map[string][]string{
		"SHA1":   {"94287082", "07081804", "14050471", "89005924", "69279037", "65353130"},
		"SHA256": {"46119246", "68084774", "67062674", "91819424", "90698825", "77737706"},
		"SHA512": {"90693936", "25091201", "99943326", "93441116", "38618901", "47863826"},
	} {
		size := map[string]int{"SHA1": 20, "SHA256": 32, "SHA512": 64}[algorithm]
		app := mfatest.NewTOTP(t, uri(seed[:size], url.Values{"digits": {"8"}, "algorithm": {algorithm}}))
		for i, seconds := range at {
			assert.Equal(t, want[i], app.Code(time.Unix(seconds, 0)), "%s at %d", algorithm, seconds)
		}
	}
}

func uri(secret []byte, q url.Values) string {
	q.Set("secret", base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret))
	return "otpauth://totp/x:y?" + q.Encode()
}

func TestCodesAgreeWithPquerna(t *testing.T) {
	secret := []byte("a secret of 20 bytes")
	app := mfatest.NewTOTP(t, uri(secret, url.Values{"period": {"60"}}))
	encoded := base32.StdEncoding.EncodeToString(secret)
	for step := range 200 {
		at := time.Unix(1700000000+int64(step)*37, 0)
		want, err := totp.GenerateCodeCustom(encoded, at, totp.ValidateOpts{Period: 60, Digits: otp.DigitsSix})
		require.NoError(t, err)
		require.Equal(t, want, app.Code(at))
		require.NotEqual(t, want, app.Wrong(at))
	}
}

func TestKitWithASealedCookie(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) {
		session, err := cookiesession.New(cookiesession.Config{Keys: c.Keys})
		require.NoError(t, err)
		c.Session = session
	})
	var wrapped int
	kit.Middleware = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { wrapped++; next.ServeHTTP(w, r) })
	}
	s := kit.SignedInAAL2(t, "alice")
	got, err := kit.Manager.Check(kit.Request(t, "GET", "https://example.test/", s), mfa.Requirement{AAL: mfa.AAL2})
	require.NoError(t, err)
	assert.Equal(t, s, got)
	assert.Equal(t, 1, wrapped)
}

func TestKitProvesWhatItSays(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	first := kit.SignedInAAL2(t, "alice")
	second := kit.SignedInAAL2(t, "alice")
	assert.NotEqual(t, first.ID, second.ID, "two sessions")
	for _, s := range []mfa.State{first, second} {
		assert.False(t, s.Pending)
		require.NoError(t, kit.Manager.Allow(ctx, s, mfa.Requirement{AAL: mfa.AAL2, PhishingResistant: true}))
	}
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	require.Len(t, infos, 1, "the key is enrolled once")
	require.NoError(t, kit.Manager.AdminReset(ctx, "test", "alice", "test"))
	require.Error(t, kit.Manager.Allow(ctx, first, mfa.Requirement{AAL: mfa.AAL2}), "nothing is behind the session any more")

	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "bob"))
	codes, s := kit.EnrollCodes(t, s)
	require.Len(t, codes, 12)
	key, s := kit.EnrollKey(t, s)
	key.SignCount, key.UserVerified = 5, true
	s = kit.VerifyKey(t, s, key)
	assert.EqualValues(t, 6, key.SignCount)
	assert.True(t, s.Methods[len(s.Methods)-1].Evidence.UserVerified)
	s = kit.VerifyTOTP(t, s, app)
	s = kit.VerifyCode(t, s, codes[3])
	assert.Len(t, s.Methods, 6)
	assert.NotEmpty(t, app.CredentialID)
	assert.NotEmpty(t, key.CredentialID)
	assert.Len(t, kit.Events.Of(mfa.EventEnrolled), 4)
	assert.Len(t, kit.Events.Of(mfa.EventVerified), 4)
	kit.Events.Reset()
	assert.Empty(t, kit.Events.All())
}

func TestRequestOfNobody(t *testing.T) {
	kit := mfatest.New(t, nil)
	w := httptest.NewRecorder()
	kit.Manager.RequireAAL(mfa.AAL1)(http.NotFoundHandler()).ServeHTTP(w, kit.Request(t, "GET", "/", mfa.State{}))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}

// recorded is a test whose failure is what is tested.
type recorded struct {
	testing.TB
	failed string
}

func (r *recorded) Helper() {}
func (r *recorded) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	panic(r)
}

func failure(t *testing.T, do func(testing.TB)) (message string) {
	t.Helper()
	r := &recorded{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
		message = r.failed
	}()
	do(r)
	return ""
}

func TestMisuseFailsTheTest(t *testing.T) {
	kit := mfatest.New(t, nil)
	key, s := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	for want, do := range map[string]func(testing.TB){
		"that is no otpauth":           func(t testing.TB) { mfatest.NewTOTP(t, "https://x") },
		"no secret in base32":          func(t testing.TB) { mfatest.NewTOTP(t, "otpauth://totp/a?secret=0189") },
		"algorithm that is not known":  func(t testing.TB) { mfatest.NewTOTP(t, "otpauth://totp/a?secret=AAAA&algorithm=MD5") },
		`asks for "five" digits`:       func(t testing.TB) { mfatest.NewTOTP(t, "otpauth://totp/a?secret=AAAA&digits=five") },
		`period of "0" seconds`:        func(t testing.TB) { mfatest.NewTOTP(t, "otpauth://totp/a?secret=AAAA&period=0") },
		"the prompt is not of":         func(t testing.TB) { mfatest.NewTOTP(t, []byte("[]")) },
		"the prompt has no JSON":       func(t testing.TB) { mfatest.NewTOTP(t, func() {}) },
		"none of a WebAuthn enrolment": func(t testing.TB) { key.Register(t, []byte("{}")) },
		"none of a WebAuthn verif":     func(t testing.TB) { key.Assert(t, []byte("{}")) },
		"excludes a key": func(t testing.TB) {
			kit.Enroll(t, s, mfa.EnrollOptions{Method: "webauthn"}, func(p any) []byte { return key.Register(t, p) })
		},
		"allows no key": func(t testing.TB) {
			kit.VerifyKey(t, s, mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin))
		},
		"mfa: Config.Factors is empty": func(t testing.TB) { mfatest.New(t, func(c *mfa.Config) { c.Factors = nil }) },
		"verifying totp":               func(t testing.TB) { kit.VerifyTOTP(t, s, mfatest.NewTOTP(t, "otpauth://totp/a?secret=AAAA")) },
		"beginning to enrol totp":      func(t testing.TB) { kit.EnrollTOTP(t, mfa.State{}) },
	} {
		assert.Contains(t, failure(t, do), want)
	}
}

func TestEventsAndClockTakeConcurrentUse(t *testing.T) {
	kit := mfatest.New(t, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				kit.Events.Record(t.Context(), mfa.Event{Time: kit.Clock.Advance(time.Second)})
				_ = kit.Events.All()
			}
		})
	}
	wg.Wait()
	assert.Len(t, kit.Events.All(), 400)
	assert.Equal(t, time.Date(2026, 1, 1, 12, 6, 40, 0, time.UTC), kit.Clock.Now())
	kit.Clock.Set(time.Unix(0, 0))
	assert.Equal(t, time.Unix(0, 0).UTC(), kit.Clock.Now())
}
