package stores

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// parties are the processes of a crowd; ways is how many calls each has under
// way at once.
const (
	parties = 4
	ways    = 64
)

// inBoth runs a test with one party in this process, and with four in processes
// of their own.
func inBoth(t *testing.T, s spec, change func(*setup), test func(t *testing.T, c *crowd)) {
	t.Run("one process", func(t *testing.T) { test(t, newCrowd(t, s, 1, change)) })
	t.Run("four processes", func(t *testing.T) { test(t, newCrowd(t, s, parties, change)) })
}

// What people do with their factors, each step at another party.
func TestP01_FlowsOnEveryStore(t *testing.T) {
	onEach(t, func(t *testing.T, s spec) {
		inBoth(t, s, func(s *setup) { s.Limits = mfa.Limits{} }, func(t *testing.T, c *crowd) {
			t.Run("enrol, verify, replay", func(t *testing.T) { enrolVerifyReplay(t, c) })
			t.Run("J03 throttle, unlock", func(t *testing.T) { throttle(t, c) })
			t.Run("A13 remove", func(t *testing.T) { remove(t, c) })
			t.Run("A13 reset", func(t *testing.T) { reset(t, c) })
			t.Run("P18 forget", func(t *testing.T) { forget(t, c) })
			t.Run("P17 tenants", func(t *testing.T) { tenants(t, c) })
		})
	})
}

func enrolVerifyReplay(t *testing.T, c *crowd) {
	p := newPerson()
	state := c.enrolApp(t, 0, p, c.signIn(t, 0, p))
	c.enrolCodes(t, 1, p, state)
	c.enrolKey(t, 2, p, state)

	session := c.signIn(t, 3, p)
	require.Equal(t, "aal1", c.level(t, 0, session))
	require.Equal(t, "step_up_required", c.member(1).ask(order{Op: "allow aal2", State: session}).Code)
	right := code(session, "totp", p.app.Code(c.now))
	raised := c.must(t, 2, right).State
	require.Equal(t, "aal2", c.level(t, 3, raised))
	require.Empty(t, c.member(0).ask(order{Op: "allow aal2", State: raised}).Code)
	for i := range parties {
		require.Equal(t, "rejected", c.member(i).ask(right).Code, "D02: a step is accepted once")
	}

	rescue := code(session, "lookup_secret", p.codes[0])
	require.Equal(t, "aal2", c.level(t, 0, c.must(t, 1, rescue).State))
	for i := range parties {
		require.Equal(t, "rejected", c.member(i).ask(rescue).Code, "E03: a code is accepted once")
	}

	begun := c.must(t, 0, order{Op: "begin verification", State: session, Method: "webauthn"})
	assertion := order{Op: "finish verification", State: session, Ceremony: begun.Ceremony, Response: p.key.Assert(t, begun.Prompt)}
	require.Equal(t, "aal2", c.level(t, 0, c.must(t, 1, assertion).State))
	for i := range parties {
		require.Equal(t, "rejected", c.member(i).ask(assertion).Code, "H08: an assertion is accepted once")
	}
}

// A budget is one over all parties, and an admin opens it at all of them.
func throttle(t *testing.T, c *crowd) {
	p := c.equipped(t)
	for i := range 5 {
		session := c.signIn(t, i, p)
		require.Equal(t, "rejected", c.member(i).ask(code(session, "totp", p.app.Wrong(c.now))).Code)
	}
	session := c.signIn(t, 0, p)
	for i := range parties {
		require.Equal(t, "throttled", c.member(i).ask(code(session, "totp", p.app.Code(c.now))).Code, "the right code, too")
	}
	c.must(t, 3, order{Op: "unlock", User: p.name})
	require.Empty(t, c.member(1).ask(code(session, "totp", p.app.Code(c.now))).Code)
}

func remove(t *testing.T, c *crowd) {
	p := newPerson()
	c.enrolKey(t, 0, p, c.signIn(t, 0, p))
	state := c.atAAL2(t, 1, p)
	c.enrolApp(t, 1, p, state)
	raised := c.must(t, 2, code(c.signIn(t, 2, p), "totp", p.app.Code(c.now))).State
	require.Equal(t, "aal2", c.level(t, 3, raised))
	c.must(t, 0, order{Op: "remove", State: state, Credential: p.appID})
	for i := range parties {
		require.Equal(t, "aal1", c.level(t, i, raised), "the session that used the app is lowered")
		require.Equal(t, "aal2", c.level(t, i, state), "the one that used the key is not")
	}
}

func reset(t *testing.T, c *crowd) {
	p := c.equipped(t)
	raised := c.must(t, 1, code(c.signIn(t, 1, p), "totp", p.app.Code(c.now))).State
	c.must(t, 2, order{Op: "reset", User: p.name})
	for i := range parties {
		require.Equal(t, "aal1", c.level(t, i, raised))
		require.Empty(t, c.must(t, i, order{Op: "credentials", User: p.name}).Stored)
	}
	require.False(t, c.must(t, 3, order{Op: "start", User: p.name}).Pending)
}

func forget(t *testing.T, c *crowd) {
	p := c.equipped(t)
	for i := range 5 {
		require.Equal(t, "rejected", c.member(i).ask(code(c.signIn(t, i, p), "totp", p.app.Wrong(c.now))).Code)
	}
	c.must(t, 1, order{Op: "forget", User: p.name})
	require.Empty(t, c.must(t, 2, order{Op: "credentials", User: p.name}).Stored)
	heir := &person{name: p.name}
	state := c.enrolApp(t, 3, heir, c.signIn(t, 3, heir))
	require.Equal(t, "aal2", c.level(t, 0, state), "a later user with this id starts clean")
}

// A tenant is part of the user id, and nothing is shared between two of them.
func tenants(t *testing.T, c *crowd) {
	a, b := newPerson(), newPerson()
	b.name = "other/" + a.name
	c.enrolApp(t, 0, a, c.signIn(t, 0, a))
	c.enrolApp(t, 1, b, c.signIn(t, 1, b))
	session := c.signIn(t, 2, b)
	assert.Equal(t, "rejected", c.member(3).ask(code(session, "totp", a.app.Code(c.now))).Code)
	assert.Empty(t, c.member(3).ask(code(session, "totp", b.app.Code(c.now))).Code)
	c.must(t, 0, order{Op: "reset", User: a.name})
	assert.Len(t, c.must(t, 1, order{Op: "credentials", User: b.name}).Stored, 1)
}
