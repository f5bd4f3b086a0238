package stores

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// kills is how often the process is killed.
func kills() int {
	if long {
		return 500
	}
	return 20
}

// onKillable runs a test with one party, in a process that can be killed.
func onKillable(t *testing.T, limits mfa.Limits, test func(t *testing.T, k *killable)) {
	for _, b := range []backend{
		{"SQLite", freshSQLite},
		{"PostgreSQL", func(t testing.TB) spec { return freshPostgreSQL(t, testenv.PostgreSQL(t)) }},
	} {
		t.Run(b.name, func(t *testing.T) {
			c := newCrowd(t, b.fresh(t), 1, func(s *setup) { s.Limits = limits })
			c.store.db.SetMaxIdleConns(0) // nobody else has the database open when the process dies
			c.members[0] = c.process(t, 0)
			test(t, &killable{crowd: c})
		})
	}
}

// killable is a crowd whose first party is killed and started again.
type killable struct {
	*crowd
	span time.Duration // how long it takes when nobody kills it
}

// during kills the party at a random moment of what is being done, and starts
// it again. The first time it only looks how long that takes.
func (k *killable) during(t *testing.T, do func()) {
	t.Helper()
	victim := k.members[0]
	began := time.Now()
	if k.span == 0 {
		do()
		k.span = time.Since(began)
	} else {
		killing := time.AfterFunc(rand.N(k.span), victim.kill)
		do()
		if killing.Stop() {
			k.span = time.Since(began)
		}
	}
	victim.kill()
	k.waitForItsStatements(t)
	k.members[0] = k.process(t, 0)
}

// waitForItsStatements waits until the server is done with what a process that
// was killed has sent.
func (k *killable) waitForItsStatements(t *testing.T) {
	t.Helper()
	if k.setup.Spec.Dialect != sqlstore.PostgreSQL {
		return
	}
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		var others int
		err := k.store.db.QueryRowContext(context.Background(),
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&others)
		require.NoError(t, err)
		require.Zero(t, others)
	}, time.Minute, 5*time.Millisecond)
}

// P09: the process is killed while people verify, enrol, renew their recovery
// codes and remove what they have enrolled. Afterwards no answer is accepted
// twice, nothing that was confirmed is lost, whatever is stored can be used,
// and everybody gets on with the next answer.
func TestP09_KilledProcess(t *testing.T) {
	onKillable(t, mfa.Limits{Lookups: many}, func(t *testing.T, k *killable) {
		j := newJournal(k.crowd)
		residents := make([]*resident, 4)
		for i := range residents {
			residents[i] = newResident(t, j, 0)
		}
		interrupted := 0
		for round := range kills() + 1 {
			k.wait(3 * halfMinute)
			page := newJournal(k.crowd)
			k.during(t, func() {
				var bustle sync.WaitGroup
				for _, r := range residents {
					r.j = page
					bustle.Go(func() { r.bustle(t) })
				}
				bustle.Wait()
			})
			if page.codes[lost] > 0 {
				interrupted++
			}
			require.Zero(t, page.codes["unavailable"])
			page.replay(t, 0)
			page.requireRaised(t)
			k.wait(2 * halfMinute)
			for _, r := range residents {
				r.takeStock(t)
			}
			require.False(t, t.Failed(), "round %d", round)
			j.append(page)
		}
		j.replay(t, 0)
		var removed []string
		for _, r := range residents {
			removed = append(removed, r.gone...)
		}
		j.requireRaised(t, removed...)
		t.Logf("%d of %d kills met requests, which ended like this: %v", interrupted, kills(), j.codes)
		assert.Greater(t, interrupted, kills()/2)
	})
}

// P09: however often the process is killed, five guesses are judged. One that
// died with it counts as wrong when its lease of ten seconds is over.
func TestP09_KillsGiveNoGuesses(t *testing.T) {
	onKillable(t, mfa.Limits{}, func(t *testing.T, k *killable) {
		died := 0
		for n := 0; n <= kills()/4 || died == 0; n++ {
			require.Less(t, n, 10*kills(), "no kill met an attempt")
			p := newPerson()
			k.enrolApp(t, 0, p, k.signIn(t, 0, p))
			session := k.signIn(t, 0, p)
			judged := map[string]int{}
			guess := func() {
				orders := make([]order, 8)
				for i := range orders {
					orders[i] = code(session, "totp", p.app.Wrong(k.now))
				}
				for code, n := range codes(k.atOnce(orders)) {
					judged[code] += n
				}
			}
			for range 4 {
				k.during(t, guess)
			}
			guess()
			require.Zero(t, judged[""])
			require.Zero(t, judged["unavailable"])
			require.LessOrEqual(t, judged["rejected"], 5, "%v", judged)
			died += 5 - judged["rejected"]

			require.Equal(t, "throttled", k.member(0).ask(code(session, "totp", p.app.Code(k.now))).Code)
			k.wait(10 * time.Second)
			require.Equal(t, "throttled", k.member(0).ask(code(session, "totp", p.app.Code(k.now))).Code)
			k.wait(halfMinute)
			require.Empty(t, k.member(0).ask(code(session, "totp", p.app.Code(k.now))).Code)
		}
		t.Logf("%d attempts died", died)
	})
}
