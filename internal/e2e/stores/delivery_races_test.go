package stores

import (
	"crypto/rand"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/otpdelivery"
)

// F02, B06: of any number of right answers one succeeds, and what it brings is
// there once.
func TestF02_OneDeliveredCodeIsOneSuccess(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		for name, begin := range errands {
			e := begin(t, c)
			reports := c.atOnce(insist(n, e.answer(e.code(t, c))))
			got := codes(reports)
			require.Equal(t, 1, got[""], "%s: %v %s", name, got, firstFault(reports))
			// The losers of an enrolment may find a second factor enrolled.
			require.Equal(t, n-1, got["rejected"]+got["step_up_required"], "%s: %v %s", name, got, firstFault(reports))
			for _, r := range reports {
				if r.Code == "" {
					e.requireWorth(t, c, name, r)
				}
			}
		}
	})
}

// requireWorth checks what a success has brought.
func (e *errand) requireWorth(t *testing.T, c *crowd, name string, won report) {
	t.Helper()
	stored := c.must(t, 1, order{Op: "credentials", User: e.person.name}).Stored
	switch name {
	case "sign-in":
		require.Equal(t, e.person.name, won.User)
		require.Equal(t, "aal1", c.level(t, 1, won.State))
		require.Empty(t, stored)
	case "enrolment":
		require.Len(t, stored, 1)
		require.Equal(t, won.Credential, stored[0].ID)
		fallthrough
	default:
		require.Equal(t, "aal2", c.level(t, 1, won.State))
	}
}

// L01: one address of one person, enrolled by many ceremonies at once, is one
// credential, and whoever was told of one was told of that.
func TestL01_OneAddressIsOneCredential(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, _ int) {
		p := newPerson()
		state := c.enrolKey(t, 0, p, c.signIn(t, 0, p))
		orders := make([]order, 4*len(c.members))
		for i := range orders {
			e := c.beginToEnrol(t, i, p, state)
			orders[i] = e.answer(e.code(t, c))
			orders[i].Insist = true
		}
		reports := c.atOnce(orders)
		got := codes(reports)
		require.NotZero(t, got[""], "%v %s", got, firstFault(reports))
		require.Equal(t, len(orders), got[""]+got["rejected"], "%v %s", got, firstFault(reports))
		stored := c.must(t, 1, order{Op: "credentials", User: p.name}).Stored
		require.Len(t, stored, 2, "the key and the address")
		for _, r := range reports {
			if r.Code == "" {
				require.Contains(t, []string{stored[0].ID, stored[1].ID}, r.Credential)
				require.NotEqual(t, p.keyID, r.Credential)
			}
		}
	})
}

// F05: of any number of guesses a ceremony's five tries are judged, and no more
// answers, the right one included.
func TestF05_FiveTriesOfManyGuesses(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		for name, begin := range errands {
			e := begin(t, c)
			right := e.code(t, c)
			reports := c.atOnce(insist(n, e.guess(right)))
			require.Equal(t, map[string]int{"rejected": len(reports)}, codes(reports), "%s: %s", name, firstFault(reports))
			require.Equal(t, 5, judged(reports), name)
			require.Equal(t, "rejected", c.member(1).ask(e.answer(right)).Code, "%s: the right code, too", name)
			c.wait(halfMinute) // until another code may be sent
			require.Equal(t, "rejected", c.member(2).ask(e.resend).Code, "%s: nor is there another code", name)
		}
	})
}

