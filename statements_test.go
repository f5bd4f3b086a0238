package mfa_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

// TestStatements fixes what a verification costs: every method of a Store is
// one statement.
func TestStatements(t *testing.T) {
	store := memory.New()
	r := newRig(t, store)
	p, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	codes := r.enrollCodes(t, aal2)
	s := r.signIn(t, "anna")
	counting := &faulty{Store: store, n: -1}
	counted := newRig(t, counting, func(c *mfa.Config) { c.Now = r.clock.now })
	fail := func() {
		_, err := r.Verify(t.Context(), s, totpOnce, p.wrong(t, r.clock.now(), 1))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	totp := func() {
		r.clock.add(30e9)
		_, err := counted.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
		require.NoError(t, err)
	}
	code := func() {
		_, err := counted.Verify(t.Context(), s, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(codes[0]))
		require.NoError(t, err)
		codes = codes[1:]
	}
	for _, c := range []struct {
		name   string
		failed bool
		do     func()
		atMost int64
	}{
		{"totp, nothing failed before", false, totp, 4},
		{"totp, after a failure", true, totp, 6},
		{"recovery code, nothing failed before", false, code, 6},
		{"recovery code, after a failure", true, code, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.failed {
				fail()
			}
			before := counting.calls.Load()
			c.do()
			assert.LessOrEqual(t, counting.calls.Load()-before, c.atMost)
		})
	}
}
