package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secret returns the test key number n.
func secret(n byte) []byte {
	b := make([]byte, KeySize)
	for i := range b {
		b[i] = n + byte(i)
	}
	return b
}

func newRing(t testing.TB, purpose string, secrets ...[]byte) *Ring {
	t.Helper()
	r, err := NewRing(purpose, secrets)
	require.NoError(t, err)
	return r
}

func mustSeal(t testing.TB, r *Ring, plaintext string, context ...string) []byte {
	t.Helper()
	sealed, err := r.Seal([]byte(plaintext), context...)
	require.NoError(t, err)
	return sealed
}

func TestSealOpen(t *testing.T) {
	r := newRing(t, "test", secret(1))
	for _, plaintext := range []string{"", "x", strings.Repeat("long", 10_000)} {
		sealed := mustSeal(t, r, plaintext, "credential", "c1", "u1", "totp")
		assert.Len(t, sealed, len(plaintext)+Overhead)
		got, err := r.Open(sealed, "credential", "c1", "u1", "totp")
		require.NoError(t, err)
		assert.Equal(t, plaintext, string(got))
		if len(plaintext) > 1 {
			assert.NotContains(t, string(sealed), plaintext)
		}
	}
}

func TestO01_SwappedContextsFail(t *testing.T) {
	r := newRing(t, "test", secret(1))
	contexts := [][]string{
		{"credential", "c1", "u1", "totp"},
		{"credential", "c2", "u1", "totp"},
		{"credential", "c1", "u2", "totp"},
		{"credential", "c1", "u1", "webauthn"},
		{"record", "c1", "u1", "totp"},
		{"credential", "u1", "c1", "totp"},
		{"credential", "c1", "u1"},
		{"credential", "c1", "u1", "totp", "x"},
		{"credential", "c1u", "1", "totp"},
		{"credential", "c", "1u1", "totp"},
		{"credentialc1u1totp"},
		{"credential\x02c1\x02u1\x04totp"},
	}
	for i, own := range contexts {
		sealed := mustSeal(t, r, "secret", own...)
		for j, other := range contexts {
			_, err := r.Open(sealed, other...)
			if i == j {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, ErrOpen, "sealed for %q, opened for %q", own, other)
			}
		}
	}
}

func TestO02_EmptyContextIsRefused(t *testing.T) {
	r := newRing(t, "test", secret(1))
	sealed := mustSeal(t, r, "x", "credential", "c1", "u1")
	for _, context := range [][]string{nil, {""}, {"", "c1", "u1"}, {"credential", "", "u1"}, {"credential", "c1", ""}} {
		out, err := r.Seal([]byte("x"), context...)
		require.ErrorIs(t, err, ErrContext, "%q", context)
		assert.Nil(t, out)
		_, err = r.Open(sealed, context...)
		require.ErrorIs(t, err, ErrContext, "%q", context)
	}
}

func TestO03_KeyRotation(t *testing.T) {
	old := newRing(t, "test", secret(1))
	both := newRing(t, "test", secret(2), secret(1))
	renewed := newRing(t, "test", secret(2))

	first := mustSeal(t, old, "x", "c")
	got, err := both.Open(first, "c")
	require.NoError(t, err)
	assert.Equal(t, "x", string(got))
	assert.True(t, old.Current(first))
	assert.False(t, both.Current(first), "it is to be sealed again")

	second := mustSeal(t, both, "x", "c")
	assert.True(t, both.Current(second))
	assert.NotEqual(t, first[1:header], second[1:header], "the key id is in clear")
	_, err = renewed.Open(second, "c")
	require.NoError(t, err)
	_, err = old.Open(second, "c")
	require.ErrorIs(t, err, ErrUnknownKey)
	_, err = renewed.Open(first, "c")
	require.ErrorIs(t, err, ErrUnknownKey, "the old key is retired")
}

func TestO03_KeyIDIsAuthenticated(t *testing.T) {
	r := newRing(t, "test", secret(2), secret(1))
	first := mustSeal(t, newRing(t, "test", secret(1)), "x", "c")
	second := mustSeal(t, r, "x", "c")
	copy(first[1:header], second[1:header])
	_, err := r.Open(first, "c")
	require.ErrorIs(t, err, ErrOpen)
}

func TestO05_NoncesAreUnique(t *testing.T) {
	r := newRing(t, "test", secret(1))
	const n = 100_000
	seen := make(map[[24]byte]bool, n)
	for range n {
		sealed := mustSeal(t, r, "", "c")
		seen[[24]byte(sealed[header:])] = true
	}
	assert.Len(t, seen, n)
}

func TestO07_KeysArePerPurpose(t *testing.T) {
	a, b := newRing(t, "store", secret(1)), newRing(t, "cookie", secret(1))
	sealed := mustSeal(t, a, "x", "c")
	_, err := b.Open(sealed, "c")
	require.ErrorIs(t, err, ErrUnknownKey)
	copy(sealed[1:header], b.keys[0].id[:])
	_, err = b.Open(sealed, "c")
	require.ErrorIs(t, err, ErrOpen, "the keys differ, not only their ids")
}

