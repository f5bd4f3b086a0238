package stores

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// errand is a ceremony whose code has been sent.
type errand struct {
	person *person
	finish order // without its response
	resend order
	home   int // the party whose mailroom has the codes
}

// errands begin what delivered codes are for, each with a person of its own.
var errands = map[string]func(t *testing.T, c *crowd) *errand{
	"sign-in": func(t *testing.T, c *crowd) *errand { return c.knock(t, 0, newPerson(), "email") },
	"verification": func(t *testing.T, c *crowd) *errand {
		p := newPerson()
		enrolling := c.beginToEnrol(t, 1, p, c.signIn(t, 0, p))
		c.must(t, 2, enrolling.answer(enrolling.code(t, c)))
		return c.beginToVerify(t, 0, p, c.signIn(t, 0, p), "email")
	},
	"contact": func(t *testing.T, c *crowd) *errand {
		p := newPersonAt("+15555550100")
		return c.beginToVerify(t, 0, p, c.signIn(t, 0, p), "sms")
	},
	"enrolment": func(t *testing.T, c *crowd) *errand {
		p := newPerson()
		return c.beginToEnrol(t, 0, p, c.signIn(t, 0, p))
	},
}

// newPersonAt returns a person whose number the app knows.
func newPersonAt(number string) *person { return &person{name: newPerson().name + "#" + number} }

// knock begins a sign-in by a code at the i-th party.
func (c *crowd) knock(t *testing.T, i int, p *person, method string) *errand {
	t.Helper()
	o := order{Op: "begin sign-in", User: p.name, Method: method, Binding: rand.Text()}
	begun := c.must(t, i, o)
	return &errand{
		person: p, home: i,
		finish: order{Op: "finish sign-in", Binding: o.Binding, Ceremony: begun.Ceremony},
		resend: order{Op: "resend sign-in", Binding: o.Binding, Ceremony: begun.Ceremony},
	}
}

func (c *crowd) beginToVerify(t *testing.T, i int, p *person, state []byte, method string) *errand {
	t.Helper()
	begun := c.must(t, i, order{Op: "begin verification", State: state, Method: method})
	return &errand{
		person: p, home: i,
		finish: order{Op: "finish verification", State: state, Ceremony: begun.Ceremony},
		resend: order{Op: "resend", State: state, Ceremony: begun.Ceremony},
	}
}

// beginToEnrol begins the enrolment of a second inbox.
func (c *crowd) beginToEnrol(t *testing.T, i int, p *person, state []byte) *errand {
	t.Helper()
	begun := c.must(t, i, order{Op: "begin enrolment", State: state, Method: "email", Address: p.name + "@work.example"})
	return &errand{
		person: p, home: i,
		finish: order{Op: "finish enrolment", State: state, Ceremony: begun.Ceremony},
		resend: order{Op: "resend", State: state, Ceremony: begun.Ceremony},
	}
}

// code is the newest code that was sent.
func (e *errand) code(t *testing.T, c *crowd) string {
	t.Helper()
	mail := c.must(t, e.home, order{Op: "mail", User: e.person.name}).Mail
	require.NotEmpty(t, mail)
	return mail[len(mail)-1].Code
}

func (e *errand) answer(code string) order {
	o := e.finish
	o.Response = []byte(code)
	return o
}

// guess is an answer that is not this code.
func (e *errand) guess(code string) order {
	return e.answer(string('0'+(code[0]-'0'+1)%10) + code[1:])
}

// judged is how many answers were compared with a code and found wrong.
func judged(reports []report) (n int) {
	for _, r := range reports {
		if strings.Contains(r.Reason, "wrong code") {
			n++
		}
	}
	return n
}