// J01, J09: guesses at sign-ins by code are five in all, over however many
// ceremonies, and take nothing from second factors; nor do these from them.
func TestJ01_GuessesOverManySignIns(t *testing.T) {
	inRaces(t, func(s *setup) { s.Limits = mfa.Limits{} }, func(t *testing.T, c *crowd, n int) {
		p := newPersonAt("+15555550100")
		c.requireFive(t, n, func(i int) *errand { return c.knock(t, i, p, "email") })
		password := c.signIn(t, 0, p)
		e := c.beginToVerify(t, 1, p, password, "sms")
		require.Empty(t, c.member(2).ask(e.answer(e.code(t, c))).Code, "J09: second factors are not touched")

		c.wait(halfMinute)
		e = c.knock(t, 0, p, "email")
		require.Empty(t, c.member(3).ask(e.answer(e.code(t, c))).Code, "after the delay")

		c.requireFive(t, n, func(i int) *errand { return c.beginToVerify(t, i, p, password, "sms") })
		e = c.knock(t, 2, p, "email")
		require.Empty(t, c.member(1).ask(e.answer(e.code(t, c))).Code, "J09: sign-ins are not touched")
	})
}

// requireFive guesses at four ceremonies of one budget: five guesses are judged,
// and then no right code is.
func (c *crowd) requireFive(t *testing.T, n int, begin func(i int) *errand) {
	t.Helper()
	var orders []order
	for i := range 4 {
		e := begin(i)
		orders = append(orders, insist(n/4, e.guess(e.code(t, c)))...)
	}
	// Each party gets guesses at each ceremony.
	for i := range orders {
		j := i/4%4*(len(orders)/4) + i%4
		orders[i], orders[j] = orders[j], orders[i]
	}
	reports := c.atOnce(orders)
	got := codes(reports)
	require.Equal(t, len(orders), got["rejected"]+got["throttled"], "%v %s", got, firstFault(reports))
	require.Equal(t, 5, judged(reports))
	e := begin(1)
	late := c.member(2).ask(e.answer(e.code(t, c)))
	require.Contains(t, late.Reason, "throttled", "the right code of a new ceremony, too")
	if e.finish.Op == "finish sign-in" { // where only the operator is told
		require.Equal(t, "rejected", late.Code)
	} else {
		require.Equal(t, "throttled", late.Code)
		require.Equal(t, 30, late.RetryAfter)
	}
}

// F04: a new code and answers by the older one at the same moment: either an
// answer was first and there is no new code, or the older one is dead.
func TestF04_ResendAmongAnswers(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		for name, begin := range errands {
			e := begin(t, c)
			older := e.code(t, c)
			c.wait(halfMinute) // until another code may be sent
			orders := insist(n, e.answer(older))
			at := n / 2 / len(c.members) * len(c.members) // the home's
			orders[at] = e.resend
			orders[at].Insist = true
			reports := c.atOnce(orders)
			again := reports[at]
			reports[at] = report{Code: "resend"}
			got := codes(reports)
			successes := got[""]
			if again.Code == "" {
				require.Zero(t, successes, "%s: the older code was good after a new one was sent", name)
				require.Equal(t, "rejected", c.member(1).ask(e.answer(older)).Code, name)
				newer := e.code(t, c)
				require.NotEqual(t, older, newer)
				for i := range 2 { // how many tries the older code has used up is a matter of luck
					if c.member(i).ask(e.answer(newer)).Code == "" {
						successes++
					}
				}
				require.LessOrEqual(t, successes, 1, name)
			} else {
				require.Contains(t, []string{"rejected", "step_up_required"}, again.Code, "%s: %s", name, again.Err)
				require.Equal(t, 1, successes, "%s: %v %s", name, got, firstFault(reports))
			}
		}
	})
}

// F04: new codes asked for at the same moment are one, and after it only the
// newest is good.
func TestF04_ResendsAtOnceAreOne(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		for name, begin := range errands {
			e := begin(t, c)
			c.wait(halfMinute) // until another code may be sent
			reports := c.atOnce(insist(n, e.resend))
			require.Equal(t, map[string]int{"": 1, "throttled": n - 1}, codes(reports), "%s: %s", name, firstFault(reports))
			for i, r := range reports {
				if r.Code == "" {
					e.home = i
				}
			}
			require.Empty(t, c.member(1).ask(e.answer(e.code(t, c))).Code, name)
		}
	})
}

