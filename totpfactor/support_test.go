package totpfactor

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/factor/factortest"
)

var (
	ctx   = context.Background()
	alice = factor.User{ID: "u1", Name: "alice"}
	noon  = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
)

func newFactor(t testing.TB, c Config) *Factor {
	t.Helper()
	if c.Issuer == "" {
		c.Issuer = "Example"
	}
	f, err := New(c)
	require.NoError(t, err)
	return f
}

// code computes the code of secret at the given time with the default
// parameters.
func code(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	return codeOf(t, secret, at, totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix})
}

func codeOf(t testing.TB, secret string, at time.Time, o totp.ValidateOpts) string {
	t.Helper()
	c, err := totp.GenerateCodeCustom(secret, at, o)
	require.NoError(t, err)
	return c
}

// enroll returns a credential that was enrolled at the given time, and its
// secret.
func enroll(t testing.TB, f *Factor, id string, at time.Time) (factor.Credential, string) {
	t.Helper()
	r := factor.Request{User: alice, Purpose: factor.PurposeEnroll, Now: at}
	step, err := f.BeginEnroll(ctx, r)
	require.NoError(t, err)
	k, err := decodeKey(step.State)
	require.NoError(t, err)
	answer, err := k.code(uint64(at.Unix() / k.period))
	require.NoError(t, err)
	e, err := f.FinishEnroll(ctx, r, step.State, []byte(answer))
	require.NoError(t, err)
	require.Equal(t, &factor.Evidence{Category: factor.Possession}, e.Evidence)
	e.Credential.ID, e.Credential.UserID, e.Credential.Method = id, alice.ID, Method
	return e.Credential, step.Prompt.(Prompt).Secret
}

// verify answers with the credentials and stores the outcome in them.
func verify(f *Factor, at time.Time, answer string, credentials ...*factor.Credential) (factor.Result, error) {
	r := factor.Request{User: alice, Purpose: factor.PurposeVerify, Now: at}
	for _, c := range credentials {
		r.Credentials = append(r.Credentials, *c)
	}
	res, err := f.FinishVerify(ctx, r, nil, []byte(answer))
	for _, c := range credentials {
		if err == nil && c.ID == res.Credential.ID {
			*c = res.Credential
		}
	}
	return res, err
}

// app is an authenticator app with one account.
type app struct {
	secret string
	opts   totp.ValidateOpts
}

func (a *app) Answer(t testing.TB, r factor.Request, step factor.Step) []byte {
	if r.Purpose == factor.PurposeEnroll {
		a.secret = step.Prompt.(Prompt).Secret
	}
	return []byte(codeOf(t, a.secret, r.Now, a.opts))
}

func (a *app) Secrets() []string {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(a.secret)
	if err != nil {
		panic(err)
	}
	return []string{a.secret, hex.EncodeToString(raw), string(raw)}
}

func TestConformance(t *testing.T) {
	for _, c := range []Config{
		{},
		{Algorithm: SHA256, Digits: 8, Period: time.Minute},
		{Algorithm: SHA512, Digits: 6, Period: 15 * time.Second, Ahead: true},
	} {
		f := newFactor(t, c)
		opts := totp.ValidateOpts{
			Period: uint(f.params.period), Digits: otp.Digits(f.params.digits),
			Algorithm: []otp.Algorithm{otp.AlgorithmSHA1, otp.AlgorithmSHA256, otp.AlgorithmSHA512}[c.Algorithm],
		}
		t.Run(fmt.Sprintf("%v %d digits %v", c.Algorithm, f.params.digits, c.Period), func(t *testing.T) {
			factortest.Run(t, factortest.Harness{
				Factor:           f,
				NewAuthenticator: func(testing.TB) factortest.Authenticator { return &app{opts: opts} },
			})
		})
	}
}
