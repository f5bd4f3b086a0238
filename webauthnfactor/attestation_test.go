package webauthnfactor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

func TestG06_Algorithms(t *testing.T) {
	f := newFactor(t, nil)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	n2048, n4104 := odd(2048), odd(4104)
	e := []byte{1, 0, 1}
	for _, tt := range []struct {
		name   string
		cose   []byte
		reason string
	}{
		{"ES256", ec2Key(t, &p256.PublicKey, -7, 1), ""},
		{"EdDSA", ed25519Device(t).cose, ""},
		{"RS256", rsaKey(t, n2048, e, -257), ""},
		{"ES384", ec2Key(t, &p384.PublicKey, -35, 2), reasonAlgorithm},
		{"RS1", rsaKey(t, n2048, e, -65535), reasonAlgorithm},
		{"PS256", rsaKey(t, n2048, e, -37), reasonAlgorithm},
		{"RSA key that says ES256", rsaKey(t, n2048, e, -7), reasonAlgorithm},
		{"RSA of 1024 bits", rsaKey(t, odd(1024), e, -257), reasonPublicKey},
		{"RSA of 4104 bits", rsaKey(t, n4104, e, -257), reasonPublicKey},
		{"RSA as large as fits", rsaKey(t, odd(8*9000), e, -257), reasonPublicKey},
		{"RSA with even modulus", rsaKey(t, append(slices.Clone(n2048[:255]), 2), e, -257), reasonPublicKey},
		{"RSA with exponent 1", rsaKey(t, n2048, []byte{1}, -257), reasonPublicKey},
		{"RSA with huge exponent", rsaKey(t, n2048, []byte{1, 0, 0, 0, 1}, -257), reasonPublicKey},
		{"P-256 key on P-384", ec2Key(t, &p256.PublicKey, -7, 2), reasonPublicKey},
		{"P-384 key that says ES256", ec2Key(t, &p384.PublicKey, -7, 1), reasonPublicKey},
		{"point off the curve", encodeCBOR(t, map[int]any{
			1: 2, 3: -7, -1: 1, -2: bytes.Repeat([]byte{1}, 32), -3: bytes.Repeat([]byte{1}, 32),
		}), reasonPublicKey},
		{"point at infinity", encodeCBOR(t, map[int]any{
			1: 2, 3: -7, -1: 1, -2: make([]byte, 32), -3: make([]byte, 32),
		}), reasonPublicKey},
		{"short Ed25519 key", encodeCBOR(t, map[int]any{1: 1, 3: -8, -1: 6, -2: make([]byte, 31)}), reasonPublicKey},
		{"Ed448", encodeCBOR(t, map[int]any{1: 1, 3: -8, -1: 7, -2: make([]byte, 57)}), reasonPublicKey},
		{"symmetric", encodeCBOR(t, map[int]any{1: 4, 3: 5, -1: make([]byte, 32)}), reasonPublicKey},
		{"empty", encodeCBOR(t, map[int]any{}), reasonPublicKey},
		{"not a map", encodeCBOR(t, []int{1, 2}), reasonPublicKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			step := beginEnroll(t, f)
			d := newDevice(t).with(func(d *device) { d.cose = tt.cose })
			_, err := finishEnroll(f, step, d.create(t, step))
			if tt.reason == "" {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, tt.reason)
		})
	}
}

// odd returns an odd number of so many bits.
func odd(bits int) []byte {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return n.Add(n, big.NewInt(1)).Bytes()
}

func TestG06_AlgorithmNotInThisCeremony(t *testing.T) {
	f := newFactor(t, nil)
	step := beginEnroll(t, f)
	s, err := decodeEnrollState(step.State)
	require.NoError(t, err)
	s.algorithms = []int64{-8}
	step.State = s.encode()
	_, err = finishEnroll(f, step, newDevice(t).create(t, step))
	requireRejected(t, err, reasonAlgorithm)
}

func TestG06_Attachment(t *testing.T) {
	f := newFactor(t, func(c *Config) { c.AuthenticatorAttachment = AttachmentPlatform })
	for attachment, ok := range map[any]bool{"platform": true, "cross-platform": false, "other": false, nil: false} {
		step := beginEnroll(t, f)
		d := newDevice(t).with(func(d *device) { d.outer = map[string]any{"authenticatorAttachment": attachment} })
		_, err := finishEnroll(f, step, d.create(t, step))
		if ok {
			require.NoError(t, err)
			continue
		}
		requireRejected(t, err, reasonAttachment)
	}
}

// selfAttested gives the device's answers a packed self attestation.
func (d *device) selfAttested(t testing.TB, step factor.Step) map[string]any {
	t.Helper()
	authData := d.authData(true)
	clientData := d.collect(t, "webauthn.create", promptOf(t, step)["challenge"].(string))
	return map[string]any{
		"fmt": "packed", "authData": authData,
		"attStmt": map[string]any{"alg": -7, "sig": d.signature(t, authData, clientData)},
	}
}

func TestG06_Attestation(t *testing.T) {
	for _, conveyance := range []Attestation{AttestationNone, AttestationIndirect, AttestationDirect, AttestationEnterprise} {
		t.Run(string(conveyance), func(t *testing.T) {
			f := newFactor(t, func(c *Config) { c.Attestation = conveyance })
			d := newDevice(t)

			step := beginEnroll(t, f)
			_, err := finishEnroll(f, step, d.create(t, step))
			if conveyance == AttestationDirect || conveyance == AttestationEnterprise {
				requireRejected(t, err, reasonAttestation)
			} else {
				require.NoError(t, err)
			}

			d.attest = d.selfAttested(t, step)
			e, err := finishEnroll(f, step, d.create(t, step))
			require.NoError(t, err)
			require.Equal(t, "packed", f.Describe(e.Credential)["attestation_format"])
			require.False(t, e.Evidence.HardwareBound, "nothing proves where this key lives")

			d.attest["attStmt"].(map[string]any)["sig"] = []byte{1, 2, 3}
			_, err = finishEnroll(f, step, d.create(t, step))
			requireRejected(t, err, reasonAttestationVerify)

			for _, format := range []string{"", "android-safetynet", "fido-u2f", "tpm", "apple", "android-key", "compound", "unheard-of"} {
				d.attest = d.selfAttested(t, step)
				d.attest["fmt"] = format
				_, err = finishEnroll(f, step, d.create(t, step))
				require.ErrorIs(t, err, factor.ErrRejected, format)
			}
		})
	}
}

func TestG06_ClientParametersChangeNothing(t *testing.T) {
	f := newFactor(t, func(c *Config) { c.UserVerification = UserVerificationRequired })
	r := request(factor.PurposeEnroll)
	r.Params = map[string]string{
		"userVerification": "discouraged", "user_verification": "discouraged", "attestation": "none",
		"authenticatorAttachment": "platform", "rpId": "evil.test", "timeout": "1",
	}
	step, err := f.BeginEnroll(context.Background(), r)
	require.NoError(t, err)
	plain := beginEnroll(t, f)
	a, b := promptOf(t, step), promptOf(t, plain)
	for _, random := range []string{"challenge", "user"} {
		delete(a, random)
		delete(b, random)
	}
	require.Equal(t, b, a)
}