// F06: messages that are asked for at all parties at once are no more than the
// budgets allow, by what the senders were given.
func TestF06_SendsAtOnceStayInTheirBudgets(t *testing.T) {
	limits := otpdelivery.Limits{PerUser: 5, PerAddress: 7, PerPrefix: 9, PerDay: many}
	inRaces(t, func(s *setup) { s.Sends = limits }, func(t *testing.T, c *crowd, n int) {
		c.newDay()
		for _, tc := range []struct {
			name            string
			numbers         []string
			signIns, others int
		}{
			{"of a user", []string{"+15555551000"}, limits.PerUser, limits.PerUser},
			{"of an address", []string{"+15555562000", "+15555562000", "+15555562000"}, limits.PerAddress, limits.PerAddress},
			// Neighbours keep each other from signing in only.
			{"of numbers that are near", []string{"+15555573000", "+15555573001", "+15555573002"}, limits.PerPrefix, 3 * limits.PerUser},
		} {
			c.requireSent(t, tc.name, n, tc.numbers, tc.signIns, tc.others)
		}
	})
}

func TestF06_SendsOfADayAtOnce(t *testing.T) {
	limits := generousSends
	limits.PerDay = 9
	inRaces(t, func(s *setup) { s.Sends = limits }, func(t *testing.T, c *crowd, n int) {
		c.newDay()
		c.requireSent(t, "of a day", n, []string{"+15555551000", "+15556662000", "+15557773000"}, limits.PerDay, limits.PerDay)
	})
}

// days is how many days tests have had for themselves in the databases.
var days atomic.Int64

// newDay is one that nothing was counted on before, by any crowd.
func (c *crowd) newDay() {
	c.wait(time.Now().Add(time.Duration(days.Add(1)) * 25 * time.Hour).Sub(c.now))
}

// requireSent begins sign-ins and verifications by SMS, as much as it can, of
// people with these numbers: either has its budget for itself, and whoever signs
// in is not told of it.
func (c *crowd) requireSent(t *testing.T, name string, n int, numbers []string, signIns, verifications int) {
	t.Helper()
	people := make([]*person, len(numbers))
	sessions := make([][]byte, len(numbers))
	for i, number := range numbers {
		people[i] = newPersonAt(number)
		sessions[i] = c.signIn(t, i, people[i])
	}
	begin := func(i int) order {
		if i%2 == 0 {
			return order{Op: "begin verification", State: sessions[i/2%len(people)], Method: "sms", Insist: true}
		}
		return order{Op: "begin sign-in", User: people[i/2%len(people)].name, Method: "sms", Binding: rand.Text(), Insist: true}
	}
	orders, asked := make([]order, n), 0
	for i := range orders {
		// Both kinds at every party.
		if orders[i] = begin(i + i/len(c.members)); orders[i].State != nil {
			asked++
		}
	}
	reports := c.atOnce(orders)
	got := codes(reports)
	require.Equal(t, n, got[""]+got["throttled"], "%s: %v %s", name, got, firstFault(reports))
	sent := c.sent(t, people)
	require.Equal(t, asked-got["throttled"], sent["verify"], "%s: only verifications are told", name)

	// What was refused because others had reserved and then gave it back is left.
	want := map[string]int{"verify": verifications, "sign_in": signIns}
	for i := 0; i < 64*max(signIns, verifications) && !maps.Equal(sent, want); i += 2 {
		for j := range 2 {
			c.member(i / 2).ask(begin(i + j))
		}
		sent = c.sent(t, people)
	}
	for range 2 * len(people) * len(c.members) {
		c.member(0).ask(begin(1))
	}
	require.Equal(t, want, c.sent(t, people), name)
}

func (c *crowd) sent(t *testing.T, people []*person) map[string]int {
	t.Helper()
	n := map[string]int{}
	for i := range c.members {
		for _, p := range people {
			for _, l := range c.must(t, i, order{Op: "mail", User: p.name}).Mail {
				assert.Equal(t, p.name[strings.IndexByte(p.name, '#')+1:], l.To)
				n[l.Purpose]++
			}
		}
	}
	return n
}
