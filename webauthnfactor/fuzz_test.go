package webauthnfactor

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

// fuzzDevice is the same in every process, so that the corpus keeps its
// meaning.
func fuzzDevice(t testing.TB) *device {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	return newDevice(t).with(func(d *device) {
		d.signer, d.cose = private, okpKey(t, private.Public().(ed25519.PublicKey))
		d.id = bytes.Repeat([]byte{2}, 32)
	})
}

func fuzzEnrollState() *enrollState {
	return &enrollState{
		challenge: bytes.Repeat([]byte{3}, 32), handle: bytes.Repeat([]byte{4}, 64), algorithms: algorithms,
	}
}

func FuzzFinishEnroll(f *testing.F) {
	fac := newFactor(f, nil)
	s := fuzzEnrollState()
	step := factor.Step{Prompt: creationOptions{Challenge: encodeBase64(s.challenge)}, State: s.encode()}
	d := fuzzDevice(f)
	good := d.create(f, step)
	f.Add(good)
	for _, change := range []func(*device){
		func(d *device) { d.flags, d.extra = up|ed, []byte{0xa1, 0x61, 'a', 1} },
		func(d *device) { d.id = []byte{1} },
		func(d *device) { d.cose = rsaKey(f, odd(2048), []byte{1, 0, 1}, -257) },
		func(d *device) {
			d.attest = map[string]any{"fmt": "compound", "attStmt": []any{}, "authData": d.authData(true)}
		},
	} {
		f.Add(d.with(change).create(f, step))
	}
	for _, format := range []string{"packed", "tpm", "android-key", "android-safetynet", "fido-u2f", "apple"} {
		f.Add(d.with(func(d *device) {
			d.attest = map[string]any{"fmt": format, "authData": d.authData(true), "attStmt": map[string]any{
				"alg": -7, "sig": []byte{1}, "x5c": []any{[]byte{0x30}}, "ver": "2.0",
				"certInfo": []byte{1}, "pubArea": []byte{1}, "response": []byte("a.b.c"),
			}}
		}).create(f, step))
	}
	f.Add([]byte("{}"))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, response []byte) {
		e, err := finishEnroll(fac, step, response)
		if err != nil {
			require.ErrorIs(t, err, factor.ErrRejected, "no answer is a fault of ours")
			return
		}
		k, err := decodeKey(e.Credential.Data)
		require.NoError(t, err, "what was enrolled can be read")
		require.Equal(t, s.handle, k.handle)
		require.NoError(t, checkPublicKey(k.publicKey, algorithms))
		beginVerify(t, fac, stored(e.Credential))
	})
}

// FuzzAttestationObject gets behind base64url and JSON.
func FuzzAttestationObject(f *testing.F) {
	fac := newFactor(f, nil)
	s := fuzzEnrollState()
	step := factor.Step{Prompt: creationOptions{Challenge: encodeBase64(s.challenge)}, State: s.encode()}
	d := fuzzDevice(f)
	for _, format := range []string{"none", "packed", "tpm", "android-key", "android-safetynet", "fido-u2f", "apple"} {
		for _, cose := range [][]byte{d.cose, rsaKey(f, odd(2048), []byte{1, 0, 1}, -257), newDevice(f).cose} {
			d := d.with(func(d *device) { d.cose = cose })
			statement := map[string]any{}
			if format != "none" {
				statement = map[string]any{
					"alg": -7, "sig": []byte{1}, "x5c": []any{[]byte{0x30}}, "ver": "2.0",
					"certInfo": []byte{1}, "pubArea": []byte{1}, "response": []byte("a.b.c"),
				}
			}
			f.Add(encodeCBOR(f, map[string]any{"fmt": format, "attStmt": statement, "authData": d.authData(true)}))
		}
	}
	f.Add(encodeCBOR(f, map[string]any{"fmt": "packed", "authData": d.authData(true), "attStmt": map[string]any{"alg": -8, "sig": make([]byte, 64)}}))
	f.Add(encodeCBOR(f, map[string]any{"fmt": "compound", "authData": d.authData(true), "attStmt": []any{
		map[string]any{"fmt": "packed", "attStmt": map[string]any{"alg": -8, "sig": make([]byte, 64)}},
	}}))
	f.Fuzz(func(t *testing.T, object []byte) {
		e, err := finishEnroll(fac, step, withResponse(t, d, step, "attestationObject", object))
		if err != nil {
			require.ErrorIs(t, err, factor.ErrRejected)
			return
		}
		k, err := decodeKey(e.Credential.Data)
		require.NoError(t, err)
		require.Equal(t, d.id, k.id)
		require.NoError(t, checkPublicKey(k.publicKey, algorithms))
	})
}

