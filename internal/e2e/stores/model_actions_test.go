package stores

import (
	"encoding/json"
	"errors"
	"flag"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// Q01: whatever users do, in whatever order, the library does what the model
// says.
func TestQ01_ModelOnEveryStore(t *testing.T) {
	checks, steps := 20, 60
	if long {
		checks, steps = 200, 100
	}
	setFlag(t, "rapid.checks", checks)
	setFlag(t, "rapid.steps", steps)
	onEach(t, func(t *testing.T, s spec) {
		store := open(t, s)
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(t, rt, store)
			defer func() { require.NoError(t, w.mail.close()) }()
			rt.Repeat(map[string]func(*rapid.T){
				"":                func(*rapid.T) { w.check() },
				"answer at once":  func(*rapid.T) { w.answerAtOnce() },
				"answer later":    func(*rapid.T) { w.answerLater() },
				"begin to enrol":  func(*rapid.T) { w.begin(w.visit(), w.method(), true, true) },
				"begin to verify": func(*rapid.T) { w.beginToVerify() },
				"come in by mail": func(*rapid.T) { w.comeInByMail() },
				"confuse":         func(*rapid.T) { w.confuse() },
				"enrol":           func(*rapid.T) { w.enrol(w.familiar(), w.method()) },
				"get help":        func(*rapid.T) { w.getHelp() },
				"guess":           func(*rapid.T) { w.guess() },
				"guess from afar": func(*rapid.T) { w.guessFromAfar() },
				"insist":          func(*rapid.T) { w.insist() },
				"knock":           func(*rapid.T) { w.knock(w.caller()) },
				"log in":          func(*rapid.T) { w.logIn(w.human()) },
				"manage":          func(*rapid.T) { w.manage() },
				"move":            func(*rapid.T) { w.move(w.human()) },
				"pass a gate":     func(*rapid.T) { w.passGate() },
				"sign in":         func(*rapid.T) { w.signIn(w.human()) },
				"sweep":           func(*rapid.T) { w.sweep() },
				"wait":            func(*rapid.T) { w.wait() },
			})
		})
	})
}

// setFlag sets a flag of rapid, which can be told in no other way, unless the
// command line has set it.
func setFlag(t *testing.T, name string, value int) {
	t.Helper()
	f := flag.Lookup(name)
	if f.Value.String() != f.DefValue {
		return
	}
	require.NoError(t, f.Value.Set(strconv.Itoa(value)))
	t.Cleanup(func() { require.NoError(t, f.Value.Set(f.DefValue)) })
}

// enter begins a session with the password. A human has three at most.
func (w *world) enter(h *human) *visit {
	v := &visit{human: h}
	h.visits = append(slices.Clone(h.visits[max(0, len(h.visits)-2):]), v)
	w.start(v, mfa.Password(), use{})
	return v
}

func (w *world) start(v *visit, first mfa.Method, proves use) {
	state, err := w.kit.Manager.Start(w.ctx(), v.state, v.human.name, first)
	w.expect(fine, err)
	v.state, v.pending = state, true
	proves.method, proves.at = first.Name, w.now()
	v.prove(proves)
}

// signIn begins a session, or uses a first factor in one that is there.
func (w *world) signIn(h *human) {
	switch {
	case w.luck("federated", 6):
		w.start(w.lasting(one(w, "visit", h.visits...)), mfa.OIDC("example", mfa.Upstream{AAL2: true}), use{vouched: true})
	case w.luck("same session", 3):
		w.start(w.lasting(one(w, "visit", h.visits...)), mfa.Password(), use{})
	default:
		w.enter(h)
	}
}

// logIn signs in and verifies with what the human has.
func (w *world) logIn(h *human) *visit {
	v := w.enter(h)
	w.kit.Clock.Advance(period) // a new code
	var has []string
	for _, g := range h.live("") {
		has = append(has, g.method)
	}
	if h.contact != "" {
		has = append(has, mailMethod)
	}
	if len(has) > 0 {
		if r := w.begin(v, one(w, "factor", has...), false, true); r != nil {
			w.finish(r, v, w.good(r))
		}
	}
	return v
}

