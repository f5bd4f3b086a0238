package stores

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/otpdelivery"
)

// caller is a name to sign in with, which perhaps nobody has.
func (w *world) caller() string {
	if w.luck("nobody", 4) {
		return "nobody"
	}
	return w.human().name
}

// knock begins a sign-in by a code. The last four are remembered. It looks the
// same for whoever has nothing to sign in with.
func (w *world) knock(name string) *ritual {
	k := &knock{binding: rand.Text()}
	r := &ritual{knock: k, method: mailMethod, began: w.now(), tries: 5}
	first := &row{endless: true}
	if i := slices.IndexFunc(w.humans, func(h *human) bool { return h.name == name }); i >= 0 {
		k.human = w.humans[i]
		first = k.human.first // whoever has no inbox counts as the same human
	}
	if !k.human.reachable() {
		if w.nobodies[name] == nil {
			w.nobodies[name] = &human{first: first}
		}
		k.human, r.post.nobody = w.nobodies[name], true
	}
	r.set = k.human.set()
	c, err := w.kit.Manager.BeginSignIn(w.ctx(), mfa.SignInOptions{Method: mailMethod, Name: name, Binding: k.binding})
	w.expect(fine, err)
	require.Equal(w, otpdelivery.Prompt{Digits: 6}, c.Prompt)
	r.id, r.expires = c.ID, c.ExpiresAt
	w.collect(r)
	w.knocks = append(slices.Clone(w.knocks[max(0, len(w.knocks)-3):]), r)
	return r
}

// reachable reports whether there is an inbox to send a code to.
func (h *human) reachable() bool { return h != nil && (h.contact != "" || len(h.live(mailMethod)) > 0) }

// comeInByMail answers a sign-in, perhaps with another code, in another browser
// or after some guesses.
func (w *world) comeInByMail() {
	r := w.knock(w.caller())
	if w.luck("an earlier one", 2) {
		r = one(w, "knock", w.knocks...)
	}
	a := reply{text: r.post.code}
	if r.post.nobody || w.luck("another code", 4) {
		a = w.anotherCode(r)
	}
	binding := r.knock.binding
	if w.luck("in another browser", 6) {
		binding = rand.Text()
	}
	for range one(w, "guesses", 0, 0, 0, 1, 4, 5) {
		w.answerKnock(r, binding, reply{text: bad})
	}
	w.answerKnock(r, binding, a)
}

// open says whether a browser may answer now.
func (k *knock) open(r *ritual, binding string, now time.Time) string {
	if r.dead(now) || k.binding != binding {
		return rejected
	}
	return r.unchanged(k.human)
}

// answerKnock answers a sign-in, and begins a session or goes on with one if
// that was right.
func (w *world) answerKnock(r *ritual, binding string, a reply) error {
	h := r.knock.human
	want := r.knock.open(r, binding, w.now())
	user, first, err := w.kit.Manager.FinishSignIn(w.ctx(), binding, r.id, []byte(a.text))
	if !w.conclude(h, mailMethod, r, r.post.judge(a, h, h.live(mailMethod)), want, err) {
		return err
	}
	require.Equal(w, h.name, user)
	u := w.delivered(r, first, false)
	v := &visit{human: h}
	if w.luck("same session", 3) {
		v = w.lasting(one(w, "visit", h.visits...))
	} else {
		h.visits = append(slices.Clone(h.visits[max(0, len(h.visits)-2):]), v)
	}
	w.start(v, first, u)
	return nil
}

// guessFromAfar guesses at sign-ins, as anybody can, perhaps patiently. J09: it
// takes nothing from second factors, and never closes anything for good.
func (w *world) guessFromAfar() {
	name := w.caller()
	n := one(w, "guesses", 1, 4, 6, 25, 105)
	patient := w.luck("patient", 2)
	r := w.knock(name)
	for range n {
		if r.dead(w.now()) {
			r = w.knock(name)
		}
		w.answerKnock(r, r.knock.binding, reply{text: bad})
		if patient && r.knock.human.first.wrong >= 5 {
			w.kit.Clock.Advance(time.Hour)
		}
	}
	w.verify(w.enter(w.human()), totpMethod, true, bad)
}

