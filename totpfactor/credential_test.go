package totpfactor

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var golden = credential{key: key{params: params{SHA256, 8, 60}, secret: []byte("12345678901234567890")}, last: 59_000_000}

// TestGoldenEncoding holds what is in databases. A change needs a new version
// byte and a decoder that still reads this one.
func TestGoldenEncoding(t *testing.T) {
	const (
		data  = "01" + "01" + "08" + "3c" + "14" + "3132333435363738393031323334353637383930" + "c089911c"
		state = "81" + "01" + "08" + "3c" + "14" + "3132333435363738393031323334353637383930"
	)
	assert.Equal(t, data, hex.EncodeToString(golden.encode()))
	assert.Equal(t, state, hex.EncodeToString(golden.key.encode()))
	c, err := decodeCredential(golden.encode())
	require.NoError(t, err)
	assert.Equal(t, golden, c)
	k, err := decodeKey(golden.key.encode())
	require.NoError(t, err)
	assert.Equal(t, golden.key, k)
}

func FuzzDecodeCredential(f *testing.F) {
	f.Add(golden.encode())
	f.Add(credential{key: key{params: params{SHA1, 6, 30}, secret: make([]byte, 20)}}.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCredential(b)
		if err != nil {
			assert.Zero(t, c)
			return
		}
		assert.Equal(t, b, c.encode(), "one value, one encoding")
		assert.GreaterOrEqual(t, len(c.secret), minSecretSize)
	})
}

func FuzzDecodeEnrollment(f *testing.F) {
	f.Add(golden.key.encode())
	f.Add(golden.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := decodeKey(b)
		if err != nil {
			assert.Zero(t, k)
			return
		}
		assert.Equal(t, b, k.encode(), "one value, one encoding")
	})
}

func TestO10_SecretsArePrintedNowhere(t *testing.T) {
	prompt := Prompt{Secret: golden.base32(), URI: golden.uri("Example", "alice"), QRSVG: "<svg>" + golden.base32() + "</svg>"}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	text := slog.New(slog.NewTextHandler(&out, nil))
	for _, v := range []any{golden, &golden, []credential{golden}, golden.key, &golden.key, prompt, &prompt, []Prompt{prompt}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text.Info("x", "v", v)
		if _, is := v.([]Prompt); !is { // a slice is JSON to slog, and JSON is what a Prompt is for
			log.Info("x", "v", v)
		}
		require.NoError(t, gob.NewEncoder(&out).Encode(v))
		switch v.(type) {
		case Prompt, *Prompt, []Prompt:
		default:
			b, err := json.Marshal(v)
			require.NoError(t, err)
			out.Write(b)
		}
	}
	assert.Contains(t, out.String(), redacted)
	for _, secret := range []string{golden.base32(), string(golden.secret), hex.EncodeToString(golden.secret), "otpauth"} {
		assert.NotContains(t, out.String(), secret)
	}
}
