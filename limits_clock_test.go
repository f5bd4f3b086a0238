package mfa_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

func TestK01_ClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			r := newRig(t, nil)
			p, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
			codes := r.enrollCodes(t, aal2)
			r.clock.add(2 * 365 * 24 * time.Hour)
			s := r.signIn(t, "anna")
			for i := range 7 {
				_, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), i))
				require.Error(t, err)
				if i >= 4 {
					r.clock.add(5 * time.Minute)
				}
			}
			for range 20 {
				_, err := r.Verify(t.Context(), s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte("aaaa-bbbb-cccc-dddd"))
				require.ErrorIs(t, err, mfa.ErrRejected)
			}
			_, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), 9))
			require.Error(t, err)
			r.clock.add(jump)
			s = r.signIn(t, "anna")
			judged := 0
			for i := range 10 {
				if _, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), 100+i)); errors.Is(err, mfa.ErrRejected) {
					judged++
				}
			}
			assert.LessOrEqual(t, judged, 1, "a jump of the clock reopens nothing")
			if _, err = r.Verify(t.Context(), s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte("aaaa-bbbb-cccc-dddd")); jump < 0 {
				assert.Equal(t, time.Hour, throttled(t, err), "nor does it with what is counted by the hour")
			}
			r.clock.add(time.Hour)
			_, err = r.Verify(t.Context(), r.signIn(t, "anna"), totpOnce, p.code(t, r.clock.now()))
			require.NoError(t, err, "nor does it freeze anything for longer than the longest delay")
			r.clock.add(time.Hour)
			_, err = r.Verify(t.Context(), r.signIn(t, "anna"), mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[0]))
			require.NoError(t, err)
		})
	}
}

func TestK01_LeaseOfADeadProcessCountsAsWrong(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	dead := newRig(t, panicOnUpdate{r.store})
	dead.clock.t = r.clock.now()
	for range 5 {
		assert.Panics(t, func() { _, _ = dead.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now())) })
	}
	_, err := r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	throttled(t, err)
	r.clock.add(11 * time.Second)
	_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	assert.Equal(t, 30*time.Second, throttled(t, err))
	r.clock.add(30 * time.Second)
	_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	require.NoError(t, err)
}

// A lease that ends long from now was taken before the clock was set back. It
// does not stay open until that time comes again.
func TestK01_LeaseFromTheFutureCountsAsWrong(t *testing.T) {
	r := newRig(t, nil)
	p, _ := r.enrollTOTP(t, r.signIn(t, "anna"))
	s := r.signIn(t, "anna")
	dead := newRig(t, panicOnUpdate{r.store})
	dead.clock.t = r.clock.now().Add(24 * time.Hour)
	for range 5 {
		assert.Panics(t, func() { _, _ = dead.Verify(t.Context(), s, totpOnce, p.code(t, dead.clock.now())) })
	}
	_, err := r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	assert.Equal(t, 30*time.Second, throttled(t, err))
	r.clock.add(30 * time.Second)
	_, err = r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
	require.NoError(t, err)
}
