package stores

import (
	"slices"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// What the library has to do, said once more in as few words as possible: what
// users have, what their sessions have proved, and what is left of their
// budgets. Nothing here calls the library.

// How a call ends, by the code of its problem.
const (
	fine       = ""
	rejected   = "rejected"
	throttled  = "throttled"
	stepUp     = "step_up_required"
	notOwned   = "not_found"
	notThere   = "not_enrolled"
	enough     = "already_satisfied"
	totpMethod = "totp"
	keyMethod  = "webauthn"
	codeMethod = "lookup_secret"
)

// human is a user with everything that the user ever had.
type human struct {
	name    string
	gadgets []*gadget
	visits  []*visit
	second  row
	lookups hour
}

// gadget is one enrolled factor. It is an app, a key or a set of codes.
type gadget struct {
	id, method, name string
	gone             bool

	app    *mfatest.TOTP
	last   int64 // the step of the last code that was accepted
	device *mfatest.Authenticator
	codes  []string // all that the set ever had
	unused map[string]bool
}

// supply puts new codes in the place of those that there were.
func (g *gadget) supply(codes []string) {
	g.codes, g.unused = append(g.codes, codes...), map[string]bool{}
	for _, c := range codes {
		g.unused[c] = true
	}
}

// ever returns what the user ever had of one method, or of all.
func (h *human) ever(method string) []*gadget {
	return slices.DeleteFunc(slices.Clone(h.gadgets), func(g *gadget) bool { return method != "" && g.method != method })
}

// live returns what the user has now.
func (h *human) live(method string) []*gadget {
	return slices.DeleteFunc(h.ever(method), func(g *gadget) bool { return g.gone })
}

// real reports whether the user has a second factor, not counting codes.
func (h *human) real() bool { return len(h.live(totpMethod))+len(h.live(keyMethod)) > 0 }

// drop takes factors away, and the codes too if they would stand alone.
func (h *human) drop(gone func(*gadget) bool) {
	for _, g := range h.gadgets {
		g.gone = g.gone || gone(g)
	}
	for _, g := range h.gadgets {
		g.gone = g.gone || g.method == codeMethod && !h.real()
	}
}

// set names what the user has now.
func (h *human) set() (ids []string) {
	for _, g := range h.live("") {
		ids = append(ids, g.id)
	}
	slices.Sort(ids)
	return ids
}

// visit is a session.
type visit struct {
	human   *human
	state   mfa.State
	uses    []use
	pending bool
}

// use is one thing that a session has proved.
type use struct {
	method  string
	at      time.Time
	with    *gadget // nil in the first role
	vouched bool    // aal2 by itself
}

func (v *visit) live() []use {
	return slices.DeleteFunc(slices.Clone(v.uses), func(u use) bool { return u.with != nil && u.with.gone })
}

// level: every session here has a first factor, which shares nothing with the
// second ones.
func (v *visit) level() mfa.AAL {
	if slices.ContainsFunc(v.live(), func(u use) bool { return u.with != nil || u.vouched }) {
		return mfa.AAL2
	}
	return mfa.AAL1
}

func (v *visit) highest() mfa.AAL {
	if v.human.real() {
		return mfa.AAL2
	}
	return v.level()
}

// prove adds a use. It ends what was pending if the session is worth what its
// user can reach.
func (v *visit) prove(u use) {
	v.uses = append(v.uses, u)
	v.pending = v.pending && v.level() < v.highest()
}

// meets reports whether a session that is not pending meets a requirement.
func (v *visit) meets(q mfa.Requirement, now time.Time) bool {
	level := q.AAL
	if level == mfa.AAL0 || level == mfa.HighestAvailable {
		level = v.highest()
	}
	return v.level() >= level && slices.ContainsFunc(v.live(), func(u use) bool {
		closes := level == mfa.AAL1 || u.with != nil || u.vouched
		fits := (!q.PhishingResistant || u.method == keyMethod) && (len(q.Methods) == 0 || slices.Contains(q.Methods, u.method))
		recent := q.MaxAge == 0 || now.Sub(u.at) <= q.MaxAge && u.at.Sub(now) <= time.Minute
		return closes && fits && recent
	})
}

// passes says how the gate ends.
func (v *visit) passes(q mfa.Requirement, now time.Time) string {
	if v.pending || !v.meets(q, now) {
		return stepUp
	}
	return fine
}

func (v *visit) privileged(now time.Time) bool {
	return v.meets(mfa.Requirement{MaxAge: 15 * time.Minute}, now)
}

func (v *visit) mayManage(now time.Time) string {
	if v.pending || !v.privileged(now) {
		return stepUp
	}
	return fine
}

func (v *visit) mayEnrol(method string, now time.Time) string {
	switch {
	case v.pending && v.human.real() || !v.privileged(now):
		return stepUp
	case method == codeMethod && !v.human.real():
		return notThere
	}
	return fine
}

func (v *visit) mayVerify(method string, refresh bool) string {
	switch {
	case v.level() == mfa.AAL2 && !refresh && !v.pending:
		return enough
	case len(v.human.live(method)) == 0 || method == codeMethod && !v.human.real():
		return notThere
	}
	return fine
}
