package stores

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-mfa/mfa/mfatest"
)

// ritual is a ceremony.
type ritual struct {
	id      string
	prompt  any
	visit   *visit
	knock   *knock // if it is a sign-in, which has no visit
	post    post
	method  string
	offer   *gadget // what it enrols; nil if it verifies
	refresh bool
	set     []string // what the user had when it began
	began   time.Time
	expires time.Time
	tries   int
	over    bool
}

// open says whether a session may answer now. A ceremony of a user who has
// other factors than when it began ends.
func (r *ritual) open(v *visit, now time.Time) string {
	switch {
	case r.dead(now) || r.visit != v:
		return rejected
	default:
		return r.unchanged(v.human)
	}
}

func (r *ritual) dead(now time.Time) bool {
	return r.over || !now.Before(r.expires) || now.Before(r.began.Add(-time.Minute))
}

func (r *ritual) unchanged(h *human) string {
	if !slices.Equal(r.set, h.set()) {
		r.over = true
		return rejected
	}
	return fine
}

// reply is what somebody answers with. An assertion and a registration are
// made for one ceremony.
type reply struct {
	text   string
	made   *ritual
	device *mfatest.Authenticator
}

type verdict int

const (
	wrong verdict = iota
	spent
	right
)

const period = 30 * time.Second

func stepOf(at time.Time) int64 { return at.Unix() / int64(period/time.Second) }

// step returns the step of which a code is the code: the one of now, or the
// one before.
func (g *gadget) step(code string, now time.Time) (step int64, ok bool) {
	for _, at := range []time.Time{now, now.Add(-period)} {
		if g.app.Code(at) == code {
			return stepOf(at), true
		}
	}
	return 0, false
}

// judge: a code of an app is good if it is later than the last one, an
// assertion for its own ceremony, and a recovery code once.
func (g *gadget) judge(a reply, r *ritual, now time.Time) verdict {
	switch g.method {
	case totpMethod:
		switch step, ok := g.step(a.text, now); {
		case ok && step > g.last:
			return right
		case ok:
			return spent
		}
	case keyMethod:
		if a.made == r && a.device == g.device {
			return right
		}
	case codeMethod:
		if g.unused[a.text] {
			return right
		}
	}
	return wrong
}

// accept spends an answer and names what was spent.
func (g *gadget) accept(a reply, now time.Time) (spent string) {
	switch g.method {
	case totpMethod:
		g.last, _ = g.step(a.text, now)
		return fmt.Sprintf("step %d of %s", g.last, g.id)
	case codeMethod:
		g.unused[a.text] = false
	}
	return a.text
}

// judge returns the best that an answer is to a user's factors of a method.
func (v *visit) judge(method string, r *ritual, a reply, now time.Time) verdict {
	switch {
	case r != nil && r.offer != nil:
		return r.judge(a, now)
	case method == mailMethod:
		return r.post.judge(a, v.human, v.usable(method, v.again(r.refresh)))
	}
	best := wrong
	for _, g := range v.human.live(method) {
		best = max(best, g.judge(a, r, now))
	}
	return best
}

// judge judges an answer to an enrolment.
func (r *ritual) judge(a reply, now time.Time) verdict {
	good := false
	switch r.method {
	case totpMethod:
		_, good = r.offer.step(a.text, now)
	case keyMethod:
		good = a.made == r
	case codeMethod:
		good = a.text == "saved"
	case mailMethod:
		good = a.text == r.post.code
	}
	if good {
		return right
	}
	return wrong
}

// budget limits wrong answers.
type budget interface {
	wait(now time.Time) time.Duration
	fail(now time.Time)
}

// row is what is left for first or for second factors: five wrong in a row, then
// a delay of 30 s that doubles up to one hour; a hundred close that for second
// ones. That for first ones is forgotten an hour and a day after the last answer.
type row struct {
	wrong   int
	opens   time.Time
	endless bool
	last    time.Time // an answer was judged, or the delay set right; of an endless one
}

func (b *row) forgotten(now time.Time) bool {
	return b.endless && !now.Before(b.last.Add(25*time.Hour))
}

func (b *row) delay() time.Duration { return min(30*time.Second<<min(b.wrong-5, 10), time.Hour) }

func (b *row) wait(now time.Time) time.Duration {
	if b.forgotten(now) {
		*b = row{endless: true}
	}
	switch {
	case b.wrong >= 100 && !b.endless:
		return time.Hour
	case b.wrong < 5 || !now.Before(b.opens):
		return 0
	case b.opens.Sub(now) > time.Hour: // the clock was set back
		b.opens, b.last = now.Add(b.delay()), now
	}
	return b.opens.Sub(now)
}

func (b *row) fail(now time.Time) {
	b.last = now
	if b.wrong++; b.wrong >= 5 {
		b.opens = now.Add(b.delay())
	}
}

// hour is what is left for recovery codes: twenty wrong ones an hour.
type hour struct {
	wrong int
	from  time.Time
}

func (b *hour) wait(now time.Time) time.Duration {
	switch {
	case now.Sub(b.from) >= time.Hour:
		b.wrong = 0
	case b.from.Sub(now) > time.Minute: // the clock was set back, which gives nothing back
		b.from = now
	}
	if b.wrong < 20 {
		return 0
	}
	return b.from.Add(time.Hour).Sub(now)
}

func (b *hour) fail(now time.Time) {
	if b.wrong == 0 {
		b.from = now
	}
	b.wrong++
}

// unlock opens what wrong answers have closed.
func (h *human) unlock() { *h.first, h.second = row{endless: true}, row{} }

// budget is what an answer is charged to; nil if nothing can be guessed.
func (h *human) budget(method string, r *ritual) budget {
	switch {
	case r != nil && r.knock != nil:
		return h.first
	case method == totpMethod || method == mailMethod:
		return &h.second
	case method == codeMethod && (r == nil || r.offer == nil):
		return &h.lookups
	}
	return nil
}

// outcome counts an answer and says how it ends.
func (h *human) outcome(method string, r *ritual, judged verdict, now time.Time) string {
	b := h.budget(method, r)
	closed := b != nil && b.wait(now) > 0
	if closed && (r == nil || r.knock == nil) {
		return throttled
	}
	if closed { // whoever signs in is told that it was wrong
		judged, b = wrong, nil
	}
	if r != nil {
		r.tries--
		r.over = r.tries == 0 || judged == right
	}
	switch {
	case judged == right && r != nil && r.knock != nil:
		*h.first = row{endless: true}
	case judged == right && (b == &h.second || r == nil || r.offer == nil):
		h.second = row{}
	case judged == wrong && b != nil:
		b.fail(now)
	}
	if judged == right {
		return fine
	}
	return rejected
}
