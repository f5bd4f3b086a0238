package stores

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// journal is what people have seen of the parties, whatever became of those
// since.
type journal struct {
	c *crowd

	mu      sync.Mutex
	answers map[string]*answer
	raised  [][]byte // the sessions that an answer has raised
	codes   map[string]int
	hinted  int // of "unavailable", with the time when to try again
}

// answer is one that was given, perhaps more than once.
type answer struct {
	order    order
	accepted int
}

func newJournal(c *crowd) *journal {
	return &journal{c: c, answers: map[string]*answer{}, codes: map[string]int{}}
}

// ask gives an order to a party and waits for its report.
func (j *journal) ask(party int, o order) report {
	r := j.c.member(party).ask(o)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.note(r)
	return r
}

func (j *journal) note(r report) {
	j.codes[r.Code]++
	if r.Code == "unavailable" && r.RetryAfter > 0 {
		j.hinted++
	}
}

// give gives one answer, which has a name of its own, to parties at once.
func (j *journal) give(name string, o order, parties ...int) []report {
	arrive := make([]<-chan report, len(parties))
	for i, party := range parties {
		arrive[i] = j.c.member(party).send(o)
	}
	reports := make([]report, len(parties))
	for i := range arrive {
		reports[i] = <-arrive[i]
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.answers[name]
	if a == nil {
		a = &answer{order: o}
		j.answers[name] = a
	}
	for _, r := range reports {
		j.note(r)
		if r.Code != "" {
			continue
		}
		a.accepted++
		if o.Op != "finish enrolment" {
			j.raised = append(j.raised, r.State)
		}
	}
	return reports
}

// replay gives all answers once more, to parties at once, and requires that
// they are judged and that none has been accepted twice.
func (j *journal) replay(t *testing.T, parties ...int) {
	t.Helper()
	for name, a := range j.answers {
		for _, r := range j.give(name, a.order, parties...) {
			require.Contains(t, []string{"", "rejected"}, r.Code, "%s once more: %s", name, r.Err)
		}
		require.LessOrEqual(t, a.accepted, 1, "%s", name)
	}
}

// requireRaised requires that every session that was raised is worth that, or
// is lowered if it was raised by a credential that was removed.
func (j *journal) requireRaised(t *testing.T, removed ...string) {
	t.Helper()
	for i, raised := range j.raised {
		var s mfa.State
		require.NoError(t, s.UnmarshalBinary(raised))
		want := "aal2"
		if slices.Contains(removed, s.Methods[len(s.Methods)-1].CredentialID) {
			want = "aal1"
		}
		require.Equal(t, want, j.c.level(t, i, raised))
	}
}

// append adds what another journal has. Codes of apps are left out: they are old,
// and would count as wrong.
func (j *journal) append(page *journal) {
	for name, a := range page.answers {
		if a.order.Method != "totp" {
			j.answers[name] = a
		}
	}
	j.raised = append(j.raised, page.raised...)
	for code, n := range page.codes {
		j.codes[code] += n
	}
}
