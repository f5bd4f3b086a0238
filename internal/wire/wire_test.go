package wire

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func encode(u uint64, i int64, s string, ok bool, t time.Time) []byte {
	b := AppendUint(nil, u)
	b = AppendInt(b, i)
	b = AppendString(b, s)
	b = AppendBool(b, ok)
	return AppendTime(b, t)
}

func decode(b []byte) (u uint64, i int64, s string, ok bool, t time.Time, err error) {
	r := NewReader(b)
	u, i, s, ok, t = r.Uint(), r.Int(), r.String(), r.Bool(), r.Time()
	text := NewTextReader(b)
	text.Uint()
	text.Int()
	if same := text.String(); same != s {
		return 0, 0, "", false, t, errors.New("the readers differ")
	}
	return u, i, s, ok, t, r.Done()
}

func TestRoundTrip(t *testing.T) {
	at := time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	for _, when := range []time.Time{{}, at, time.UnixMilli(0).UTC(), time.UnixMilli(-5).UTC()} {
		u, i, s, ok, got, err := decode(encode(1<<63, -1<<62, "a\x00b", true, when))
		require.NoError(t, err)
		assert.Equal(t, uint64(1<<63), u)
		assert.Equal(t, int64(-1<<62), i)
		assert.Equal(t, "a\x00b", s)
		assert.True(t, ok)
		assert.Equal(t, when, got)
	}
}

func TestMalformed(t *testing.T) {
	good := encode(300, -300, "secret", false, time.UnixMilli(77))
	for n := range good {
		_, _, _, _, _, err := decode(good[:n])
		assert.ErrorIs(t, err, ErrMalformed, "truncated to %d bytes", n)
	}
	_, _, _, _, _, err := decode(append(good, 0))
	require.ErrorIs(t, err, ErrMalformed, "trailing byte")

	r := NewReader([]byte{0x80, 0x00})
	r.Uint()
	require.ErrorIs(t, r.Done(), ErrMalformed, "not the shortest form")
	r = NewReader([]byte{2})
	r.Bool()
	require.ErrorIs(t, r.Done(), ErrMalformed, "neither 0 nor 1")
	r = NewReader([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	assert.Zero(t, r.Len(), "a length beyond the input")
	require.ErrorIs(t, r.Done(), ErrMalformed)
}

func FuzzReader(f *testing.F) {
	f.Add(encode(1, -1, "x", true, time.UnixMilli(1)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		u, i, s, ok, when, err := decode(b)
		if err == nil {
			assert.Equal(t, b, encode(u, i, s, ok, when), "one value, one encoding")
		}
	})
}
