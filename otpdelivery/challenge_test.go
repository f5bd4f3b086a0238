package otpdelivery

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

// F01: all digits are as likely, leading zeros among them.
func TestF01_CodesAreUniform(t *testing.T) {
	for _, digits := range []int{6, 8} {
		const n = 20_000
		counts := make([][10]int, digits)
		for range n {
			code, err := newCode(digits)
			require.NoError(t, err)
			require.Len(t, code, digits)
			for i, c := range code {
				counts[i][c-'0']++
			}
		}
		for i := range counts {
			chi := 0.0
			for _, seen := range counts[i] {
				d := float64(seen) - n/10
				chi += d * d / (n / 10)
			}
			assert.Less(t, chi, 45.0, "digit %d of %d: %v", i, digits, counts[i]) // 9 degrees of freedom: one in a million
		}
	}
}

// F03: a code is good for one user, address, purpose and ceremony.
func TestF03_ACodeIsBound(t *testing.T) {
	f := &Factor{channel: Email}
	r := factor.Request{User: factor.User{ID: "alice"}, Purpose: factor.PurposeVerify, Ceremony: "c1"}
	c := challenge{key: newSecret(macSize), address: "a@example.com", credential: "1"}
	c.code, c.link = f.mac(c.key, r, &c, "123456"), f.mac(c.key, r, &c, strings.Repeat("x", linkSize))
	require.True(t, f.matches(r, &c, []byte("123456")))
	require.True(t, f.matches(r, &c, []byte("123 456")))
	require.True(t, f.matches(r, &c, []byte("123-456")))
	require.True(t, f.matches(r, &c, []byte(strings.Repeat("x", linkSize))))

	for name, change := range map[string]func(f *Factor, r *factor.Request, c *challenge){
		"another channel":    func(f *Factor, _ *factor.Request, _ *challenge) { f.channel = SMS },
		"another user":       func(_ *Factor, r *factor.Request, _ *challenge) { r.User.ID = "bob" },
		"another purpose":    func(_ *Factor, r *factor.Request, _ *challenge) { r.Purpose = factor.PurposeEnroll },
		"a sign-in":          func(_ *Factor, r *factor.Request, _ *challenge) { r.Purpose = factor.PurposeSignIn },
		"another ceremony":   func(_ *Factor, r *factor.Request, _ *challenge) { r.Ceremony = "c2" },
		"another address":    func(_ *Factor, _ *factor.Request, c *challenge) { c.address = "b@example.com" },
		"another credential": func(_ *Factor, _ *factor.Request, c *challenge) { c.credential = "" },
		"parts moved":        func(_ *Factor, r *factor.Request, c *challenge) { r.Ceremony, c.credential = "c11", "" },
	} {
		g, q, d := &Factor{channel: f.channel}, r, c
		change(g, &q, &d)
		assert.False(t, g.matches(q, &d, []byte("123456")), name)
		assert.False(t, g.matches(q, &d, []byte(strings.Repeat("x", linkSize))), name)
	}
	for _, wrong := range []string{
		"", "123457", "12345", "1234567", "0123456", " ", "123456\n", "١٢٣٤٥٦", strings.Repeat("y", linkSize), strings.Repeat("x", linkSize) + " ",
	} {
		assert.False(t, f.matches(r, &c, []byte(wrong)), "%q", wrong)
	}
	c.link = nil
	assert.False(t, f.matches(r, &c, []byte(strings.Repeat("x", linkSize))), "links are off")
}

// F11: what is stored says nothing about the code.
func TestF11_TheStateHoldsNoCode(t *testing.T) {
	f := &Factor{channel: Email}
	r := factor.Request{User: factor.User{ID: "alice"}, Purpose: factor.PurposeVerify, Ceremony: "c1"}
	seen := map[string]bool{}
	for range 100 {
		c := challenge{key: newSecret(macSize), address: "a@example.com"}
		c.code = f.mac(c.key, r, &c, "123456")
		state := string(c.encode())
		assert.NotContains(t, state, "123456")
		assert.False(t, seen[string(c.code)], "one code is recognised by another value each time")
		seen[string(c.code)] = true
	}
}

func FuzzDecodeChallenge(f *testing.F) {
	f.Fuzz(func(t *testing.T, state []byte) {
		c, err := decodeChallenge(state)
		if err != nil {
			require.ErrorIs(t, err, errUndecodable)
			return
		}
		require.Equal(t, state, c.encode(), "there is one encoding")
	})
}

func FuzzDecodeCredential(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		address, err := decodeCredential(data)
		if err != nil {
			require.ErrorIs(t, err, errUndecodable)
			return
		}
		require.Equal(t, data, encodeCredential(address), "there is one encoding")
	})
}

func TestCodesAsTheyAreTyped(t *testing.T) {
	o := &outbox{}
	f := newTestEmail(t, o, func(c *Config) { c.UseVerifiedContact = true })
	for name, typed := range map[string]func(code string) string{
		"as it is":   func(code string) string { return code },
		"in groups":  func(code string) string { return code[:3] + " " + code[3:] },
		"with signs": func(code string) string { return " " + code[:2] + "-" + code[2:4] + "-" + code[4:] },
		"full-width": func(code string) string {
			return strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
		},
	} {
		r := request(factor.PurposeVerify, alice)
		step, err := f.BeginVerify(t.Context(), r)
		require.NoError(t, err)
		require.NoError(t, step.Deliver(t.Context()))
		_, err = f.FinishVerify(t.Context(), r, step.State, []byte(typed(o.last(t).Fields.Code)))
		require.NoError(t, err, name)
	}
}

// Another message does not promise more than what is left of the first.
func TestF02_ResentMessagesSayWhatIsLeft(t *testing.T) {
	o := &outbox{}
	f := newTestEmail(t, o, func(c *Config) { c.UseVerifiedContact = true })
	for left, minutes := range map[time.Duration]int{0: 10, 10 * time.Minute: 10, 9*time.Minute + 59*time.Second: 9, time.Minute: 1, 20 * time.Second: 1} {
		r := request(factor.PurposeVerify, alice)
		expires := noon.Add(10 * time.Minute)
		if left > 0 {
			expires = noon.Add(left)
			r.Expires = expires
		}
		step, err := f.BeginVerify(t.Context(), r)
		require.NoError(t, err)
		require.NoError(t, step.Deliver(t.Context()))
		assert.Equal(t, expires, o.last(t).Expires)
		assert.Equal(t, minutes, o.last(t).Fields.Minutes, "%v", left)
	}
}
