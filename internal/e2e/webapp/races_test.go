package webapp

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

const ways = 64

func TestB06_ManyUsersSignInAtOnce(t *testing.T) {
	onEach(t, testenv.Options{}, func(t *testing.T, d *deployment) {
		clients := make([]*testenv.Client, ways)
		for i := range clients {
			name := fmt.Sprintf("user%d", i)
			c := d.client(t, i)
			c.SignUp(name)
			c.Enroll(d.now)
			clients[i] = d.pending(t, 1, name, c)[0]
		}
		at := d.wait(30 * time.Second)
		statuses, errs := make([]int, ways), make([]error, ways)
		atOnce(ways, func(i int) {
			a, err := clients[i].Verify("totp", clients[i].App.Code(at))
			statuses[i], errs[i] = a.Status, err
		})
		for i, c := range clients {
			require.NoError(t, errs[i])
			assert.Equal(t, http.StatusOK, statuses[i])
			assert.Equal(t, "aal2", c.AAL())
		}
	})
}

// verify gives a code on the API, or, every second time, on the page.
func verify(c *testenv.Client, i int, method, code string) func() (testenv.Answer, error) {
	if i%4 < 2 {
		return func() (testenv.Answer, error) { return c.Verify(method, code) }
	}
	return func() (testenv.Answer, error) {
		a, err := c.Submit("/mfa/verify", url.Values{"method": {method}, "code": {code}})
		if a.Status == http.StatusSeeOther {
			a.Status = http.StatusOK
		}
		return a, err
	}
}

// again is how often a race is run: one alone is sometimes lost by luck.
const again = 3

func TestD07_OneCodeIsOneSuccess(t *testing.T) {
	onEach(t, generous, func(t *testing.T, d *deployment) {
		clients := d.pending(t, ways, "alice", d.enrolled(t, "alice"))
		for range again {
			one(t, clients, "totp", clients[0].App.Code(d.now))
			d.wait(30 * time.Second)
		}
	})
}

func TestE03_OneRecoveryCodeIsOneSuccess(t *testing.T) {
	onEach(t, generous, func(t *testing.T, d *deployment) {
		clients := d.pending(t, ways, "alice", d.enrolled(t, "alice"))
		for i := range again {
			one(t, clients, "lookup_secret", clients[0].Codes[i])
		}
	})
}

// finish begins a challenge, which a code then finishes on the API.
func finish(t *testing.T, c *testenv.Client, method, code string) func() (testenv.Answer, error) {
	t.Helper()
	challenge := begin(t, c, challenges, method)
	return func() (testenv.Answer, error) {
		return c.Try(http.MethodPost, challenge.path(), testenv.Object{"response": code})
	}
}

// one lets all clients give the same code at once, of whom one succeeds: on the
// page, on the API, and there also for a challenge that has begun. Those who
// never did are not signed in.
func one(t *testing.T, clients []*testenv.Client, method, code string) {
	t.Helper()
	levels := make([]string, len(clients))
	for i, c := range clients {
		levels[i] = c.AAL()
	}
	give := make([]func() (testenv.Answer, error), len(clients))
	for i, c := range clients {
		if i/2%3 == 2 {
			give[i] = finish(t, c, method, code)
			continue
		}
		give[i] = verify(c, i, method, code)
	}
	statuses, errs := make([]int, len(clients)), make([]error, len(clients))
	atOnce(len(clients), func(i int) { statuses[i], errs[i] = verdict(give[i]) })
	for _, err := range errs {
		require.NoError(t, err)
	}
	assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusUnprocessableEntity: len(clients) - 1}, count(statuses))
	for i, c := range clients {
		if statuses[i] == http.StatusOK {
			levels[i] = "aal2"
		}
		assert.Equal(t, levels[i], c.AAL())
	}
}

// E04: codes used at the same moment do not bring each other back.
func TestE04_RecoveryCodesAtOnce(t *testing.T) {
	onEach(t, generous, func(t *testing.T, d *deployment) {
		owner := d.enrolled(t, "alice")
		clients := d.pending(t, 5*len(owner.Codes), "alice", owner)
		statuses, errs := make([]int, len(clients)), make([]error, len(clients))
		atOnce(len(clients), func(i int) {
			statuses[i], errs[i] = verdict(verify(clients[i], i, "lookup_secret", owner.Codes[i%len(owner.Codes)]))
		})
		for _, err := range errs {
			require.NoError(t, err)
		}
		assert.Equal(t, map[int]int{http.StatusOK: len(owner.Codes), http.StatusUnprocessableEntity: 4 * len(owner.Codes)}, count(statuses))
		again := d.pending(t, 1, "alice", owner)[0]
		for _, code := range owner.Codes {
			status, err := verdict(verify(again, 0, "lookup_secret", code))
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnprocessableEntity, status)
		}
	})
}

func TestJ01_FiveOfTwoHundredGuessesAreJudged(t *testing.T) {
	onEach(t, testenv.Options{}, func(t *testing.T, d *deployment) {
		for round := range again {
			fiveOfTwoHundred(t, d, fmt.Sprintf("user%d", round))
		}
	})
}

func fiveOfTwoHundred(t *testing.T, d *deployment, name string) {
	t.Helper()
	const guesses = 200
	owner := d.enrolled(t, name)
	clients := d.pending(t, 8, name, owner)
	statuses, errs := make([]int, guesses), make([]error, guesses)
	wrong := owner.App.Wrong(d.now)
	atOnce(guesses, func(i int) {
		a, err := verify(clients[i%len(clients)], i, "totp", wrong)()
		statuses[i], errs[i] = a.Status, err
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	assert.Equal(t, map[int]int{http.StatusUnprocessableEntity: 5, http.StatusTooManyRequests: guesses - 5}, count(statuses))

	a, err := clients[0].Verify("totp", owner.App.Code(d.now))
	require.NoError(t, err)
	assert.Equal(t, http.StatusTooManyRequests, a.Status, "the right code too")
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	a, err = clients[0].Verify("totp", owner.App.Code(d.wait(31*time.Second)))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, a.Status, "after the delay")
}

// J03: a new login, another server and a restart find the same counter.
func TestJ03_NothingSetsTheCounterBack(t *testing.T) {
	o := testenv.Options{Database: t.TempDir() + "/webapp.db"}
	d := &deployment{database: o.Database, now: time.Now().Truncate(time.Second)}
	servers := []*testenv.Process{testenv.StartProcess(t, d.now, o), testenv.StartProcess(t, d.now, o)}
	point := func() {
		d.origins = []string{servers[0].Origin, servers[1].Origin}
		d.setClock = func(at time.Time) {
			servers[0].SetClock(at)
			servers[1].SetClock(at)
		}
	}
	point()
	owner := d.enrolled(t, "alice")
	wrong := owner.App.Wrong(d.now)
	judged := 0
	for i := range 10 {
		c := d.client(t, i)
		pending, _ := c.LogIn("alice")
		require.True(t, pending)
		for range 2 {
			a, err := c.Verify("totp", wrong)
			require.NoError(t, err)
			if a.Status == http.StatusUnprocessableEntity {
				judged++
			}
		}
		if i == 1 {
			servers[0].Stop()
			servers[0] = testenv.StartProcess(t, d.now, o)
			servers[1].Kill()
			servers[1] = testenv.StartProcess(t, d.now, o)
			point()
		}
	}
	assert.Equal(t, 5, judged)
}
