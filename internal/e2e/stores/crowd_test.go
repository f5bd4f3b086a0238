package stores

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/otpdelivery"
)

// many is more wrong answers than any test gives.
const (
	many    = 100_000
	endless = 1 << 30
)

// generous takes the budgets out of tests that are about something else.
var (
	generous      = mfa.Limits{Attempts: many, Closed: many, Lookups: many}
	generousSends = otpdelivery.Limits{PerUser: endless, PerAddress: endless, PerPrefix: endless, PerDay: endless}
)

// crowd is several parties over one store, and the clock that they share.
type crowd struct {
	members []*member
	setup   setup
	now     time.Time
	store   *opened // the tests' own way to it
}

// member is a party as its test sees it.
type member struct {
	in   io.WriteCloser
	kill func()

	writing sync.Mutex
	encoder *json.Encoder

	mu      sync.Mutex
	next    int
	waiting map[int]chan report
	gone    error // why there will be no more reports
	ended   chan struct{}
}

// newCrowd makes one party in this process, or n in processes of their own.
func newCrowd(t *testing.T, s spec, n int, change func(*setup)) *crowd {
	t.Helper()
	c := &crowd{now: time.Now().UTC().Truncate(time.Second), store: open(t, s)}
	c.setup = setup{
		Spec: s, Now: c.now, Keys: [][]byte{[]byte("0123456789abcdef0123456789ABCDEF")}, Limits: generous, Sends: generousSends,
	}
	if change != nil {
		change(&c.setup)
	}
	if n == 1 {
		c.members = []*member{here(t, c.store, c.setup)}
		return c
	}
	for i := range n {
		c.members = append(c.members, c.process(t, i))
	}
	return c
}

// here starts a party in this process.
func here(t *testing.T, store mfa.Store, s setup) *member {
	t.Helper()
	p, err := newParty(store, s)
	require.NoError(t, err)
	orders, in := io.Pipe()
	out, reports := io.Pipe()
	served := make(chan error, 1)
	go func() {
		err := p.serve(orders, reports)
		served <- errors.Join(err, reports.Close())
	}()
	m := newMember(in, out, func() {})
	t.Cleanup(func() {
		assert.NoError(t, in.Close())
		assert.NoError(t, <-served)
		<-m.ended
	})
	return m
}

// process starts party number i in a process of its own.
func (c *crowd) process(t *testing.T, i int) *member {
	t.Helper()
	s := c.setup
	s.Index, s.Now = i, c.now
	encoded, err := json.Marshal(s)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, string(encoded))
	cmd.Env = append(os.Environ(), childEnv+"=party")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	m := newMember(in, out, func() { _ = cmd.Process.Kill() }) // it may have ended
	end := sync.OnceFunc(func() {
		<-m.ended // everything is read before Wait closes the pipe
		_ = cmd.Wait()
	})
	kill := m.kill
	m.kill = func() {
		kill()
		end()
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends when there are no more orders; it may have been killed
		late := time.AfterFunc(time.Minute, kill)
		defer late.Stop()
		end()
	})
	return m
}

func newMember(in io.WriteCloser, out io.Reader, kill func()) *member {
	m := &member{in: in, kill: kill, encoder: json.NewEncoder(in), waiting: map[int]chan report{}, ended: make(chan struct{})}
	go m.listen(out)
	return m
}

// listen hands reports to those who wait for them, and tells them when there
// will be none.
func (m *member) listen(out io.Reader) {
	defer close(m.ended)
	for decoder := json.NewDecoder(out); ; {
		var r report
		err := decoder.Decode(&r)
		m.mu.Lock()
		if err != nil {
			m.gone = err
			for id, waiting := range m.waiting {
				waiting <- report{ID: id, Code: lost}
			}
			clear(m.waiting)
			m.mu.Unlock()
			return
		}
		waiting := m.waiting[r.ID]
		delete(m.waiting, r.ID)
		m.mu.Unlock()
		waiting <- r
	}
}

// send gives an order and returns where its report arrives.
func (m *member) send(o order) <-chan report {
	arrives := make(chan report, 1)
	m.mu.Lock()
	m.next++
	o.ID = m.next
	gone := m.gone != nil
	if !gone {
		m.waiting[o.ID] = arrives
	}
	m.mu.Unlock()
	if gone {
		arrives <- report{ID: o.ID, Code: lost}
		return arrives
	}
	m.writing.Lock()
	defer m.writing.Unlock()
	_ = m.encoder.Encode(o) // if it fails the party is gone, and listen says so
	return arrives
}

// ask gives an order and waits for its report.
func (m *member) ask(o order) report { return <-m.send(o) }

// member returns the i-th party, counting round.
func (c *crowd) member(i int) *member { return c.members[i%len(c.members)] }

// wait moves the clocks of all parties.
func (c *crowd) wait(by time.Duration) {
	c.now = c.now.Add(by)
	for _, m := range c.members {
		m.ask(order{Op: "clock", Now: c.now})
	}
}

// must gives an order to the i-th party that has to go well.
func (c *crowd) must(t *testing.T, i int, o order) report {
	t.Helper()
	o.Insist = true
	r := c.member(i).ask(o)
	require.Empty(t, r.Code, "%s: %s", o.Op, r.Err)
	return r
}

// atOnce gives orders to all parties in turn, behind a barrier, and returns the
// reports in the same order.
func (c *crowd) atOnce(orders []order) []report {
	arrive := make([]<-chan report, len(orders))
	for i, o := range orders {
		o.Held = true
		arrive[i] = c.member(i).send(o)
	}
	released := make([]<-chan report, len(c.members))
	for i, m := range c.members {
		released[i] = m.send(order{Op: "release"})
	}
	for _, r := range released {
		<-r
	}
	reports := make([]report, len(orders))
	for i := range arrive {
		reports[i] = <-arrive[i]
	}
	return reports
}

// codes says how often each answer is there.
func codes(reports []report) map[string]int {
	n := map[string]int{}
	for _, r := range reports {
		n[r.Code]++
	}
	return n
}