// insist guesses, asks for another code, guesses again, and gives a code: the
// right one, an older one or that of another ceremony. F04: tries and expiry
// stay.
func (w *world) insist() {
	r := w.toBeSentAgain()
	w.guessAt(r, one(w, "guesses", 0, 0, 1, 4))
	w.maybeAfter(period)
	w.resend(r)
	w.guessAt(r, one(w, "guesses", 0, 0, 1, 4))
	w.maybeAfter(period)
	if w.luck("moved", 4) && !r.post.nobody {
		w.move(r.owner())
	}
	if r.method == mailMethod && w.luck("another code", 2) {
		w.answer(r, w.anotherCode(r))
	} else {
		w.answer(r, w.good(r))
	}
}

func (w *world) maybeAfter(span time.Duration) {
	if w.luck("after a while", 2) {
		w.kit.Clock.Advance(span)
	}
}

// toBeSentAgain is a ceremony of any kind, perhaps of long ago.
func (w *world) toBeSentAgain() *ritual {
	all := append(slices.Clone(w.rituals), w.knocks...)
	if len(all) > 0 && w.luck("an earlier one", 2) {
		return one(w, "ceremony", all...)
	}
	if w.luck("sign-in", 2) {
		return w.knock(w.human().name)
	}
	if r := w.begin(w.familiar(), mailMethod, w.luck("enrol", 2), true); r != nil {
		return r
	}
	return w.knock(w.human().name)
}

func (w *world) guessAt(r *ritual, n int) {
	for range n {
		w.answer(r, reply{text: bad})
	}
}

// answer answers a ceremony where it began.
func (w *world) answer(r *ritual, a reply) {
	if r.knock != nil {
		w.answerKnock(r, r.knock.binding, a)
		return
	}
	w.finish(r, w.lasting(r.visit), a)
}

// resend asks for another code.
func (w *world) resend(r *ritual) {
	c, want, err := w.again(r)
	switch {
	case want == fine && r.method != mailMethod:
		want = notOwned
	case want == fine && !r.post.cool(w.now()):
		want = throttled
	}
	if w.expect(want, err) {
		require.Equal(w, r.expires, c.ExpiresAt)
		w.collect(r)
	}
}

// again asks for another code, in the session or browser of a ceremony or in
// another one.
func (w *world) again(r *ritual) (c *mfa.Ceremony, want string, err error) {
	if r.knock != nil {
		binding := one(w, "binding", r.knock.binding, r.knock.binding, r.knock.binding, rand.Text())
		want = r.knock.open(r, binding, w.now())
		if want == fine && !r.post.nobody && !r.knock.human.reachable() {
			want = rejected
		}
		c, err = w.kit.Manager.ResendSignIn(w.ctx(), binding, r.id)
		return c, want, err
	}
	v := r.visit
	if w.luck("in another session", 4) {
		v = w.visit()
	}
	want = r.open(v, w.now())
	switch {
	case want != fine:
	case r.offer != nil:
		want = v.mayEnrol(r.method, w.now())
	default:
		want = v.mayVerify(r.method, r.refresh)
	}
	c, err = w.kit.Manager.Resend(w.ctx(), v.state, r.id)
	return c, want, err
}

// confuse gives right answers where they were not asked for. F03: that costs
// nothing and changes nothing.
func (w *world) confuse() {
	m := w.kit.Manager
	for _, r := range w.knocks {
		v := w.visit()
		_, err := m.FinishVerify(w.ctx(), v.state, r.id, []byte(r.post.code))
		w.expect(rejected, err)
		_, _, err = m.FinishEnroll(w.ctx(), v.state, r.id, []byte(r.post.code))
		w.expect(rejected, err)
		_, err = m.Resend(w.ctx(), v.state, r.id)
		w.expect(rejected, err)
	}
	for _, r := range w.rituals {
		binding := rand.Text()
		_, _, err := m.FinishSignIn(w.ctx(), binding, r.id, []byte(r.post.code))
		w.expect(rejected, err)
		_, err = m.ResendSignIn(w.ctx(), binding, r.id)
		w.expect(rejected, err)
		if r.offer == nil {
			_, _, err = m.FinishEnroll(w.ctx(), r.visit.state, r.id, []byte(r.post.code))
		} else {
			_, err = m.FinishVerify(w.ctx(), r.visit.state, r.id, []byte(r.post.code))
		}
		w.expect(rejected, err)
	}
}
