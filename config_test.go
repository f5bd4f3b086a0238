package mfa_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
)

// validConfig returns what mfatest.New would make a Manager of.
func validConfig(t *testing.T) mfa.Config {
	t.Helper()
	var valid mfa.Config
	mfatest.New(t, func(c *mfa.Config) { valid = *c })
	return valid
}

// named is a factor that only has a name.
type named struct {
	factor.Factor
	info factor.Info
}

func (n named) Info() factor.Info { return n.info }

func TestC02_NewRefusesWhatIsIncompleteOrUnsafe(t *testing.T) {
	key := bytes.Repeat([]byte("0123456789abcdef"), 2)
	for want, change := range map[string]func(*mfa.Config){
		"mfa: Config.Store is missing or a nil pointer: implement Store over your database, or take sqlstore.New":                                                      func(c *mfa.Config) { c.Store = nil },
		"mfa: Config.Session is missing or a nil pointer: take scssession.New or cookiesession.New, or write an adapter for your sessions":                             func(c *mfa.Config) { c.Session = nil },
		"mfa: Config.Factors is empty: add at least one, such as totpfactor.New":                                                                                       func(c *mfa.Config) { c.Factors = nil },
		"mfa: Config.User is missing: give a function that returns the name of one of your users":                                                                      func(c *mfa.Config) { c.User = nil },
		"mfa: Config.FindUser is set, and no factor of Config.Factors can be a first one: add one that can, such as otpdelivery.NewEmail with SignIn, or leave it nil": func(c *mfa.Config) { c.FindUser = func(context.Context, string) (string, error) { return "", nil } },
		"mfa: Config.SignInFor is set, and requirements per user are not built yet: leave it nil and use SignIn": func(c *mfa.Config) {
			c.SignInFor = func(context.Context, mfa.User) (r mfa.Requirement, at time.Time) { return }
		},
		"mfa: Config.Assurance names a profile that is not built yet: leave it at DefaultAssurance":                                                                             func(c *mfa.Config) { c.Assurance = mfa.NIST800_63B4 },
		"mfa: Config.Factors[0] is nil: check the error of its constructor":                                                                                                     func(c *mfa.Config) { c.Factors = []mfa.Factor{nil} },
		`mfa: Config.Factors[0] calls its method "TOTP": use a-z, 0-9 and underscore, and not "device"`:                                                                         func(c *mfa.Config) { c.Factors = []mfa.Factor{named{info: factor.Info{Method: "TOTP"}}} },
		`mfa: Config.Factors[0] calls its method "device": use a-z, 0-9 and underscore, and not "device"`:                                                                       func(c *mfa.Config) { c.Factors = []mfa.Factor{named{info: factor.Info{Method: "device"}}} },
		`mfa: Config.Factors[0] calls its method "": use a-z, 0-9 and underscore, and not "device"`:                                                                             func(c *mfa.Config) { c.Factors = []mfa.Factor{named{}} },
		`mfa: Config.Factors has "totp" twice: give each method once`:                                                                                                           func(c *mfa.Config) { c.Factors = append(c.Factors, c.Factors[0]) },
		`mfa: Config.Retired names "totp", which Config.Factors offers: take it out of one of them`:                                                                             func(c *mfa.Config) { c.Retired = []string{"totp"} },
		"mfa: Config.Factors has recovery methods only: add a real factor, such as totpfactor.New":                                                                              func(c *mfa.Config) { c.Factors = c.Factors[2:] },
		"mfa: Config.SignIn carries AAL only, because a user whose factor is old or another could never finish signing in: put MaxAge, PhishingResistant and Methods on routes": func(c *mfa.Config) { c.SignIn.MaxAge = time.Hour },
		"mfa: Config.SignIn: aal(9) is no level: use AAL1, AAL2 or HighestAvailable":                                                                                            func(c *mfa.Config) { c.SignIn.AAL = 9 },
		"mfa: Config.Privileged: the default profile never reaches AAL3: require AAL2 with PhishingResistant":                                                                   func(c *mfa.Config) { c.Privileged.AAL = mfa.AAL3 },
		"mfa: Config.Privileged carries AAL and MaxAge only: leave the rest out":                                                                                                func(c *mfa.Config) { c.Privileged.Methods = []string{"totp"} },
		"mfa: Config.Limits.Credentials is negative: leave it zero for the default of 20":                                                                                       func(c *mfa.Config) { c.Limits.Credentials = -1 },
		"mfa: Config.Limits.Attempts is negative: leave it zero for the default of 5":                                                                                           func(c *mfa.Config) { c.Limits.Attempts = -1 },
		"mfa: Config.Limits.Closed is negative: leave it zero for the default of 100":                                                                                           func(c *mfa.Config) { c.Limits.Closed = -1 },
		"mfa: Config.Limits.SignIns is negative: leave it zero for the default of 100":                                                                                          func(c *mfa.Config) { c.Limits.SignIns = -1 },
		"mfa: Config.Limits.Lookups is negative: leave it zero for the default of 20":                                                                                           func(c *mfa.Config) { c.Limits.Lookups = -1 },
		`mfa: Config.LoginURL is "login": give a path that begins with a slash, or an https URL`:                                                                                func(c *mfa.Config) { c.LoginURL = "login" },
		`mfa: Config.VerifyURL is "//evil.test/x": give a path that begins with a slash, or an https URL`:                                                                       func(c *mfa.Config) { c.VerifyURL = "//evil.test/x" },
		`mfa: Config.EnrollURL is "javascript:alert(1)": give a path that begins with a slash, or an https URL`:                                                                 func(c *mfa.Config) { c.EnrollURL = "javascript:alert(1)" },
		"mfa: Config.Keys: no key: make one with 32 bytes of crypto/rand and keep it where the app keeps its secrets":                                                           func(c *mfa.Config) { c.Keys = nil },
		"mfa: Config.Keys: key 0 has 5 bytes: a key is 32 bytes of crypto/rand":                                                                                                 func(c *mfa.Config) { c.Keys = [][]byte{[]byte("short")} },
		"mfa: Config.Keys: key 0 is one byte repeated: a key is 32 bytes of crypto/rand":                                                                                        func(c *mfa.Config) { c.Keys = [][]byte{make([]byte, 32)} },
		"mfa: Config.Keys: key 1 is there twice: name each key once":                                                                                                            func(c *mfa.Config) { c.Keys = [][]byte{key, key} },
		"mfa: Config.SignIn: Requirement.TrustedDevice is set, and trusted devices are not built yet: leave it false":                                                           func(c *mfa.Config) { c.SignIn.TrustedDevice = true },
		"mfa: Config.Privileged: Requirement.AnyOf is set, and alternatives are not built yet: leave it empty":                                                                  func(c *mfa.Config) { c.Privileged.AnyOf = []mfa.Requirement{{}} },
		`mfa: Config.SignIn: "TOTP " in Requirement.Methods is no method: use its AMR name, such as totp`:                                                                       func(c *mfa.Config) { c.SignIn.Methods = []string{"TOTP "} },
	} {
		cfg := validConfig(t)
		change(&cfg)
		m, err := mfa.New(cfg)
		require.EqualError(t, err, want)
		assert.Nil(t, m)
	}
	cfg := validConfig(t)
	cfg.Privileged.PhishingResistant = true
	_, err := mfa.New(cfg)
	require.ErrorContains(t, err, "AAL and MaxAge only")
	for _, q := range []mfa.Requirement{{PhishingResistant: true}, {Methods: []string{"totp"}}} {
		cfg = validConfig(t)
		cfg.SignIn = q
		_, err = mfa.New(cfg)
		require.ErrorContains(t, err, "Config.SignIn carries AAL only")
	}
	for _, change := range []func(*mfa.Config){
		func(c *mfa.Config) { c.Store = (*memory.Store)(nil) },
		func(c *mfa.Config) { c.Session = (*mfatest.Session)(nil) },
		func(c *mfa.Config) { c.Factors = []mfa.Factor{(*totpfactor.Factor)(nil)} },
	} {
		cfg = validConfig(t)
		change(&cfg)
		_, err = mfa.New(cfg)
		require.ErrorContains(t, err, "nil", "what is left of a constructor whose error was not checked")
	}
	for _, url := range []string{"http://id.example.test/", "https:///x", "https:x", "ftp://x/", "/\x00"} {
		cfg = validConfig(t)
		cfg.VerifyURL = url
		_, err = mfa.New(cfg)
		require.ErrorContains(t, err, "Config.VerifyURL is ", url)
	}
	for name, url := range map[string]string{"path": "/x?y=z", "https": "https://id.example.test/login", "none": ""} {
		cfg := validConfig(t)
		cfg.LoginURL, cfg.VerifyURL, cfg.EnrollURL = url, url, url
		_, err := mfa.New(cfg)
		require.NoError(t, err, name)
	}
}

