package stores

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/seal"
	"github.com/go-mfa/mfa/mfatest"
)

// rotation is a change of keys.
type rotation struct {
	*crowd
	old, new []byte
	people   []*person

	interrupted int // how many processes died before all was done
}

func newRotation(t *testing.T, s spec, limits mfa.Limits) *rotation {
	r := &rotation{old: make([]byte, 32), new: make([]byte, 32)}
	for _, key := range [][]byte{r.old, r.new} {
		_, _ = rand.Read(key) // never fails (crypto/rand)
	}
	r.crowd = newCrowd(t, s, 1, func(s *setup) { s.Keys, s.Limits = [][]byte{r.old}, limits })
	return r
}

// with starts a party with these keys in a process of its own.
func (r *rotation) with(t *testing.T, keys ...[]byte) *member {
	t.Helper()
	r.setup.Keys = keys
	m := r.process(t, 0)
	require.Empty(t, m.ask(order{Op: "clock", Now: r.now}).Code, "it is up")
	return m
}

// enrol gives n people an app, and every other one recovery codes.
func (r *rotation) enrol(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		p := newPerson()
		state := r.signIn(t, 0, p)
		state = r.crowd.enrol(t, 0, state, "totp", func(prompt json.RawMessage) []byte {
			p.app = mfatest.NewTOTP(t, prompt)
			return []byte(p.app.Code(r.now))
		}).State
		if i%2 == 0 {
			r.enrolCodes(t, 0, p, state)
		}
		r.people = append(r.people, p)
	}
}

// stored returns the version of every credential, by the user's name and the
// credential's id.
func (r *rotation) stored(t *testing.T) map[[2]string]int64 {
	t.Helper()
	versions := map[[2]string]int64{}
	for c, err := range r.store.AllCredentials(t.Context()) {
		require.NoError(t, err)
		versions[[2]string{c.UserID, c.ID}] = c.Version
	}
	return versions
}

// left is how many credentials are not under the new key, not counting those of
// some people.
func (r *rotation) left(t *testing.T, busy []*person) (n int) {
	t.Helper()
	ring, err := seal.NewRing("store", [][]byte{r.new})
	require.NoError(t, err)
	for c, err := range r.store.AllCredentials(t.Context()) {
		require.NoError(t, err)
		if !ring.Current(c.Data) && !slices.ContainsFunc(busy, func(p *person) bool { return p.name == c.UserID }) {
			n++
		}
	}
	return n
}

// O03: what is sealed under an old key is readable, and sealed under the new
// one when it is written. Without the old key it is a fault and not a verdict,
// nothing is spent by it, and no budget is charged.
func TestO03_RotatedKeysOnEveryStore(t *testing.T) {
	onEach(t, func(t *testing.T, s spec) {
		r := newRotation(t, s, mfa.Limits{})
		r.enrol(t, 2)
		r.wait(2 * halfMinute)
		early := r.with(t, r.new)
		both := r.with(t, r.new, r.old)
		written, untouched := r.people[0], r.people[1]
		require.Equal(t, 3, r.left(t, nil))

		session := r.signIn(t, 0, written)
		right, wrong := code(session, "totp", written.app.Code(r.now)), code(session, "totp", written.app.Wrong(r.now))
		for range 6 {
			require.Equal(t, "unavailable", early.ask(right).Code)
			require.Equal(t, "unavailable", early.ask(wrong).Code)
		}
		require.Equal(t, "unavailable", early.ask(order{Op: "reseal"}).Code)
		require.Equal(t, 3, r.left(t, nil), "what does not open stays as it is")
		require.Empty(t, both.ask(right).Code)
		require.Equal(t, 2, r.left(t, nil), "one is sealed anew")
		require.Equal(t, "rejected", both.ask(right).Code)

		require.Empty(t, both.ask(order{Op: "reseal"}).Code)
		require.Zero(t, r.left(t, nil))
		require.Equal(t, "rejected", early.ask(right).Code)
		require.Empty(t, early.ask(code(r.signIn(t, 0, untouched), "totp", untouched.app.Code(r.now))).Code)
		require.Equal(t, "unavailable", r.member(0).ask(right).Code, "the old key alone opens nothing now")
	})
}

