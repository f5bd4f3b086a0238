package webauthnfactor

import (
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/stretchr/testify/require"
)

// What go-webauthn leaves to its caller, as this package assumes it. A
// failure after an upgrade tells which assumption to look at again; it need
// not be a fault.

// raw is a verification by go-webauthn alone.
type raw struct {
	rp      *webauthn.WebAuthn
	user    account
	session webauthn.SessionData
	answer  []byte
}

func newRaw(t testing.TB, d *device, enrolled byte) *raw {
	t.Helper()
	f := newFactor(t, nil)
	c := enroll(t, f, d.with(func(d *device) {
		d.flags, d.origin, d.clientData, d.outer, d.count = enrolled, testOrigin, nil, nil, 0
	}))
	k, err := decodeKey(c.Data)
	require.NoError(t, err)
	step := beginVerify(t, f, c)
	return &raw{
		rp: f.rp,
		user: account{handle: k.handle, keys: []webauthn.Credential{{
			ID: k.id, PublicKey: k.publicKey, AttestationFormat: k.format,
			Flags:         webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(enrolled)),
			Authenticator: webauthn.Authenticator{SignCount: k.signCount},
		}}},
		session: webauthn.SessionData{
			Challenge: promptOf(t, step)["challenge"].(string), UserID: k.handle,
			AllowedCredentialIDs: [][]byte{k.id}, UserVerification: protocol.VerificationPreferred,
		},
		answer: d.get(t, step),
	}
}

func (r *raw) validate(t testing.TB) (*webauthn.Credential, error) {
	t.Helper()
	parsed, err := protocol.ParseCredentialRequestResponseBytes(r.answer)
	require.NoError(t, err)
	return r.rp.ValidateLogin(r.user, r.session, parsed)
}

func TestQ08_A07_StoredUserVerificationLatches(t *testing.T) {
	c, err := newRaw(t, newDevice(t), up|uv).validate(t)
	require.NoError(t, err)
	require.True(t, c.Flags.UserVerified, "the assertion had UV=0; the stored flag is not its evidence")

	c, err = newRaw(t, newDevice(t).with(func(d *device) { d.flags = up | uv }), up).validate(t)
	require.NoError(t, err)
	require.False(t, c.Flags.UserVerified, "the assertion had UV=1")
}

func TestQ08_H05_SignCountIsNoError(t *testing.T) {
	r := newRaw(t, newDevice(t).with(func(d *device) { d.count = 5 }), up)
	for _, stored := range []uint32{5, 9} {
		r.user.keys[0].Authenticator.SignCount = stored
		c, err := r.validate(t)
		require.NoError(t, err)
		require.True(t, c.Authenticator.CloneWarning)
		require.Equal(t, stored, c.Authenticator.SignCount)
	}
}

func TestQ08_G02_SameResponseTwice(t *testing.T) {
	r := newRaw(t, newDevice(t), up)
	for range 2 {
		_, err := r.validate(t)
		require.NoError(t, err)
	}
}

func TestQ08_G03_ExpiresUsesTheWallClock(t *testing.T) {
	r := newRaw(t, newDevice(t), up)
	_, session, err := r.rp.BeginLogin(r.user)
	require.NoError(t, err)
	require.Zero(t, session.Expires, "not set unless Timeouts.Login.Enforce")
	_, err = r.validate(t)
	require.NoError(t, err, "zero means never")
	r.session.Expires = time.Now().Add(-time.Minute)
	_, err = r.validate(t)
	require.Error(t, err, "read from the wall clock, not from an injected one; this package leaves it zero")
}

func TestQ08_G04_OriginIsComparedAsURL(t *testing.T) {
	r := newRaw(t, newDevice(t).with(func(d *device) { d.origin = "HTTPS://user@LOGIN.example.com:443/path?q" }), up)
	_, err := r.validate(t)
	require.NoError(t, err, "this package compares the bytes instead")
}

func TestQ08_G06_KeyIsNotCheckedWithoutAttestation(t *testing.T) {
	f := newFactor(t, nil)
	step := beginEnroll(t, f)
	d := newDevice(t)
	d.cose = encodeCBOR(t, map[int]any{1: 2, 3: -7})
	parsed, err := protocol.ParseCredentialCreationResponseBytes(d.create(t, step))
	require.NoError(t, err)
	s, err := decodeEnrollState(step.State)
	require.NoError(t, err)
	_, err = f.rp.CreateCredential(account{handle: s.handle}, webauthn.SessionData{
		Challenge: encodeBase64(s.challenge), UserID: s.handle, CredParams: credParams(s.algorithms),
	}, parsed)
	require.NoError(t, err, "a key without coordinates; this package parses it instead")
}

func TestQ08_G12_ErrorsCarryTheChallenge(t *testing.T) {
	r := newRaw(t, newDevice(t).with(func(d *device) { d.clientData = map[string]any{"challenge": "guess"} }), up)
	_, err := r.validate(t)
	var e *protocol.Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.DevInfo, r.session.Challenge)
}

func TestQ08_H11_AppIDOfU2FIsHeeded(t *testing.T) {
	r := newRaw(t, newDevice(t).with(func(d *device) {
		d.outer = map[string]any{"clientExtensionResults": map[string]any{"appid": true}}
	}), up)
	r.user.keys[0].AttestationFormat = "fido-u2f"
	_, err := r.validate(t)
	require.Error(t, err, "this package removes the extension's output instead")
}
