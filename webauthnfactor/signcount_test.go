package webauthnfactor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestH05_SignCount(t *testing.T) {
	reject := newFactor(t, nil)
	accept := newFactor(t, func(c *Config) { c.InsecureAcceptSignCount = true })
	const top = 1<<32 - 1
	for _, tt := range []struct {
		stored, received uint32
		rose             bool
		after            uint32
	}{
		{0, 0, true, 0},
		{0, 1, true, 1},
		{0, top, true, top},
		{5, 6, true, 6},
		{5, 500, true, 500},
		{5, 5, false, 5},
		{5, 3, false, 5},
		{5, 0, false, 5},
		{top, top, false, top},
		{top, 0, false, top},
	} {
		d := newDevice(t).with(func(d *device) { d.count = tt.stored })
		c := enroll(t, reject, d)
		d.count = tt.received
		step := beginVerify(t, reject, c)
		response := d.get(t, step)

		result, err := finishVerify(reject, step, response, c)
		if tt.rose {
			require.NoError(t, err)
			require.Empty(t, result.Note)
		} else {
			requireRejected(t, err, "signature counter did not rise")
			require.Zero(t, result)
			result, err = finishVerify(accept, step, response, c)
			require.NoError(t, err)
			require.Equal(t, "signature counter did not rise", result.Note)
		}
		k, err := decodeKey(result.Credential.Data)
		require.NoError(t, err)
		require.Equal(t, tt.after, k.signCount, "%d then %d", tt.stored, tt.received)
	}
}

func TestH05_CounterIsJudgedAfterTheSignature(t *testing.T) {
	// Otherwise anyone could raise the alarm.
	f := newFactor(t, nil)
	d := newDevice(t).with(func(d *device) { d.count = 5 })
	c := enroll(t, f, d)
	step := beginVerify(t, f, c)
	_, err := finishVerify(f, step, d.with(func(d *device) { d.sign = func([]byte) []byte { return []byte{1} } }).get(t, step), c)
	requireRejected(t, err, reasonSignature)
}

func TestH06_JudgedAgainAfterAConflict(t *testing.T) {
	// Two answers at once: whoever comes second is judged against the count
	// that the first one left.
	f := newFactor(t, nil)
	d := newDevice(t)
	d.count = 1
	c := enroll(t, f, d)
	low, high := beginVerify(t, f, c), beginVerify(t, f, c)
	d.count = 2
	lower := d.get(t, low)
	d.count = 3
	result, err := finishVerify(f, high, d.get(t, high), c)
	require.NoError(t, err)
	_, err = finishVerify(f, low, lower, result.Credential)
	requireRejected(t, err, reasonSignCount)
}
