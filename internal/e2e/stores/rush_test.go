package stores

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rush is residents of all parties who verify all the time, and somebody who
// guesses.
type rush struct {
	c         *crowd
	j         *journal
	everybody []int // the parties
	residents []*resident
	probes    []*resident // one of each party
	victim    *person
	session   []byte // of the one who guesses
	guessed   map[string]int

	stop chan struct{}
	all  sync.WaitGroup
}

// startRush returns when every party has accepted answers.
func startRush(t *testing.T, c *crowd) *rush {
	t.Helper()
	r := &rush{c: c, j: newJournal(c), victim: newPerson(), stop: make(chan struct{}), guessed: map[string]int{}}
	for i := range c.members {
		r.everybody = append(r.everybody, i)
		r.residents = append(r.residents, newResident(t, r.j, i), newResident(t, r.j, i))
		r.probes = append(r.probes, newResident(t, r.j, i))
	}
	c.enrolApp(t, 0, r.victim, c.signIn(t, 0, r.victim))
	r.session = c.signIn(t, 0, r.victim)
	c.wait(2 * halfMinute)
	for _, resident := range r.residents {
		r.all.Go(func() { r.verify(t, resident) })
	}
	r.all.Go(func() { r.guess() })
	r.goesOn(t, r.everybody...)
	return r
}

// pace keeps those from asking all the time whose party is not available.
const pace = 10 * time.Millisecond

// verify gives right answers, each of them new, to the resident's own party
// alone or to all at once.
func (r *rush) verify(t *testing.T, resident *resident) {
	app, key := resident.devices[0], resident.devices[1]
	next := time.NewTicker(pace)
	defer next.Stop()
	for turn := 1; ; turn++ {
		select {
		case <-r.stop:
			return
		case <-next.C:
		}
		switch {
		case turn == 20:
			resident.typeCode(t, app, r.c.now.Add(-halfMinute), r.everybody...)
		case turn == 40:
			resident.typeCode(t, app, r.c.now, r.everybody...)
		case turn%10 == 0 && len(resident.codes) > 2:
			resident.recover(t, resident.codes[0], r.everybody...)
			resident.codes = resident.codes[1:]
		case turn%2 == 0:
			resident.touch(t, key, r.everybody...)
		default:
			for _, got := range resident.touch(t, key, resident.home) {
				assert.Contains(t, []string{"", "unavailable"}, got.Code, "a right answer that nobody else has given: %s", got.Err)
			}
		}
	}
}

// guess gives wrong answers to all parties.
func (r *rush) guess() {
	next := time.NewTicker(pace)
	defer next.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-r.stop:
			return
		case <-next.C:
		}
		r.guessed[r.c.member(turn).ask(code(r.session, "totp", r.victim.app.Wrong(r.c.now))).Code]++
	}
}

// steady waits until a party carries out everything again.
func (r *rush) steady(t *testing.T, probe *resident) {
	late := time.After(15 * time.Second)
	next := time.NewTicker(pace)
	defer next.Stop()
	for good := 0; good < 10; {
		got := probe.touch(t, probe.devices[1], probe.home)
		if len(got) == 1 && got[0].Code == "" {
			good++
			continue
		}
		good = 0
		select {
		case <-late:
			assert.Fail(t, "a party does not get on", "%d: %v", probe.home, got)
			return
		case <-next.C:
		}
	}
}

// goesOn requires that parties soon carry out everything.
func (r *rush) goesOn(t *testing.T, parties ...int) {
	t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for _, i := range parties {
		all.Go(func() {
			r.steady(t, r.probes[i])
			t.Logf("party %d goes on after %v", i, time.Since(began).Round(time.Millisecond))
		})
	}
	all.Wait()
	require.False(t, t.Failed())
}

// end ends it and requires that no answer was accepted twice, that the budget
// of guesses held, and that everything is there.
func (r *rush) end(t *testing.T) {
	t.Helper()
	close(r.stop)
	r.all.Wait()
	require.False(t, t.Failed())
	require.Zero(t, r.guessed[""])
	require.LessOrEqual(t, r.guessed["rejected"], guesses, "%v", r.guessed)
	require.Equal(t, r.j.codes["unavailable"], r.j.hinted)
	t.Logf("the answers: %v, the guesses: %v", r.j.codes, r.guessed)

	r.j.replay(t, r.everybody...)
	r.j.requireRaised(t)
	r.c.wait(2 * halfMinute)
	for _, resident := range r.residents {
		resident.takeStock(t)
	}
}
