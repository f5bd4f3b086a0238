package stores

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// inRaces runs a race over 64 goroutines of this process and over 64 in each of
// four, on every store.
func inRaces(t *testing.T, change func(*setup), race func(t *testing.T, c *crowd, n int)) {
	onEach(t, func(t *testing.T, s spec) {
		inBoth(t, s, change, func(t *testing.T, c *crowd) {
			for range rounds(len(c.members)) {
				race(t, c, ways*len(c.members))
			}
		})
	})
}

// rounds is how often a race is run: one alone is sometimes lost by luck.
func rounds(processes int) int {
	if processes > 1 && !long {
		return 1
	}
	return 3
}

// insist returns n copies of an order, each until it has a verdict.
func insist(n int, o order) []order {
	o.Insist = true
	orders := make([]order, n)
	for i := range orders {
		orders[i] = o
	}
	return orders
}

// oneOf requires that one report is good and all others have this code.
func oneOf(t *testing.T, reports []report, others string) (won report) {
	t.Helper()
	require.Equal(t, map[string]int{"": 1, others: len(reports) - 1}, codes(reports), firstFault(reports))
	for _, r := range reports {
		if r.Code == "" {
			won = r
		}
	}
	return won
}

// firstFault is what to read first when a race ends otherwise than it should.
func firstFault(reports []report) string {
	for _, r := range reports {
		if r.Code == "unavailable" {
			return r.Err
		}
	}
	return ""
}

func TestD07_OneTOTPStepIsOneSuccess(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		p := c.equipped(t)
		session := c.signIn(t, 0, p)
		won := oneOf(t, c.atOnce(insist(n, code(session, "totp", p.app.Code(c.now)))), "rejected")
		assert.Equal(t, "aal2", c.level(t, 1, won.State))
	})
}

func TestE03_OneRecoveryCodeIsOneSuccess(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		p := c.equipped(t)
		session := c.signIn(t, 0, p)
		oneOf(t, c.atOnce(insist(n, code(session, "lookup_secret", p.codes[0]))), "rejected")
	})
}

// E04: codes used at the same moment do not bring each other back.
func TestE04_AllRecoveryCodesAtOnce(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		p := c.equipped(t)
		session := c.signIn(t, 0, p)
		orders := make([]order, n)
		for i := range orders {
			orders[i] = code(session, "lookup_secret", p.codes[i%len(p.codes)])
			orders[i].Insist = true
		}
		reports := c.atOnce(orders)
		require.Equal(t, map[string]int{"": len(p.codes), "rejected": n - len(p.codes)}, codes(reports), firstFault(reports))
		for i, spent := range p.codes {
			require.Equal(t, "rejected", c.member(i).ask(code(session, "lookup_secret", spent)).Code)
		}
	})
}

// The key does not count: nothing but the ceremony's end is in the way of the
// second answer.
func TestH08_OneCeremonyIsOneSuccess(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		p := newPerson()
		c.enrolKey(t, 0, p, c.signIn(t, 0, p))
		session := c.signIn(t, 0, p)
		begun := c.must(t, 0, order{Op: "begin verification", State: session, Method: "webauthn"})
		oneOf(t, c.atOnce(insist(n, order{
			Op: "finish verification", State: session, Ceremony: begun.Ceremony, Response: p.key.Assert(t, begun.Prompt),
		})), "rejected")
	})
}

// Each answer brings a key of its own: nothing but the ceremony's end is in
// their way.
func TestG02_OneRegistrationIsOneKey(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		p := newPerson()
		session := c.signIn(t, 0, p)
		begun := c.must(t, 0, order{Op: "begin enrolment", State: session, Method: "webauthn"})
		orders := make([]order, n)
		for i := range orders {
			key := mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin)
			orders[i] = order{
				Op: "finish enrolment", State: session, Ceremony: begun.Ceremony, Response: key.Register(t, begun.Prompt), Insist: true,
			}
		}
		reports := c.atOnce(orders)
		// The losers may find their ceremony spent, or a second factor enrolled.
		got := codes(reports)
		require.Equal(t, 1, got[""], firstFault(reports))
		require.Equal(t, n-1, got["rejected"]+got["step_up_required"], "%v %s", got, firstFault(reports))
		require.Len(t, c.must(t, 1, order{Op: "credentials", User: p.name}).Stored, 1)
	})
}