// TestO07_GoldenDerivation holds what is in databases. The ids can be had
// from any HKDF-SHA-256 with an empty salt, and the value was sealed once by
// this package: a change of derivation or format makes stored data unreadable.
func TestO07_GoldenDerivation(t *testing.T) {
	assert.Equal(t, "0a86066deb571d65", hex.EncodeToString(newRing(t, "store", secret(1)).keys[0].id[:]))
	assert.Equal(t, "9275aa5eb6987419", hex.EncodeToString(newRing(t, "cookie", secret(1)).keys[0].id[:]))
	sealed, err := hex.DecodeString("010a86066deb571d65e12b25c336cd86da8c754ce817e8032a24e5909e5dc2015b48ac24a9d759c5bf78a8a56d059fec71ea31f5fa3865883982dd48de4e7d81")
	require.NoError(t, err)
	got, err := newRing(t, "store", secret(1)).Open(sealed, "credential", "c1", "u1", "totp")
	require.NoError(t, err)
	assert.Equal(t, "a sealed secret", string(got))
}

func TestO08_EveryTruncationFails(t *testing.T) {
	r := newRing(t, "test", secret(1))
	sealed := mustSeal(t, r, "a secret", "c")
	for n := range sealed {
		got, err := r.Open(sealed[:n], "c")
		require.Error(t, err, "%d bytes", n)
		require.Nil(t, got)
	}
	_, err := r.Open(append(bytes.Clone(sealed), 0), "c")
	require.ErrorIs(t, err, ErrOpen)
	assert.False(t, r.Current(sealed[:Overhead-1]))
}

func TestO08_EveryBitFlipFails(t *testing.T) {
	r := newRing(t, "test", secret(1))
	sealed := mustSeal(t, r, "a secret", "c")
	for i := range len(sealed) * 8 {
		damaged := bytes.Clone(sealed)
		damaged[i/8] ^= 1 << (i % 8)
		got, err := r.Open(damaged, "c")
		if i/8 < header {
			require.ErrorIs(t, err, ErrUnknownKey, "bit %d", i)
		} else {
			require.ErrorIs(t, err, ErrOpen, "bit %d", i)
		}
		require.Nil(t, got)
	}
}

func TestO08_PlaintextIsNoFallback(t *testing.T) {
	r := newRing(t, "test", secret(1))
	for _, b := range [][]byte{nil, {}, []byte("plaintext"), []byte(strings.Repeat("plaintext", 20)), bytes.Repeat([]byte{version}, 100), make([]byte, 100)} {
		_, err := r.Open(b, "c")
		require.ErrorIs(t, err, ErrUnknownKey)
		assert.False(t, r.Current(b))
	}
}

func TestO10_RingPrintsNoKey(t *testing.T) {
	r := newRing(t, "test", secret(1), secret(2))
	var out bytes.Buffer
	for _, v := range []any{r, *r, []*Ring{r}, struct{ R *Ring }{r}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		b, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(b)
		if err := gob.NewEncoder(&out).Encode(v); err == nil {
			t.Errorf("gob encodes a %T: it has nothing that may be stored", v)
		}
	}
	// The derived key is what must not appear: the AEAD holds it as bytes.
	k := derivedKey(t, secret(1), "test")
	for _, form := range []string{string(k), hex.EncodeToString(k), strings.Trim(fmt.Sprint(k), "[]"), hexList(k), strings.Trim(fmt.Sprint(secret(1)), "[]")} {
		assert.NotContains(t, out.String(), form)
	}
}

func hexList(b []byte) string {
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}")
}

func TestNewRingRefuses(t *testing.T) {
	for want, secrets := range map[string][][]byte{
		"no key":                nil,
		"key 0 has 31 bytes":    {secret(1)[:31]},
		"key 1 has 0 bytes":     {secret(1), nil},
		"key 0 has 64 bytes":    {append(secret(1), secret(2)...)},
		"one byte repeated":     {make([]byte, KeySize)},
		"key 1 is there twice":  {secret(1), secret(1)},
		"key 0 is one byte rep": {bytes.Repeat([]byte{0xff}, KeySize)},
	} {
		r, err := NewRing("test", secrets)
		require.ErrorContains(t, err, want)
		assert.Nil(t, r)
	}
}

func FuzzOpen(f *testing.F) {
	r := newRing(f, "test", secret(1))
	f.Add(mustSeal(f, r, "x", "c"), "c")
	f.Add(mustSeal(f, r, "x", "d"), "c")
	f.Add([]byte{version}, "c")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, sealed []byte, context string) {
		got, err := r.Open(sealed, context)
		if err != nil {
			require.Nil(t, got)
			return
		}
		require.Len(t, got, len(sealed)-Overhead)
		require.True(t, r.Current(sealed))
	})
}

func derivedKey(t *testing.T, secret []byte, purpose string) []byte {
	t.Helper()
	k, err := hkdf.Key(sha256.New, secret, nil, "go-mfa/mfa seal v1 "+purpose, KeySize)
	require.NoError(t, err)
	return k
}
