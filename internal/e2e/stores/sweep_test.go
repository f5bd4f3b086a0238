package stores

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// P11: sweeping never drops what still counts: a ceremony in its last second,
// and wrong answers, however old.
func TestP11_SweepBesideTrafficOnEveryStore(t *testing.T) {
	onEach(t, func(t *testing.T, s spec) {
		c := newCrowd(t, s, 2, func(s *setup) { s.Limits = mfa.Limits{} })
		people := make([]*person, 16)
		sessions := make([][]byte, len(people))
		for i := range people {
			people[i] = c.equipped(t)
			sessions[i] = c.signIn(t, i, people[i])
		}
		besideSweeps(t, c, func() {
			for range 5 {
				lastSecond(t, c, people, sessions)
			}
			guessers(t, c, people, sessions)
		})
	})
}

// besideSweeps has the second party sweep without a pause while do gives
// orders to the first.
func besideSweeps(t *testing.T, c *crowd, do func()) {
	t.Helper()
	var sweeping sync.WaitGroup
	done := make(chan struct{})
	sweeping.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				assert.Empty(t, c.member(1).ask(order{Op: "sweep"}).Code)
			}
		}
	})
	defer sweeping.Wait()
	defer close(done)
	do()
}

// sweeps waits until a sweep has begun and ended.
func sweeps(t *testing.T, c *crowd) {
	t.Helper()
	c.must(t, 1, order{Op: "sweep"})
}

// lastSecond has everybody begin a verification, wait until a second before it
// expires, and answer.
func lastSecond(t *testing.T, c *crowd, people []*person, sessions [][]byte) {
	t.Helper()
	const life = 10 * time.Minute
	ceremonies := make([]string, len(people))
	for i := range people {
		ceremonies[i] = c.must(t, 0, order{Op: "begin verification", State: sessions[i], Method: "totp"}).Ceremony
	}
	c.wait(life - time.Second)
	sweeps(t, c)
	for i, p := range people {
		answer := order{Op: "finish verification", State: sessions[i], Ceremony: ceremonies[i], Response: []byte(p.app.Code(c.now))}
		c.must(t, 0, answer)
		require.Equal(t, "rejected", c.member(0).ask(answer).Code)
	}
	c.wait(time.Second)
}

// guessers use up their budgets, which sweeping does not give back: of codes
// until somebody gives a right one, of recovery codes for an hour.
func guessers(t *testing.T, c *crowd, people []*person, sessions [][]byte) {
	t.Helper()
	guess := func(i int, method, response string) string {
		return c.member(0).ask(code(sessions[i], method, response)).Code
	}
	for i, p := range people {
		for range 5 {
			require.Equal(t, "rejected", guess(i, "totp", p.app.Wrong(c.now)))
		}
		for range 20 {
			require.Equal(t, "rejected", guess(i, "lookup_secret", "AAAA-AAAA-AAAA-AAAA"))
		}
	}
	c.wait(time.Hour - time.Second)
	sweeps(t, c)
	for i, p := range people {
		require.Equal(t, "throttled", guess(i, "lookup_secret", p.codes[0]), "an hour is not over")
		require.Equal(t, "rejected", guess(i, "totp", p.app.Wrong(c.now)), "one more after the delay")
		require.Equal(t, "throttled", guess(i, "totp", p.app.Code(c.now)))
	}
	c.wait(25 * time.Hour)
	sweeps(t, c)
	for i, p := range people {
		require.Equal(t, "rejected", guess(i, "totp", p.app.Wrong(c.now)))
		require.Equal(t, "throttled", guess(i, "totp", p.app.Code(c.now)), "a day later, too")
		require.Empty(t, guess(i, "lookup_secret", p.codes[0]), "the hour is over")
	}
}
