package stores

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
)

// post is what a ceremony has sent last.
type post struct {
	code   string
	older  []string
	to     string    // an inbox
	of     *gadget   // the factor that the inbox is; nil for a verified address and for an enrolment
	sent   time.Time // zero if that is forgotten
	nobody bool      // nothing was sent, and nothing is right
}

// judge: a code is good while its inbox is the human's. F04: only the last one
// is.
func (p *post) judge(a reply, h *human, usable []*gadget) verdict {
	still := h.contact == p.to
	if p.of != nil {
		still = slices.Contains(usable, p.of)
	}
	if still && !p.nobody && a.text == p.code {
		return right
	}
	return wrong
}

// cool reports whether another code may be sent: half a minute has to lie
// between two.
func (p *post) cool(now time.Time) bool {
	if now.Before(p.sent.Add(-time.Minute)) { // the clock was set back, which gives nothing back
		p.sent = now
	}
	return p.sent.IsZero() || !now.Before(p.sent.Add(period))
}

func (p *post) sweep(now time.Time) {
	if p.sent.Add(period).Before(now) {
		p.sent = time.Time{}
	}
}

// knock is what a sign-in by a code has in place of a visit.
type knock struct {
	human   *human
	binding string
}

// newWorld has two humans with three inboxes each, and one in common.
func newWorld(t *testing.T, rt *rapid.T, store mfa.Store) *world {
	w := &world{T: rt, test: t, accepted: map[string]bool{}, nobodies: map[string]*human{}}
	find := func(name string) *human {
		if i := slices.IndexFunc(w.humans, func(h *human) bool { return h.name == name }); i >= 0 {
			return w.humans[i]
		}
		return nil
	}
	w.kit = mfatest.New(t, func(c *mfa.Config) {
		mail, err := newMailroom(c.Now)
		require.NoError(t, err)
		email, err := otpdelivery.NewEmail(otpdelivery.Config{
			App: "Example", Sender: mail.queue, SignIn: true, UseVerifiedContact: true, Limits: generousSends,
		})
		require.NoError(t, err)
		w.mail = mail
		c.Store, c.Factors = store, append(c.Factors, email)
		c.User = func(_ context.Context, id string) (mfa.User, error) {
			h := find(id)
			if h == nil { // somebody signs in by a name that nobody has
				return mfa.User{}, mfa.ErrNotFound
			}
			return mfa.User{ID: id, Name: id, Email: h.contact}, nil
		}
		c.FindUser = func(_ context.Context, name string) (string, error) {
			if find(name) == nil {
				return "", mfa.ErrNotFound
			}
			return name, nil
		}
	})
	for range 2 {
		h := &human{name: "user-" + rand.Text(), first: &row{endless: true}}
		h.inboxes = []string{h.name + "@home.example", h.name + "@work.example", "family@home.example"}
		w.humans = append(w.humans, h)
		w.enter(h)
	}
	w.equip(w.humans[0].visits[0])
	w.humans[1].contact = w.humans[1].inboxes[0]
	return w
}

// move changes or takes away the verified address.
func (w *world) move(h *human) {
	old := h.contact
	h.contact = one(w, "address", append(h.inboxes, "")...)
	w.expect(fine, w.kit.Manager.ContactChanged(w.ctx(), h.name, factor.EmailChannel(old)))
}

// collect reads the letter that a ceremony has just sent, and checks that it
// went where it may go. F07: only to an inbox of the human's.
func (w *world) collect(r *ritual) {
	h, purpose := r.owner(), factor.PurposeVerify
	letters, err := w.mail.of(w.ctx(), h.name)
	require.NoError(w, err)
	if r.post.nobody {
		require.Len(w, letters, h.letters, "nobody was written to")
		r.post.sent = w.now()
		return
	}
	h.letters++
	require.Len(w, letters, h.letters, "one letter")
	last := letters[len(letters)-1]
	p := post{code: last.Code, to: last.To, sent: w.now(), older: r.post.older}
	if r.post.code != "" {
		p.older = append(slices.Clone(p.older), r.post.code)
	}
	var inboxes []*gadget // in which it may be; without any in the verified one
	switch {
	case r.offer != nil:
		purpose = factor.PurposeEnroll
		require.Equal(w, r.offer.inbox, p.to)
	case r.knock != nil:
		purpose = factor.PurposeSignIn
		if h.contact == "" {
			inboxes = h.live(mailMethod)
		}
	default:
		inboxes = r.visit.usable(mailMethod, r.visit.again(r.refresh))
	}
	require.Equal(w, string(purpose), last.Purpose)
	if i := slices.IndexFunc(inboxes, func(g *gadget) bool { return g.inbox == p.to }); i >= 0 {
		p.of = inboxes[i]
	} else if r.offer == nil {
		require.Empty(w, inboxes)
		require.Equal(w, h.contact, p.to)
	}
	r.post = p
}

func (r *ritual) owner() *human {
	if r.knock != nil {
		return r.knock.human
	}
	return r.visit.human
}

// delivered is the use that a right code is.
func (w *world) delivered(r *ritual, got mfa.Method, second bool) use {
	w.spend("the code of " + r.id)
	u := use{method: mailMethod, second: second, at: w.now(), with: r.post.of, inbox: r.post.to}
	id := ""
	if u.with != nil {
		id = u.with.id
	}
	require.Equal(w, id, got.CredentialID)
	return u
}

// enrolledInbox follows the enrolment of an inbox. One that the human has
// already stays what it is.
func (w *world) enrolledInbox(v *visit, r *ritual, info mfa.CredentialInfo) {
	w.spend("the code of " + r.id)
	g := r.offer
	had := v.human.live(mailMethod)
	if i := slices.IndexFunc(had, func(old *gadget) bool { return old.inbox == g.inbox }); i >= 0 {
		require.Equal(w, had[i].id, info.ID)
		had[i].name = g.name
		g = had[i]
	} else {
		g.id = info.ID
		v.human.gadgets = append(v.human.gadgets, g)
	}
	v.prove(use{method: mailMethod, second: true, at: w.now(), with: g, inbox: g.inbox})
}

// anotherCode is one that the ceremony has sent before, or that another one
// has sent.
func (w *world) anotherCode(r *ritual) reply {
	from := r.post.older
	for _, other := range append(slices.Clone(w.rituals), w.knocks...) {
		if other != r && other.post.code != "" {
			from = append(slices.Clone(from), other.post.code)
		}
	}
	return reply{text: one(w, "code", append(from, bad)...)}
}