// familiar is mostly the session of somebody who has just logged in.
func (w *world) familiar() *visit {
	if w.luck("any", 3) {
		return w.lasting(w.visit())
	}
	return w.logIn(w.human())
}

// equip enrols one factor of each kind.
func (w *world) equip(v *visit) {
	for _, method := range []string{totpMethod, keyMethod, codeMethod, mailMethod} {
		w.enrol(v, method)
	}
}

func (w *world) enrol(v *visit, method string) {
	if r := w.begin(v, method, true, true); r != nil {
		w.finish(r, v, w.good(r))
	}
}

// begin begins a ceremony. The last eight are remembered; the others are
// abandoned.
func (w *world) begin(v *visit, method string, enrols, refresh bool) *ritual {
	r := &ritual{visit: v, method: method, refresh: refresh, set: v.human.set(), began: w.now(), tries: 5}
	var (
		c      *mfa.Ceremony
		err    error
		want   string
		params map[string]string
	)
	if enrols {
		if method == mailMethod {
			params = map[string]string{"address": one(w, "inbox", v.human.inboxes...)}
		}
		want = v.mayEnrol(method, w.now())
		c, err = w.kit.Manager.BeginEnroll(w.ctx(), v.state, mfa.EnrollOptions{Method: method, Params: params})
	} else {
		want = v.mayVerify(method, refresh)
		c, err = w.kit.Manager.BeginVerify(w.ctx(), v.state, mfa.VerifyOptions{Method: method, Refresh: refresh})
	}
	if !w.expect(want, err) {
		return nil
	}
	r.id, r.prompt, r.expires = c.ID, c.Prompt, c.ExpiresAt
	if enrols {
		r.offer = w.offer(method, c.Prompt)
		r.offer.inbox = params["address"]
	}
	switch method {
	case keyMethod:
		r.tries = 1
	case mailMethod:
		w.collect(r)
	}
	w.rituals = append(slices.Clone(w.rituals[max(0, len(w.rituals)-7):]), r)
	return r
}

// beginToVerify begins a verification. A key answers it, and that is not given
// yet.
func (w *world) beginToVerify() {
	r := w.begin(w.visit(), w.method(), false, !w.luck("no refresh", 4))
	if r != nil && r.method == keyMethod {
		w.good(r)
	}
}

// offer is what an enrolment offers.
func (w *world) offer(method string, prompt any) *gadget {
	g := &gadget{method: method, name: method}
	switch method {
	case totpMethod:
		g.app = mfatest.NewTOTP(w.test, prompt)
	case codeMethod:
		var shown struct{ Codes []string }
		encoded, err := json.Marshal(prompt)
		require.NoError(w, err)
		require.NoError(w, json.Unmarshal(encoded, &shown))
		g.supply(shown.Codes)
	}
	return g
}

// good is what an honest user answers.
func (w *world) good(r *ritual) reply {
	switch {
	case r.method == keyMethod && r.offer != nil:
		device := mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin)
		return w.made(reply{made: r, device: device, text: string(device.Register(w.test, r.prompt))})
	case r.method == keyMethod:
		device := one(w, "key", slices.DeleteFunc(slices.Clone(r.visit.human.gadgets), func(g *gadget) bool {
			return g.method != keyMethod || !slices.Contains(r.set, g.id)
		})...).device
		return w.made(reply{made: r, device: device, text: string(device.Assert(w.test, r.prompt))})
	case r.method == codeMethod && r.offer != nil:
		return reply{text: "saved"}
	case r.method == mailMethod:
		return reply{text: r.post.code}
	case r.offer != nil:
		return reply{text: r.offer.app.Code(w.now())}
	}
	return reply{text: w.code(r.visit.human.live(r.method), 0)}
}

// code is a code of one of these factors: of an app at some time from now, or
// one of a set, unused or not.
func (w *world) code(of []*gadget, from time.Duration) string {
	if len(of) == 0 {
		return bad
	}
	g := one(w, "factor", of...)
	if g.method == totpMethod {
		return g.app.Code(w.now().Add(from))
	}
	return one(w, "code", g.codes...)
}

// bad is no code of anybody.
const bad = "000000"

// made remembers what keys have made of late: it may come late, and twice.
func (w *world) made(a reply) reply {
	w.replies = append(slices.Clone(w.replies[max(0, len(w.replies)-3):]), a)
	return a
}

