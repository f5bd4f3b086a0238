package stores

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// manage removes or renames a factor of anybody, also one that is gone.
func (w *world) manage() {
	v := w.familiar()
	h := v.human
	if w.luck("of anybody", 8) {
		h = w.human()
	}
	if len(h.gadgets) == 0 {
		return
	}
	g := one(w, "factor", h.gadgets...)
	want := v.mayManage(w.now())
	if want == fine && !slices.Contains(v.human.live(""), g) {
		want = notOwned
	}
	if w.luck("remove", 2) {
		next, err := w.kit.Manager.Remove(w.ctx(), v.state, g.id)
		if w.expect(want, err) {
			v.state = next
			v.human.drop(func(other *gadget) bool { return other == g })
		}
		return
	}
	name := "name " + rand.Text()
	if w.expect(want, w.kit.Manager.Rename(w.ctx(), v.state, g.id, name)) {
		g.name = name
	}
}

// getHelp has an admin do something, and tries again.
func (w *world) getHelp() {
	h := w.human()
	switch {
	case w.luck("forget", 8):
		w.expect(fine, w.kit.Manager.Forget(w.ctx(), h.name))
		h.drop(func(*gadget) bool { return true })
		h.lookups = hour{}
	case w.luck("reset", 3):
		methods := one(w, "methods", []string{totpMethod}, []string{keyMethod}, []string{codeMethod}, []string{totpMethod, keyMethod}, []string{mailMethod}, nil)
		w.expect(fine, w.kit.Manager.AdminReset(w.ctx(), "admin", h.name, "lost", methods...))
		h.drop(func(g *gadget) bool { return methods == nil || slices.Contains(methods, g.method) })
	default:
		w.expect(fine, w.kit.Manager.Unlock(w.ctx(), "admin", h.name, "asked for"))
	}
	h.unlock()
	w.verify(w.enter(h), totpMethod, true, bad)
}

// passGate asks for something in particular.
func (w *world) passGate() {
	v := w.visit()
	q := mfa.Requirement{
		AAL:    one(w, "level", mfa.AAL0, mfa.AAL1, mfa.AAL2, mfa.HighestAvailable),
		MaxAge: one(w, "age", 0, 0, time.Second, 5*time.Minute, time.Hour),
	}
	switch {
	case w.luck("resistant", 4):
		q.PhishingResistant = true
	case w.luck("only", 4):
		q.Methods = []string{w.method()}
	}
	w.expect(v.passes(q, w.now()), w.kit.Manager.Allow(w.ctx(), v.state, q))
}

// sweep drops what has expired, which does not come back if the clock is set
// back.
func (w *world) sweep() {
	require.NoError(w, w.kit.Manager.Sweep(w.ctx()))
	w.rituals = slices.DeleteFunc(w.rituals, w.expired)
	w.knocks = slices.DeleteFunc(w.knocks, w.expired)
	for _, r := range append(slices.Clone(w.rituals), w.knocks...) {
		r.post.sweep(w.now())
	}
	w.replies = slices.DeleteFunc(w.replies, func(a reply) bool { return w.expired(a.made) })
	for _, h := range w.humans {
		if h.lookups.from.Add(time.Hour).Before(w.now()) {
			h.lookups = hour{}
		}
		h.first.sweep(w.now())
	}
	for _, h := range w.nobodies {
		h.first.sweep(w.now())
	}
}

func (b *row) sweep(now time.Time) {
	if b.last.Add(25 * time.Hour).Before(now) {
		*b = row{endless: true}
	}
}

func (w *world) expired(r *ritual) bool { return r.expires.Before(w.now()) }

// wait moves the clock, sometimes back.
func (w *world) wait() {
	w.kit.Clock.Advance(one(
		w, "span", period, 2*period, time.Second, 5*time.Minute, 16*time.Minute,
		-period, -time.Second, -3*time.Minute, time.Hour, 25*time.Hour,
	))
}
