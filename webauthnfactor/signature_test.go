package webauthnfactor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryAlgorithmVerifies(t *testing.T) {
	f := newFactor(t, nil)
	for name, d := range map[string]*device{
		"ES256": newDevice(t), "EdDSA": ed25519Device(t), "RS256": rsaDevice(t, 2048),
	} {
		t.Run(name, func(t *testing.T) {
			c := enroll(t, f, d)
			step := beginVerify(t, f, c)
			result, err := finishVerify(f, step, d.get(t, step), c)
			require.NoError(t, err)
			want := c
			want.Data = result.Credential.Data
			require.Equal(t, want, result.Credential, "only Data may change")
			require.Empty(t, result.Note)

			forged := d.with(func(d *device) { d.sign = func([]byte) []byte { return make([]byte, 64) } })
			_, err = finishVerify(f, step, forged.get(t, step), c)
			requireRejected(t, err, reasonSignature)
		})
	}
}

func TestH10_OnlyCanonicalSignatures(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	step := beginVerify(t, f, c)
	n := elliptic.P256().Params().N
	private := d.signer.(*ecdsa.PrivateKey)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	honest := func(m []byte) (r, s *big.Int) {
		digest := sha256.Sum256(m)
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		require.NoError(t, err)
		return r, s
	}
	ints := func(change func(r, s *big.Int) (*big.Int, *big.Int)) func([]byte) []byte {
		return func(m []byte) []byte { return ecdsaDER(change(honest(m))) }
	}
	der := func(change func(sig []byte) []byte) func([]byte) []byte {
		return func(m []byte) []byte { return change(ecdsaDER(honest(m))) }
	}
	zero, one := new(big.Int), big.NewInt(1)
	for _, tt := range []struct {
		name string
		sign func([]byte) []byte
		ok   bool
	}{
		{"honest", der(func(sig []byte) []byte { return sig }), true},
		{"both zero", ints(func(_, _ *big.Int) (*big.Int, *big.Int) { return zero, zero }), false},
		{"r zero", ints(func(_, s *big.Int) (*big.Int, *big.Int) { return zero, s }), false},
		{"s zero", ints(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, zero }), false},
		{"both one", ints(func(_, _ *big.Int) (*big.Int, *big.Int) { return one, one }), false},
		{"r is n", ints(func(_, s *big.Int) (*big.Int, *big.Int) { return n, s }), false},
		{"s is n", ints(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, n }), false},
		{"r plus n", ints(func(r, s *big.Int) (*big.Int, *big.Int) { return new(big.Int).Add(r, n), s }), false},
		{"s plus n", ints(func(r, s *big.Int) (*big.Int, *big.Int) { return r, new(big.Int).Add(s, n) }), false},
		{"swapped", ints(func(r, s *big.Int) (*big.Int, *big.Int) { return s, r }), false},
		{"r negative", der(func(sig []byte) []byte {
			r := sig[4] // the first byte of r, or the zero before it
			if r == 0 {
				return slices.Concat([]byte{0x30, sig[1] - 1, 2, sig[3] - 1}, sig[5:])
			}
			sig[4] |= 0x80
			return sig
		}), false},
		{"r with a leading zero", der(func(sig []byte) []byte {
			return slices.Concat([]byte{0x30, sig[1] + 1, 2, sig[3] + 1, 0}, sig[4:])
		}), false},
		{"long-form length", der(func(sig []byte) []byte {
			return slices.Concat([]byte{0x30, 0x81}, sig[1:])
		}), false},
		{"indefinite length", der(func(sig []byte) []byte {
			return slices.Concat([]byte{0x30, 0x80}, sig[2:], []byte{0, 0})
		}), false},
		{"trailing byte", der(func(sig []byte) []byte { return append(sig, 0) }), false},
		{"trailing byte inside", der(func(sig []byte) []byte { sig[1]++; return append(sig, 0) }), false},
		{"truncated", der(func(sig []byte) []byte { return sig[:len(sig)-1] }), false},
		{"set instead of sequence", der(func(sig []byte) []byte { sig[0] = 0x31; return sig }), false},
		{"raw r and s", func(m []byte) []byte {
			r, s := honest(m)
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}, false},
		{"empty sequence", func([]byte) []byte { return []byte{0x30, 0} }, false},
		{"another curve", func(m []byte) []byte {
			digest := sha256.Sum256(m)
			sig, err := ecdsa.SignASN1(rand.Reader, p384, digest[:])
			require.NoError(t, err)
			return sig
		}, false},
		{"over the message itself", func(m []byte) []byte {
			sig, err := ecdsa.SignASN1(rand.Reader, private, m[:32])
			require.NoError(t, err)
			return sig
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response := d.with(func(d *device) { d.sign = tt.sign }).get(t, step)
			_, err := finishVerify(f, step, response, c)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, reasonSignature)
		})
	}
}
