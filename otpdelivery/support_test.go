package otpdelivery

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// outbox keeps what is sent.
type outbox struct {
	mu   sync.Mutex
	sent []Message
	fail func(Message) error // nil: it is taken over
}

func (o *outbox) Send(_ context.Context, m Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		if err := o.fail(m); err != nil {
			return err
		}
	}
	o.sent = append(o.sent, m)
	return nil
}

func (o *outbox) all() []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Message(nil), o.sent...)
}

func (o *outbox) last(t testing.TB) Message {
	t.Helper()
	all := o.all()
	require.NotEmpty(t, all)
	return all[len(all)-1]
}

func newTestEmail(t testing.TB, o *outbox, change ...func(*Config)) *Factor {
	t.Helper()
	cfg := Config{App: "Example", Sender: o, BaseURL: "https://example.com/mfa"}
	for _, c := range change {
		c(&cfg)
	}
	f, err := NewEmail(cfg)
	require.NoError(t, err)
	return f
}

func newTestSMS(t testing.TB, o *outbox, change ...func(*Config)) *Factor {
	t.Helper()
	cfg := Config{App: "Example", Sender: o, BaseURL: "https://example.com/mfa", Countries: []string{"+1", "+49"}}
	for _, c := range change {
		c(&cfg)
	}
	f, err := NewSMS(cfg)
	require.NoError(t, err)
	return f
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