// G07: one authenticator's credential id for many users.
func TestG07_OneCredentialIDIsOneUsers(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, n int) {
		key := newSharedKey()
		orders := make([]order, n)
		people := make([]*person, n)
		for i := range orders {
			people[i] = newPerson()
			session := c.signIn(t, i, people[i])
			begun := c.must(t, i, order{Op: "begin enrolment", State: session, Method: "webauthn"})
			orders[i] = order{
				Op: "finish enrolment", State: session, Ceremony: begun.Ceremony, Response: key.register(t, begun.Prompt), Insist: true,
			}
		}
		oneOf(t, c.atOnce(orders), "rejected")
		stored := 0
		for i, p := range people {
			stored += len(c.must(t, i, order{Op: "credentials", User: p.name}).Stored)
		}
		require.Equal(t, 1, stored)
	})
}

// J01: of any number of guesses, five are judged.
func TestJ01_FiveOfManyGuessesAreJudged(t *testing.T) {
	inRaces(t, func(s *setup) { s.Limits = mfa.Limits{} }, func(t *testing.T, c *crowd, n int) {
		p := c.equipped(t)
		session := c.signIn(t, 0, p)
		orders := make([]order, max(200, n))
		for i := range orders {
			orders[i] = code(session, "totp", p.app.Wrong(c.now))
		}
		reports := c.atOnce(orders)
		require.Equal(t, map[string]int{"rejected": 5, "throttled": len(orders) - 5}, codes(reports), firstFault(reports))
		require.Equal(t, "throttled", c.member(1).ask(code(session, "totp", p.app.Code(c.now))).Code, "the right code, too")
		c.wait(2 * halfMinute)
		require.Empty(t, c.member(2).ask(code(session, "totp", p.app.Code(c.now))).Code, "after the delay")
	})
}

// L01: of many sessions that enrol a first factor at once, at most one keeps
// it.
func TestL01_FirstEnrolmentsAtOnce(t *testing.T) {
	inRaces(t, nil, func(t *testing.T, c *crowd, _ int) {
		p := newPerson()
		orders := make([]order, 4*len(c.members))
		for i := range orders {
			session := c.signIn(t, i, p)
			begun := c.must(t, i, order{Op: "begin enrolment", State: session, Method: "totp"})
			orders[i] = order{
				Op: "finish enrolment", State: session, Ceremony: begun.Ceremony, Insist: true,
				Response: []byte(mfatest.NewTOTP(t, begun.Prompt).Code(c.now)),
			}
		}
		reports := c.atOnce(orders)
		require.Zero(t, codes(reports)["unavailable"], firstFault(reports))
		kept := codes(reports)[""]
		require.LessOrEqual(t, kept, 1)
		require.Len(t, c.must(t, 0, order{Op: "credentials", User: p.name}).Stored, kept, "who was told so has a factor, and nobody else")
	})
}

// L04: where a second factor is mandatory, removals of the last two leave one.
func TestL04_RemovalsOfTheLastTwoLeaveOne(t *testing.T) {
	inRaces(t, func(s *setup) { s.SignIn = mfa.Requirement{AAL: mfa.AAL2} }, func(t *testing.T, c *crowd, n int) {
		p := newPerson()
		state := c.enrolKey(t, 0, p, c.signIn(t, 0, p))
		if len(state) == 0 || c.level(t, 1, state) != "aal2" {
			state = c.atAAL2(t, 1, p)
		}
		c.enrolApp(t, 2, p, state)
		orders := make([]order, n)
		for i := range orders {
			orders[i] = order{Op: "remove", State: state, Credential: []string{p.keyID, p.appID}[i/len(c.members)%2], Insist: true}
		}
		reports := c.atOnce(orders)
		require.Equal(t, 1, codes(reports)[""], "%v %s", codes(reports), firstFault(reports))
		require.Zero(t, codes(reports)["unavailable"], firstFault(reports))
		require.Len(t, c.must(t, 3, order{Op: "credentials", User: p.name}).Stored, 1)
	})
}

// B06: people who sign in at the same moment do not hinder each other.
func TestB06_ManyUsersSignInAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s spec) {
		inBoth(t, s, func(s *setup) { s.Limits = mfa.Limits{} }, func(t *testing.T, c *crowd) {
			orders := make([]order, ways*len(c.members))
			people := make([]*person, len(orders))
			for i := range orders {
				people[i] = newPerson()
				c.enrolApp(t, i, people[i], c.signIn(t, i, people[i]))
			}
			for i, p := range people {
				orders[i] = code(c.signIn(t, i, p), "totp", p.app.Code(c.now))
			}
			reports := c.atOnce(orders)
			require.Equal(t, map[string]int{"": len(orders)}, codes(reports), firstFault(reports))
		})
	})
}
