// Package webapp speaks HTTP to the demo: many clients at once, two processes
// on one database, processes that are killed, a database that fails.
package webapp

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

func TestMain(m *testing.M) {
	if !testenv.IsProcess() {
		os.Exit(m.Run())
	}
	if err := testenv.RunProcess(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// many is more wrong answers than any test gives.
const many = 10_000

// generous takes the budgets out of tests that are about something else.
var generous = testenv.Options{Limits: mfa.Limits{Attempts: many, Closed: many, Lookups: many}}

// deployment is one or more servers of one database.
type deployment struct {
	origins  []string
	database string
	setClock func(time.Time)
	now      time.Time
}

// onEach runs a test on one process and on two processes that share a file.
func onEach(t *testing.T, o testenv.Options, test func(t *testing.T, d *deployment)) {
	t.Run("one process", func(t *testing.T) {
		demo := testenv.StartDemo(t, o)
		test(t, &deployment{
			origins: []string{demo.Origin}, database: demo.Database,
			setClock: demo.Clock.Set, now: demo.Clock.Now(),
		})
	})
	t.Run("two processes", func(t *testing.T) { test(t, twoProcesses(t, o)) })
}

// twoProcesses starts two processes that share a file.
func twoProcesses(t *testing.T, o testenv.Options) *deployment {
	t.Helper()
	o.Database = filepath.Join(t.TempDir(), "webapp.db")
	d := &deployment{database: o.Database, now: time.Now().Truncate(time.Second)}
	a, b := testenv.StartProcess(t, d.now, o), testenv.StartProcess(t, d.now, o)
	d.origins = []string{a.Origin, b.Origin}
	d.setClock = func(at time.Time) {
		a.SetClock(at)
		b.SetClock(at)
	}
	return d
}

// client returns a client of the i-th server, counting round.
func (d *deployment) client(t *testing.T, i int) *testenv.Client {
	return testenv.NewClient(t, d.origins[i%len(d.origins)])
}

// wait moves the clocks of all servers and returns what they show.
func (d *deployment) wait(by time.Duration) time.Time {
	d.now = d.now.Add(by)
	d.setClock(d.now)
	return d.now
}

// enrolled returns a client whose user has an authenticator app and recovery
// codes. The code of the current time is new.
func (d *deployment) enrolled(t *testing.T, name string) *testenv.Client {
	t.Helper()
	c := d.client(t, 0)
	c.SignUp(name)
	c.Enroll(d.now)
	c.CreateCodes()
	d.wait(30 * time.Second)
	return c
}

// pending returns n clients over all servers that have given the password.
func (d *deployment) pending(t *testing.T, n int, name string, like *testenv.Client) []*testenv.Client {
	t.Helper()
	all := make([]*testenv.Client, n)
	for i := range all {
		all[i] = d.client(t, i)
		all[i].App, all[i].Codes = like.App, like.Codes
		pending, _ := all[i].LogIn(name)
		require.True(t, pending)
	}
	return all
}

// atOnce calls do n times at once.
func atOnce(n int, do func(i int)) {
	var group sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-begin
			do(i)
		})
	}
	close(begin)
	group.Wait()
}

// verdict repeats a request for as long as the answer is "try again".
func verdict(request func() (testenv.Answer, error)) (int, error) {
	for {
		a, err := request()
		if err != nil {
			return 0, err
		}
		if a.Status != http.StatusTooManyRequests {
			return a.Status, nil
		}
	}
}

// count says how often each status is there.
func count(statuses []int) map[int]int {
	n := map[int]int{}
	for _, status := range statuses {
		n[status]++
	}
	return n
}