// O04: everything is sealed under another key while people verify at servers
// of which some seal under the old key still, and the process that does it is
// killed again and again. No answer is good twice, none is lost, and in the
// end the old key opens nothing and is not needed.
func TestO04_ResealKilledAndRestartedBesideTraffic(t *testing.T) {
	const busy = 16
	restarts, people := 20, 120
	if long {
		restarts, people = 200, 400
	}
	onEach(t, func(t *testing.T, s spec) {
		r := newRotation(t, s, generous)
		r.enrol(t, people)
		r.members = []*member{r.with(t, r.old, r.new), r.with(t, r.new, r.old)}
		traffic := newTraffic(t, r, busy)
		for range restarts {
			r.wait(2 * halfMinute)
			traffic.during(t, r.resealing(t, r.people[:busy]))
		}
		t.Logf("%d of %d processes died before all was done", r.interrupted, restarts)
		require.Greater(t, r.interrupted, restarts/4)

		r.members[0].kill()
		r.members[0] = r.with(t, r.new, r.old)
		require.Empty(t, r.members[0].ask(order{Op: "reseal"}).Code)
		require.Zero(t, r.left(t, nil))
		before := r.stored(t)
		require.Empty(t, r.members[1].ask(order{Op: "reseal"}).Code)
		require.True(t, maps.Equal(before, r.stored(t)), "nothing is written where nothing is to be done")

		r.members = []*member{r.with(t, r.new)}
		r.wait(2 * halfMinute)
		for _, p := range r.people {
			r.must(t, 0, code(r.signIn(t, 0, p), "totp", p.app.Code(r.now)))
		}
		traffic.requireSpent(t)
	})
}

// resealing starts a process and returns what has it reseal, again and again,
// until it is killed in the middle.
func (r *rotation) resealing(t *testing.T, busy []*person) func() {
	t.Helper()
	before := r.left(t, busy)
	if before == 0 { // the last one was faster than its death
		require.Empty(t, r.members[0].ask(order{Op: "reseal"}).Code, "back under the old key")
		before = r.left(t, busy)
	}
	enough := before - 1 - mathrand.N((before+1)/2)
	resealer := r.with(t, r.new, r.old)
	return func() {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for code := ""; code != lost; {
				code = resealer.ask(order{Op: "reseal", Insist: true}).Code
				assert.Contains(t, []string{"", lost}, code)
			}
		}()
		assert.Eventually(t, func() bool { return r.left(t, busy) <= enough }, time.Minute, time.Millisecond)
		resealer.kill()
		<-ended
		if r.left(t, busy) > 0 {
			r.interrupted++
		}
	}
}

// traffic is people who give each answer to both parties at once.
type traffic struct {
	r        *rotation
	people   []*person
	sessions [][]byte
	round    int
}

func newTraffic(t *testing.T, r *rotation, n int) *traffic {
	t.Helper()
	f := &traffic{r: r, people: r.people[:n]}
	for i, p := range f.people {
		f.sessions = append(f.sessions, r.signIn(t, i, p))
	}
	return f
}

// during has everybody give answers while something is being done, and once
// more when it is over.
func (f *traffic) during(t *testing.T, do func()) {
	t.Helper()
	var verifying sync.WaitGroup
	for i := range f.people {
		verifying.Go(func() {
			for _, o := range f.answers(i) {
				first, second := f.r.member(0).send(o), f.r.member(1).send(o)
				assert.ElementsMatch(t, []string{"", "rejected"}, []string{(<-first).Code, (<-second).Code})
			}
		})
	}
	do()
	verifying.Wait()
	for i := range f.people {
		for _, o := range f.answers(i) {
			require.Equal(t, "rejected", f.r.member(f.round).ask(o).Code)
		}
	}
	require.False(t, t.Failed())
	f.round++
}

// answers are the two codes of an app that are good now, and a recovery code
// if there are any left.
func (f *traffic) answers(i int) []order {
	p, now := f.people[i], f.r.now
	answers := []order{code(f.sessions[i], "totp", p.app.Code(now.Add(-halfMinute))), code(f.sessions[i], "totp", p.app.Code(now))}
	if f.round < len(p.codes) {
		answers = append(answers, code(f.sessions[i], "lookup_secret", p.codes[f.round]))
	}
	for i := range answers {
		answers[i].Insist = true
	}
	return answers
}

// requireSpent requires that no recovery code is good again.
func (f *traffic) requireSpent(t *testing.T) {
	t.Helper()
	for i, p := range f.people {
		for _, spent := range p.codes[:min(f.round, len(p.codes))] {
			require.Equal(t, "rejected", f.r.member(0).ask(code(f.sessions[i], "lookup_secret", spent)).Code)
		}
	}
}