// answerLater answers a ceremony, perhaps with what a key has made before, and
// perhaps for another one, or after some guesses.
func (w *world) answerLater() {
	if len(w.rituals) == 0 {
		w.Skip("nothing has begun")
	}
	r := one(w, "ceremony", w.rituals...)
	var a reply
	if len(w.replies) > 0 && w.luck("made before", 3) {
		a = one(w, "reply", w.replies...)
		r = one(w, "for", append(w.like(a.made), a.made)...)
	} else {
		a = w.good(r)
	}
	if r.method == mailMethod && w.luck("another code", 4) {
		a = w.anotherCode(r)
	}
	v := w.lasting(r.visit)
	switch {
	case w.luck("in another session", 4):
		v = w.lasting(one(w, "visit", v.human.visits...))
	case w.luck("stranger", 8):
		v = w.lasting(w.visit())
	}
	for range one(w, "guesses", 0, 0, 0, 1, 4, 5) {
		w.finish(r, v, reply{text: bad})
	}
	w.finish(r, v, a)
}

// like returns the ceremonies of the same user for the same method.
func (w *world) like(a *ritual) []*ritual {
	return slices.DeleteFunc(slices.Clone(w.rituals), func(r *ritual) bool {
		return r.method != a.method || r.visit.human != a.visit.human
	})
}

// finish answers a ceremony.
func (w *world) finish(r *ritual, v *visit, a reply) {
	want := r.open(v, w.now())
	if r.offer == nil {
		next, err := w.kit.Manager.FinishVerify(w.ctx(), v.state, r.id, []byte(a.text))
		if want == fine {
			want = v.mayVerify(r.method, r.refresh)
		}
		if w.conclude(v.human, r.method, r, v.judge(r.method, r, a, w.now()), want, err) {
			w.proved(v, next, r, a)
		}
		return
	}
	info, next, err := w.kit.Manager.FinishEnroll(w.ctx(), v.state, r.id, []byte(a.text))
	if want == fine {
		want = v.mayEnrol(r.method, w.now())
	}
	if w.conclude(v.human, r.method, r, v.judge(r.method, r, a, w.now()), want, err) {
		w.enrolled(v, r, next, info, a)
	}
}

// answerAtOnce gives a code of now or of another time, perhaps of a factor that
// is gone, or of somebody else's.
func (w *world) answerAtOnce() {
	v := w.lasting(w.visit())
	method := one(w, "method", totpMethod, codeMethod)
	of := v.human.live(method)
	switch {
	case w.luck("removed", 4):
		of = v.human.ever(method)
	case w.luck("of anybody", 8):
		of = w.human().live(method)
	}
	code := w.code(of, one(w, "from", 0, 0, 0, -period, -period, -2*period, period))
	w.verify(v, method, !w.luck("no refresh", 4), code)
}

// verify answers without a ceremony.
func (w *world) verify(v *visit, method string, refresh bool, text string) error {
	a := reply{text: text}
	next, err := w.kit.Manager.Verify(w.ctx(), v.state, mfa.VerifyOptions{Method: method, Refresh: refresh}, []byte(text))
	if w.conclude(v.human, method, nil, v.judge(method, nil, a, w.now()), v.mayVerify(method, refresh), err) {
		w.proved(v, next, nil, a)
	}
	return err
}

// guess gives many wrong answers from several sessions, perhaps patiently, and
// one more after a while. J03: no more are judged than the budget has.
func (w *world) guess() {
	h := w.human()
	method := one(w, "method", totpMethod, codeMethod)
	n := one(w, "guesses", 1, 4, 6, 25, 210)
	patient := w.luck("patient", 2)
	if len(h.live(method)) == 0 {
		w.equip(w.enter(h))
	}
	for i := range n {
		v := w.lasting(h.visits[i%len(h.visits)])
		if i%4 == 3 {
			v = w.enter(h)
		}
		err := w.verify(v, method, true, bad)
		var t *mfa.ThrottledError
		if errors.As(err, &t) && patient {
			w.kit.Clock.Advance(t.RetryAfter)
		}
	}
	w.wait()
	w.verify(w.enter(h), method, true, bad)
}
