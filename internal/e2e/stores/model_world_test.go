package stores

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// world is the library beside its model.
type world struct {
	*rapid.T

	test     *testing.T // what mfatest fails
	kit      *mfatest.Kit
	mail     *mailroom
	humans   []*human
	nobodies map[string]*human // whoever signs in by a name and has nothing to sign in with
	rituals  []*ritual
	knocks   []*ritual
	replies  []reply         // that keys have made
	accepted map[string]bool // every answer that was right
}

func (w *world) ctx() context.Context { return w.test.Context() }
func (w *world) now() time.Time       { return w.kit.Clock.Now() }

// one draws one of a list.
func one[E any](w *world, what string, list ...E) E {
	return list[rapid.IntRange(0, len(list)-1).Draw(w.T, what)]
}

// luck is true about once in n times.
func (w *world) luck(what string, n int) bool { return rapid.IntRange(1, n).Draw(w.T, what) == n }

func (w *world) human() *human { return one(w, "human", w.humans...) }
func (w *world) visit() *visit { return one(w, "visit", w.human().visits...) }
func (w *world) method() string {
	return one(w, "method", totpMethod, keyMethod, codeMethod, mailMethod)
}

// lasting returns a session that has room for one more use, in place of one
// that has not: which use a full one forgets is told elsewhere.
func (w *world) lasting(v *visit) *visit {
	if len(v.state.Methods) < 12 {
		return v
	}
	return w.enter(v.human)
}

// expect compares how a call ended with what the model says.
func (w *world) expect(want string, err error) (succeeded bool) {
	w.Helper()
	got := fine
	if err != nil {
		got = mfa.ProblemFor(err).Code
	}
	require.Equal(w, want, got, "%v", err)
	return err == nil
}

// conclude compares how an answer ended with what the model says, where want
// is what it says of the answer's right to be judged.
func (w *world) conclude(h *human, method string, r *ritual, judged verdict, want string, err error) (succeeded bool) {
	w.Helper()
	if want == fine {
		want = h.outcome(method, r, judged, w.now())
	}
	var t *mfa.ThrottledError
	if want == throttled && errors.As(err, &t) {
		require.Equal(w, h.budget(method, r).wait(w.now()), t.RetryAfter)
	}
	return w.expect(want, err)
}

// proved follows a verification that succeeded.
func (w *world) proved(v *visit, next mfa.State, r *ritual, a reply) {
	last := next.Methods[len(next.Methods)-1]
	if last.Name == mailMethod {
		v.state = next
		v.prove(w.delivered(r, last, true))
		return
	}
	i := slices.IndexFunc(v.human.gadgets, func(g *gadget) bool { return g.id == last.CredentialID })
	g := v.human.gadgets[i]
	require.Equal(w, right, g.judge(a, a.made, w.now()))
	w.spend(g.accept(a, w.now()))
	v.state = next
	v.prove(use{method: g.method, second: true, at: w.now(), with: g})
}

func (w *world) spend(spent string) {
	require.False(w, w.accepted[spent], "D02, E03, H08: accepted twice: %s", spent)
	w.accepted[spent] = true
}

// enrolled follows an enrolment that succeeded. New codes take the place of
// the old ones.
func (w *world) enrolled(v *visit, r *ritual, next mfa.State, info mfa.CredentialInfo, a reply) {
	v.state = next
	g := r.offer
	if g.method == codeMethod {
		for _, old := range v.human.live(codeMethod) {
			require.Equal(w, old.id, info.ID)
			old.supply(g.codes)
			old.name = g.name
			return
		}
	}
	if g.method == mailMethod {
		w.enrolledInbox(v, r, info)
		return
	}
	g.id, g.device = info.ID, a.device
	v.human.gadgets = append(v.human.gadgets, g)
	if g.method == totpMethod {
		w.spend(g.accept(a, w.now()))
	}
	if g.method != codeMethod {
		v.prove(use{method: g.method, second: true, at: w.now(), with: g})
	}
}

// check compares every user and every session.
func (w *world) check() {
	for _, h := range w.humans {
		infos, err := w.kit.Manager.Credentials(w.ctx(), h.name)
		require.NoError(w, err)
		stored, want := map[string]string{}, map[string]string{}
		for _, info := range infos {
			stored[info.ID] = info.Name
		}
		for _, g := range h.live("") {
			want[g.id] = g.name
		}
		require.Equal(w, want, stored, "what is stored")
		require.True(w, h.real() || len(infos) == 0, "L04, E10: recovery codes stand alone")
		for _, v := range h.visits {
			w.checkVisit(v)
		}
	}
}

func (w *world) checkVisit(v *visit) {
	s, err := w.kit.Manager.Status(w.ctx(), v.state)
	require.NoError(w, err)
	require.Equal(w, v.level(), s.AAL, "A01: what a session is worth")
	require.Equal(w, v.highest(), s.HighestAvailable)
	require.Equal(w, v.pending, s.Pending)
	require.Len(w, s.Completed, len(v.live()))
	for _, m := range s.Methods {
		require.Len(w, v.human.live(m.Method), m.Enrolled, m.Method)
		require.Equal(w, v.can(m.Method, v.level() == mfa.AAL2), m.Usable, m.Method)
	}
	w.expect(v.passes(mfa.Requirement{}, w.now()), w.kit.Manager.Allow(w.ctx(), v.state, mfa.Requirement{}))
}
