package redisstore

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

func TestEncodingIsAsDocumented(t *testing.T) {
	r := mfa.Record{Key: "ceremony/1", Data: []byte("data"), ExpiresAt: time.UnixMicro(0x0102030405060708).In(time.FixedZone("", 3600)), Version: -2}
	value := "\x01" + "\xff\xff\xff\xff\xff\xff\xff\xfe" + "\x01\x02\x03\x04\x05\x06\x07\x08" + "data"
	assert.Equal(t, value, string(encode(r)))
	assert.Equal(t, value[:headSize], string(head(r.Version)))

	r.ExpiresAt = r.ExpiresAt.UTC()
	got, err := decode(r.Key, value)
	require.NoError(t, err)
	assert.Equal(t, r, got)
}

func TestNeverIsTheZeroTime(t *testing.T) {
	for _, at := range []time.Time{{}, time.Time{}.In(time.FixedZone("", -3600))} {
		got, err := decode("k", string(encode(mfa.Record{ExpiresAt: at, Version: 1})))
		require.NoError(t, err)
		assert.Equal(t, time.Time{}, got.ExpiresAt)
	}
}

func TestOtherValuesAreNoRecords(t *testing.T) {
	good := string(encode(mfa.Record{Version: 1}))
	_, err := decode("k", good)
	require.NoError(t, err)
	for _, value := range []string{"", "\x01", good[:len(good)-1], "\x00" + good[1:], "\x02" + good[1:], "1" + good[1:]} {
		_, err := decode("k", value)
		assert.ErrorContains(t, err, "no record", "%q", value)
	}
}

// FuzzDecode: a value that is accepted is the only one of its record.
func FuzzDecode(f *testing.F) {
	for _, r := range []mfa.Record{
		{},
		{Version: 1, Data: []byte("sealed"), ExpiresAt: time.Date(2026, 3, 29, 1, 30, 0, 123456000, time.UTC)},
		{Version: math.MinInt64, Data: bytes.Repeat([]byte{0}, 300), ExpiresAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	} {
		f.Add(string(encode(r)))
	}
	f.Add("")
	f.Add("\x02 of tomorrow, and long enough")
	f.Fuzz(func(t *testing.T, value string) {
		r, err := decode("k", value)
		if err != nil {
			require.Zero(t, r)
			return
		}
		assert.Equal(t, time.UTC, r.ExpiresAt.Location())
		assert.Equal(t, value, string(encode(r)))
		assert.True(t, bytes.HasPrefix([]byte(value), head(r.Version)))
	})
}
