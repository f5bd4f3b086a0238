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
	mailMethod = "email"
	totpMethod = "totp"
	keyMethod  = "webauthn"
	codeMethod = "lookup_secret"
)

// human is a user with everything that the user ever had.
type human struct {
	name    string
	inboxes []string // where the human reads mail
	contact string   // the one that the app has verified; empty if there is none
	letters int      // that have come
	gadgets []*gadget
	visits  []*visit
	first   *row
	second  row
	lookups hour
}

// gadget is one enrolled factor. It is an app, a key, a set of codes or an
// inbox.
type gadget struct {
	id, method, name string
	gone             bool

	app    *mfatest.TOTP
	last   int64 // the step of the last code that was accepted
	device *mfatest.Authenticator
	codes  []string // all that the set ever had
	unused map[string]bool
	inbox  string
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
func (h *human) real() bool { return len(h.live("")) > len(h.live(codeMethod)) }

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
	second  bool // the role
	at      time.Time
	with    *gadget // if it is of one
	inbox   string  // if it went through one
	vouched bool    // aal2 by itself
}

func (v *visit) live() []use {
	return slices.DeleteFunc(slices.Clone(v.uses), func(u use) bool { return u.with != nil && u.with.gone })
}

// anchored reports whether a session has a first factor that counts.
func (v *visit) anchored() bool {
	return slices.ContainsFunc(v.live(), func(u use) bool { return !u.second })
}

// beside reports whether a factor, or an inbox without one, is another thing
// than one of the session's first factors. A04: one inbox never counts twice.
func (v *visit) beside(with *gadget, inbox string) bool {
	return slices.ContainsFunc(v.live(), func(u use) bool {
		return !u.second && (with == nil || u.with != with) && (inbox == "" || u.inbox != inbox)
	})
}

func (v *visit) raises(g *gadget) bool { return v.beside(g, g.inbox) }

// contact reports whether a verified address can be used as a second factor.
func (v *visit) contact() bool {
	return v.human.contact != "" && v.beside(nil, v.human.contact)
}

// completes reports whether a use makes aal2.
func (v *visit) completes(u use) bool { return u.vouched || u.second && v.beside(u.with, u.inbox) }

func (v *visit) level() mfa.AAL {
	switch live := v.live(); {
	case len(live) == 0:
		return mfa.AAL0
	case slices.ContainsFunc(live, v.completes):
		return mfa.AAL2
	default:
		return mfa.AAL1
	}
}

// available reports whether a second factor would raise the session.
func (v *visit) available() bool {
	return v.contact() || slices.ContainsFunc(v.human.live(""), func(g *gadget) bool { return g.method != codeMethod && v.raises(g) })
}

func (v *visit) highest() mfa.AAL {
	if v.level() == mfa.AAL2 || v.available() {
		return mfa.AAL2
	}
	return mfa.AAL1
}

// prove adds a use. It ends what was pending if the session is worth what its
// user can reach.
func (v *visit) prove(u use) {
	v.uses = append(v.uses, u)
	v.pending = v.pending && (!v.anchored() || v.level() < v.highest())
}

// meets reports whether a session that is not pending meets a requirement.
func (v *visit) meets(q mfa.Requirement, now time.Time) bool {
	if q.AAL != mfa.AAL1 && !v.anchored() {
		return false
	}
	level := q.AAL
	if level == mfa.AAL0 || level == mfa.HighestAvailable {
		level = v.highest()
	}
	return v.level() >= level && slices.ContainsFunc(v.live(), func(u use) bool {
		closes := level == mfa.AAL1 || v.completes(u)
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
	case v.pending && v.available() || !v.privileged(now):
		return stepUp
	case method == codeMethod && !v.human.real():
		return notThere
	}
	return fine
}

// again reports whether a session is to prove once more what it is worth.
func (v *visit) again(refresh bool) bool { return refresh || v.pending && v.level() == mfa.AAL2 }

func (v *visit) mayVerify(method string, refresh bool) string {
	switch {
	case !v.anchored():
		return stepUp
	case v.level() == mfa.AAL2 && !v.again(refresh):
		return enough
	case !v.can(method, v.again(refresh)):
		return notThere
	}
	return fine
}

// can reports whether there is something to verify with.
func (v *visit) can(method string, again bool) bool {
	return len(v.usable(method, again)) > 0 || method == mailMethod && v.contact()
}

// usable returns the factors of a method that can be verified with.
func (v *visit) usable(method string, again bool) []*gadget {
	if !v.anchored() || method == codeMethod && !v.human.real() {
		return nil
	}
	return slices.DeleteFunc(v.human.live(method), func(g *gadget) bool { return !again && !v.raises(g) })
}