// FuzzAuthenticatorData does the same for assertions, rightly signed, so that
// what the authenticator says is judged to the end.
func FuzzAuthenticatorData(f *testing.F) {
	fac := newFactor(f, nil)
	d := fuzzDevice(f)
	c := enroll(f, fac, d)
	s := verifyState{challenge: bytes.Repeat([]byte{3}, 32), allowed: [][]byte{d.id}}
	step := factor.Step{Prompt: requestOptions{Challenge: encodeBase64(s.challenge)}, State: s.encode()}
	for _, change := range []func(*device){
		func(*device) {},
		func(d *device) { d.flags = up | uv | be | bs },
		func(d *device) { d.flags, d.extra = up|ed, []byte{0xa1, 0x61, 'a', 1} },
		func(d *device) { d.flags, d.extra = up|ed, []byte{0xa1, 0x63, 'u', 'v', 'm', 0x81, 0x83, 2, 4, 2} },
		func(d *device) { d.count = 1<<32 - 1 },
	} {
		f.Add(d.with(change).authData(false))
	}
	f.Add(d.with(func(d *device) { d.flags = up | at }).authData(true))
	f.Fuzz(func(t *testing.T, authData []byte) {
		clientData := d.collect(t, "webauthn.get", encodeBase64(s.challenge))
		result, err := finishVerify(fac, step, d.credential(t, map[string]any{
			"clientDataJSON": encodeBase64(clientData), "authenticatorData": encodeBase64(authData),
			"signature": encodeBase64(d.signature(t, authData, clientData)),
		}), c)
		if err != nil {
			require.ErrorIs(t, err, factor.ErrRejected)
			return
		}
		flags := authData[32]
		require.Equal(t, up, flags&(up|be|bs), "present, and as eligible for backup as at enrolment")
		require.Equal(t, flags&uv != 0, result.Evidence.UserVerified)
	})
}

func FuzzFinishVerify(f *testing.F) {
	fac := newFactor(f, nil)
	d := fuzzDevice(f)
	c := enroll(f, fac, d)
	s := verifyState{challenge: bytes.Repeat([]byte{3}, 32), allowed: [][]byte{d.id}}
	step := factor.Step{Prompt: requestOptions{Challenge: encodeBase64(s.challenge)}, State: s.encode()}
	good := d.get(f, step)
	f.Add(good)
	for _, change := range []func(*device){
		func(d *device) { d.flags, d.extra = up|ed, []byte{0xa1, 0x61, 'a', 1} },
		func(d *device) { d.handle = []byte("x") },
		func(d *device) { d.flags = up | at },
		func(d *device) { d.sign = func([]byte) []byte { return nil } },
		func(d *device) { d.outer = map[string]any{"clientExtensionResults": map[string]any{"appid": true}} },
	} {
		f.Add(d.with(change).get(f, step))
	}
	f.Add([]byte("{}"))
	f.Add([]byte("null"))
	signed := func(response []byte) string {
		parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
		if err != nil {
			return ""
		}
		r := &parsed.Raw.AssertionResponse
		return string(r.AuthenticatorData) + string(r.ClientDataJSON)
	}
	honest := map[string]bool{
		signed(good): true,
		signed(d.with(func(d *device) { d.flags, d.extra = up|ed, []byte{0xa1, 0x61, 'a', 1} }).get(f, step)): true,
	}
	f.Fuzz(func(t *testing.T, response []byte) {
		result, err := finishVerify(fac, step, response, c)
		if err != nil {
			require.ErrorIs(t, err, factor.ErrRejected)
			require.Zero(t, result)
			return
		}
		require.True(t, honest[signed(response)], "only what the key has signed is accepted")
		require.Equal(t, c.ID, result.Credential.ID)
	})
}

func FuzzCredentialKey(f *testing.F) {
	fac := newFactor(f, nil)
	f.Add([]byte(`{"id":"AAAAAAAAAAAAAAAAAAAAAA"}`))
	f.Add([]byte(`{"id":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, response []byte) {
		k, err := fac.CredentialKey(response)
		if err != nil {
			require.ErrorIs(t, err, factor.ErrRejected)
			return
		}
		require.Len(t, k, 43)
	})
}

func FuzzDecodeKey(f *testing.F) {
	k := key{id: []byte("i"), handle: []byte("h"), publicKey: []byte("p"), format: "none", transports: []string{"usb"}}
	f.Add(k.encode())
	f.Add([]byte{})
	f.Add([]byte{keyVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	fac := newFactor(f, nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := decodeKey(data)
		c := factor.Credential{ID: "c", Data: data}
		details := fac.Describe(c)
		if err != nil {
			require.ErrorIs(t, err, errKey)
			require.Empty(t, details)
			_, err = fac.BeginVerify(context.Background(), request(factor.PurposeVerify, c))
			requireFault(t, err)
			return
		}
		require.Equal(t, data, k.encode(), "one encoding per value")
		id, err := decodeKeyID(data)
		require.NoError(t, err)
		require.Equal(t, k.id, id)
	})
}

func FuzzDecodeState(f *testing.F) {
	f.Add(fuzzEnrollState().encode())
	f.Add((&verifyState{challenge: make([]byte, 32), allowed: [][]byte{{1}}}).encode())
	f.Add([]byte{verifyState1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		enroll, err1 := decodeEnrollState(data)
		verify, err2 := decodeVerifyState(data)
		switch {
		case err1 == nil:
			require.Equal(t, data, enroll.encode(), "one encoding per value")
			require.ErrorIs(t, err2, errState, "never both")
		case err2 == nil:
			require.Equal(t, data, verify.encode(), "one encoding per value")
		default:
			require.True(t, errors.Is(err1, errState) && errors.Is(err2, errState))
		}
	})
}
