package webauthnfactor

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is stored must stay readable: a change of these bytes needs a new
// version beside the old one.
func TestGoldenKey(t *testing.T) {
	k := key{
		id: []byte("0123456789abcdef"), handle: []byte("handle"), publicKey: []byte{0xa0},
		signCount: 300, userVerified: true, backedUp: true, backupEligible: true,
		aaguid: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		format: "none", transports: []string{"usb", "hybrid"},
	}
	const golden = "01" + // version
		"10" + "30313233343536373839616263646566" + // id
		"06" + "68616e646c65" + // user handle
		"01" + "a0" + // public key
		"ac02" + // signature counter
		"07" + // UV, BE, BS
		"10" + "0102030405060708090a0b0c0d0e0f10" + // AAGUID
		"04" + "6e6f6e65" + // attestation format
		"02" + "03757362" + "06687962726964" // transports
	require.Equal(t, golden, hex.EncodeToString(k.encode()))
	back, err := decodeKey(k.encode())
	require.NoError(t, err)
	require.Equal(t, k, back)

	for name, change := range map[string]func(*key){
		"flags": func(k *key) { k.userVerified, k.backedUp, k.backupEligible = false, false, true },
		"empty": func(k *key) { k.signCount, k.format, k.transports = 0, "", nil },
		"full":  func(k *key) { k.signCount, k.id = 1<<32-1, bytes.Repeat([]byte{9}, 1023) },
	} {
		changed := k
		change(&changed)
		back, err := decodeKey(changed.encode())
		require.NoError(t, err, name)
		require.Equal(t, changed, back, name)
	}
}

func TestGoldenEnrollState(t *testing.T) {
	s := enrollState{
		challenge: bytes.Repeat([]byte{0xcc}, 32), handle: []byte("handle"), userVerified: true,
		algorithms: []int64{-8, -7, -257},
	}
	golden := "01" + "20" + strings.Repeat("cc", 32) + "06" + "68616e646c65" + "01" + "03" + "0f" + "0d" + "8104"
	require.Equal(t, golden, hex.EncodeToString(s.encode()))
	back, err := decodeEnrollState(s.encode())
	require.NoError(t, err)
	require.Equal(t, s, back)
}

func TestGoldenVerifyState(t *testing.T) {
	s := verifyState{
		challenge: bytes.Repeat([]byte{0xcc}, 32), userVerified: true,
		allowed: [][]byte{[]byte("one"), []byte("three")},
	}
	golden := "02" + "20" + strings.Repeat("cc", 32) + "01" + "02" + "03" + "6f6e65" + "05" + "7468726565"
	require.Equal(t, golden, hex.EncodeToString(s.encode()))
	back, err := decodeVerifyState(s.encode())
	require.NoError(t, err)
	require.Equal(t, s, back)
}

func TestDecodersRefuse(t *testing.T) {
	good := key{id: []byte("i"), handle: []byte("h"), publicKey: []byte("p"), format: "none"}
	for name, change := range map[string]func(b []byte) []byte{
		"nothing":         func([]byte) []byte { return nil },
		"unknown version": func(b []byte) []byte { b[0]++; return b },
		"trailing":        func(b []byte) []byte { return append(b, 0) },
		"truncated":       func(b []byte) []byte { return b[:len(b)-1] },
		"unknown flag":    func(b []byte) []byte { b[8] = flagsEnd; return b },
		"short AAGUID":    func(b []byte) []byte { return append(append(b[:9:9], 15), b[11:]...) },
	} {
		_, err := decodeKey(change(good.encode()))
		require.ErrorIs(t, err, errKey, name)
	}
	for name, change := range map[string]func(k *key){
		"no id":         func(k *key) { k.id = nil },
		"no handle":     func(k *key) { k.handle = nil },
		"no public key": func(k *key) { k.publicKey = nil },
	} {
		k := good
		change(&k)
		_, err := decodeKey(k.encode())
		require.ErrorIs(t, err, errKey, name)
	}
	short := enrollState{challenge: make([]byte, 31), handle: []byte("h")}
	_, err := decodeEnrollState(short.encode())
	require.ErrorIs(t, err, errState)
	_, err = decodeVerifyState((&verifyState{challenge: make([]byte, 31)}).encode())
	require.ErrorIs(t, err, errState)
	_, err = decodeEnrollState((&enrollState{challenge: make([]byte, 32)}).encode())
	require.ErrorIs(t, err, errState)
}
