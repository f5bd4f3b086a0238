package stores

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/go-mfa/mfa/otpdelivery"
)

// mailroom takes over the messages of a Manager and keeps them. As sign-ins
// need it, there is a queue in front of it.
type mailroom struct {
	queue *otpdelivery.Queue

	mu    sync.Mutex
	sent  map[string][]letter      // by user
	marks map[string]chan struct{} // by the id of the message that has to arrive
}

// letter is what tests want to know of a message.
type letter struct{ To, Purpose, Code string }

// mark is the purpose of a message that nobody reads.
const mark = "mark"

func newMailroom(now func() time.Time) (*mailroom, error) {
	m := &mailroom{sent: map[string][]letter{}, marks: map[string]chan struct{}{}}
	var err error
	m.queue, err = otpdelivery.NewQueue(otpdelivery.QueueConfig{Sender: otpdelivery.SenderFunc(m.take), Now: now})
	return m, err
}

func (m *mailroom) take(_ context.Context, message otpdelivery.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if message.Purpose == mark {
		close(m.marks[message.ID])
		delete(m.marks, message.ID)
		return nil
	}
	m.sent[message.UserID] = append(m.sent[message.UserID], letter{message.To, message.Purpose, message.Fields.Code})
	return nil
}

// of returns what was sent to a user. Messages to one user are sent in their
// order: when the mark arrives everything before it has.
func (m *mailroom) of(ctx context.Context, user string) ([]letter, error) {
	id, arrives := rand.Text(), make(chan struct{})
	m.mu.Lock()
	m.marks[id] = arrives
	m.mu.Unlock()
	if err := m.queue.Send(ctx, otpdelivery.Message{ID: id, UserID: user, Purpose: mark}); err != nil {
		return nil, err
	}
	<-arrives
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]letter(nil), m.sent[user]...), nil
}

// close returns when everything is sent.
func (m *mailroom) close() error { return m.queue.Shutdown(context.Background()) }

// factors returns e-mail and SMS, both of them first factors, too. A number
// that the app knows needs no enrolment.
func (m *mailroom) factors(limits otpdelivery.Limits) (email, sms *otpdelivery.Factor, err error) {
	cfg := otpdelivery.Config{App: "Example", Sender: m.queue, SignIn: true, Limits: limits}
	email, err = otpdelivery.NewEmail(cfg)
	if err != nil {
		return nil, nil, err
	}
	cfg.UseVerifiedContact, cfg.Countries = true, []string{"+1"}
	sms, err = otpdelivery.NewSMS(cfg)
	return email, sms, err
}