// A Manager is not changed by what becomes of the Config it was made of.
func TestNewCopiesItsConfig(t *testing.T) {
	cfg := validConfig(t)
	cfg.Retired = []string{"sms"}
	m, err := mfa.New(cfg)
	require.NoError(t, err)
	cfg.Retired[0] = "email"
	for i := range cfg.Keys[0] {
		cfg.Keys[0][i] = 0
	}
	cfg.Factors[0] = nil
	require.NoError(t, cfg.Store.CreateCredential(t.Context(), mfa.Credential{ID: "c", UserID: "alice", Method: "sms", Key: "c", Version: 1}))
	s, err := m.Start(t.Context(), mfa.State{}, "alice", mfa.Password())
	require.NoError(t, err)
	assert.False(t, s.Pending, "sms is still retired")
	_, err = m.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
}

func TestC02_RequirementsThatNothingMeets(t *testing.T) {
	kit := mfatest.New(t, nil)
	s := kit.SignedInAAL2(t, "alice")
	bad := []mfa.Requirement{
		{AAL: 4}, {AAL: 126}, {AAL: 128}, {AAL: 255}, {AAL: mfa.AAL3}, {TrustedDevice: true}, {AnyOf: []mfa.Requirement{{}}},
		{Methods: []string{""}}, {Methods: []string{"totp", "TOTP"}}, {Methods: []string{"totp "}}, {Methods: []string{"a\nb"}},
	}
	for _, q := range bad {
		assert.Panics(t, func() { kit.Manager.Require(q) }, "%+v", q)
		err := kit.Manager.Allow(t.Context(), s, q)
		require.Error(t, err)
		var stepUp *mfa.StepUpError
		require.NotErrorAs(t, err, &stepUp, "a mistake of the app is no step-up")
		assert.Equal(t, 503, mfa.ProblemFor(err).Status)
		cfg := validConfig(t)
		cfg.SignIn = q
		_, err = mfa.New(cfg)
		require.ErrorContains(t, err, "Config.SignIn: ")
		cfg = validConfig(t)
		cfg.Privileged = q
		_, err = mfa.New(cfg)
		require.ErrorContains(t, err, "Config.Privileged: ")
	}
	assert.Panics(t, func() { kit.Manager.RequireAAL(mfa.AAL3) })
	assert.Panics(t, func() { kit.Manager.RequireAAL(77) })
}

// Without a policy the strictest that everybody can meet holds.
func TestC02_NoPolicyIsHighestAvailable(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	aal2 := kit.SignedInAAL2(t, "alice")
	aal1 := kit.SignedIn(t, "alice")
	for _, q := range []mfa.Requirement{{}, {AAL: mfa.HighestAvailable}} {
		require.NoError(t, kit.Manager.Allow(t.Context(), aal2, q))
		assert.Equal(t, mfa.AAL2, stepUpOf(t, kit.Manager.Allow(t.Context(), aal1, q)).Want)
	}
	strict := mfatest.New(t, nil)
	strict.SignedInAAL2(t, "alice")
	assert.True(t, strict.SignedIn(t, "alice").Pending, "and so for sign-in")
}

func TestRequireCopiesItsRequirement(t *testing.T) {
	kit := mfatest.New(t, nil)
	_, aal2 := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	methods := []string{"webauthn"}
	gate := kit.Manager.Require(mfa.Requirement{AAL: mfa.AAL2, Methods: methods})(&counted{})
	methods[0] = "totp"
	assert.Equal(t, 204, answer(t, gate, kit.Request(t, "GET", "/", aal2)).Code, "the key that was asked for still does")
}
