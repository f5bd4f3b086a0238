package mfa

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is stored has one encoding, fixed here byte by byte: a change of it
// needs a new version.

var (
	sampleTime     = time.Date(2026, 5, 4, 10, 0, 0, 5e6, time.UTC)
	sampleCeremony = ceremony{
		purpose: "verify", method: "totp", userID: "u", session: "s", digest: "d", state: []byte{1, 2}, tries: 3, refresh: true,
		name: "n", params: map[string]string{"b": "2", "a": "1"}, began: sampleTime, expires: sampleTime.Add(time.Minute),
	}
	sampleCounter = counter{failures: 7, until: sampleTime, open: []lease{{id: 1 << 63, ends: sampleTime}}}
	sampleWindow  = window{n: 3, from: sampleTime}
)

func TestGoldenEncodings(t *testing.T) {
	for _, c := range []struct {
		name, golden string
		encoded      []byte
	}{
		{"ceremony", "010676657269667904746f74700175017301640201020601016e020161013101620132018ab4f1a6be6701caddf8a6be67", sampleCeremony.encode()},
		{"counter", "0107018ab4f1a6be670180808080808080808001018ab4f1a6be67", sampleCounter.encode()},
		{"window", "0103018ab4f1a6be67", sampleWindow.encode()},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.golden, hex.EncodeToString(c.encoded))
		})
	}
}

func TestDecodersReturnWhatWasEncoded(t *testing.T) {
	ceremony, err := decodeCeremony(sampleCeremony.encode())
	require.NoError(t, err)
	assert.Equal(t, sampleCeremony, *ceremony)
	counter, err := decodeCounter(sampleCounter.encode())
	require.NoError(t, err)
	assert.Equal(t, sampleCounter, counter)
	window, err := decodeWindow(sampleWindow.encode())
	require.NoError(t, err)
	assert.Equal(t, sampleWindow, window)
}

func TestDecodersRefuseEveryTruncationAndUnknownVersions(t *testing.T) {
	for name, c := range map[string]struct {
		encoded []byte
		decode  func([]byte) error
	}{
		"ceremony": {sampleCeremony.encode(), func(b []byte) error { _, err := decodeCeremony(b); return err }},
		"counter":  {sampleCounter.encode(), func(b []byte) error { _, err := decodeCounter(b); return err }},
		"window":   {sampleWindow.encode(), func(b []byte) error { _, err := decodeWindow(b); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			for n := range c.encoded {
				require.Error(t, c.decode(c.encoded[:n]), "%d bytes", n)
			}
			require.Error(t, c.decode(append(slices.Clip(c.encoded), 0)), "a byte more")
			other := append([]byte{99}, c.encoded[1:]...)
			require.Error(t, c.decode(other), "another version")
		})
	}
}

func FuzzDecodeCeremony(f *testing.F) {
	f.Add(sampleCeremony.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeCeremony(b); err == nil {
			assert.Equal(t, b, c.encode())
		}
	})
}

func FuzzDecodeCounter(f *testing.F) {
	f.Add(sampleCounter.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeCounter(b); err == nil {
			assert.Equal(t, b, c.encode())
		}
	})
}

func FuzzDecodeWindow(f *testing.F) {
	f.Add(sampleWindow.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := decodeWindow(b); err == nil {
			assert.Equal(t, b, w.encode())
		}
	})
}
