package lookup

import (
	"bytes"
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

func goldenSet() set {
	s := set{total: 12, key: bytes.Repeat([]byte{0xa5}, keySize)}
	s.digests = append(s.digests, s.digest([]byte("0123456789abcdef")), s.digest([]byte("ghjkmnpqrstvwxyz")))
	return s
}

// TestGoldenEncoding holds what is in databases. A change needs a new version
// byte and a decoder that still reads this one. The digests can be had from
// any HMAC-SHA-256.
func TestGoldenEncoding(t *testing.T) {
	s := goldenSet()
	assert.Equal(t, "01"+"0c"+"20"+strings.Repeat("a5", 32)+"02"+
		"d0faa977af676007547ebe9be39e1ddd"+
		"b77eb767724425a73a54be8da8e67a29", hex.EncodeToString(s.encode()))
	back, err := decodeSet(s.encode())
	require.NoError(t, err)
	assert.Equal(t, s, back)
}

func FuzzDecodeSet(f *testing.F) {
	f.Add(goldenSet().encode())
	f.Add(set{total: 50, key: make([]byte, keySize), digests: nil}.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSet(b)
		if err != nil {
			assert.Zero(t, s)
			return
		}
		assert.Equal(t, b, s.encode(), "one value, one encoding")
	})
}

func TestO10_SecretsArePrintedNowhere(t *testing.T) {
	s := goldenSet()
	prompt := Prompt{Codes: []string{"0123-4567-89ab-cdef"}}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	text := slog.New(slog.NewTextHandler(&out, nil))
	for _, v := range []any{s, &s, []set{s}, prompt, &prompt, []Prompt{prompt}} {
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
	for _, secret := range []string{"0123", string(s.key), hex.EncodeToString(s.key), "165 165", hex.EncodeToString(s.digests[0][:])} {
		assert.NotContains(t, out.String(), secret)
	}
}
