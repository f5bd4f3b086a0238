package mfahttp_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// totpApp is an authenticator app with one account.
type totpApp struct {
	clock        *clock
	secret       string
	credentialID string
}

// code is the code of now.
func (p *totpApp) code() string {
	code, err := totp.GenerateCode(p.secret, p.clock.Now())
	if err != nil {
		panic(err)
	}
	return code
}

// next waits for a time step whose code was not used yet.
func (p *totpApp) next() string {
	p.clock.Advance(30 * time.Second)
	return p.code()
}

// wrong is a code that is right neither now nor around now.
func (p *totpApp) wrong() string {
	var right []string
	for step := -3; step <= 3; step++ {
		code, err := totp.GenerateCode(p.secret, p.clock.Now().Add(time.Duration(step)*30*time.Second))
		if err != nil {
			panic(err)
		}
		right = append(right, code)
	}
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"} {
		if !slices.Contains(right, code) {
			return code
		}
	}
	panic("no wrong code")
}

// secretOf reads the secret from the prompt of an enrolment.
func secretOf(t *testing.T, c ceremony) string {
	t.Helper()
	var prompt struct {
		Secret string `json:"secret"`
		URI    string `json:"uri"`
		QRSVG  string `json:"qr_svg"`
	}
	require.NoError(t, json.Unmarshal(c.Prompt, &prompt))
	require.NotEmpty(t, prompt.Secret)
	return prompt.Secret
}

// enrollTOTP enrols an authenticator app. The session has aal2 afterwards.
func (b *browser) enrollTOTP() *totpApp {
	b.a.t.Helper()
	c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
	p := &totpApp{clock: b.a.clock, secret: secretOf(b.a.t, c)}
	p.credentialID = b.finishEnrollment(c.ID, p.code()).Credential.ID
	return p
}

// enrollCodes makes recovery codes.
func (b *browser) enrollCodes() []string {
	b.a.t.Helper()
	c := b.begin("/mfa/api/enrollments", object{"method": "lookup_secret"})
	var prompt struct {
		Codes []string `json:"codes"`
	}
	require.NoError(b.a.t, json.Unmarshal(c.Prompt, &prompt))
	b.finishEnrollment(c.ID, "saved")
	return prompt.Codes
}

var relyingParty = virtualwebauthn.RelyingParty{ID: "example.test", Name: "Example", Origin: "https://example.test"}

// securityKey is a WebAuthn authenticator with one credential.
type securityKey struct {
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
	credentialID  string
}

func newSecurityKey() *securityKey {
	return &securityKey{
		authenticator: virtualwebauthn.NewAuthenticator(),
		credential:    virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2),
	}
}

// attest answers the prompt of an enrolment.
func (k *securityKey) attest(t *testing.T, c ceremony) json.RawMessage {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(c.Prompt))
	require.NoError(t, err)
	k.authenticator.Options.UserHandle = []byte(options.UserID)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(relyingParty, k.authenticator, k.credential, *options))
}

// assert answers the prompt of a challenge.
func (k *securityKey) assert(t *testing.T, c ceremony) json.RawMessage {
	t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(c.Prompt))
	require.NoError(t, err)
	k.credential.Counter++
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(relyingParty, k.authenticator, k.credential, *options))
}

// enrollKey enrols a security key.
func (b *browser) enrollKey(name string) *securityKey {
	b.a.t.Helper()
	k := newSecurityKey()
	c := b.begin("/mfa/api/enrollments", object{"method": "webauthn", "name": name})
	k.credentialID = b.finishEnrollment(c.ID, k.attest(b.a.t, c)).Credential.ID
	return k
}
