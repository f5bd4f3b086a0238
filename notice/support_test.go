package notice_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/notice"
	"github.com/go-mfa/mfa/otpdelivery"
)

// outbox is a Sender whose messages can be read.
type outbox struct {
	wait func() // for what is under way; nil for nothing
	mu   sync.Mutex
	sent []otpdelivery.Message
}

func (o *outbox) Send(_ context.Context, m otpdelivery.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, m)
	return nil
}

// take returns what was sent since it was last called, and all that has been
// begun.
func (o *outbox) take() []otpdelivery.Message {
	if o.wait != nil {
		o.wait()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	sent := o.sent
	o.sent = nil
	return sent
}

// summary says of messages what they are about and to whom they went.
func summary(sent []otpdelivery.Message) []string {
	lines := []string{}
	for _, m := range sent {
		lines = append(lines, m.Purpose+" "+m.Fields.Method+" to "+m.To)
	}
	return lines
}

var (
	alice = mfa.User{ID: "1", Name: "alice", DisplayName: "Alice", Email: "alice@example.com", Phone: "+15555550100", Locale: "en"}
	at    = time.Date(2026, 11, 26, 9, 5, 0, 0, time.FixedZone("CET", 3600))
)

// newNotices makes Notices about one user, with a log that can be read.
func newNotices(t testing.TB, u mfa.User, change func(*notice.Config)) (*notice.Notices, *outbox, *bytes.Buffer) {
	t.Helper()
	box, log := &outbox{}, &bytes.Buffer{}
	cfg := notice.Config{
		App: "Example", Sender: box, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		User: func(_ context.Context, id string) (mfa.User, error) {
			if id != u.ID {
				return mfa.User{}, mfa.ErrNotFound
			}
			return u, nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	n, err := notice.New(cfg)
	require.NoError(t, err)
	box.wait = n.Wait
	return n, box, log
}

// about sends the notice of one event to a user, and returns it.
func about(t testing.TB, u mfa.User, e mfa.Event, change func(*notice.Config)) otpdelivery.Message {
	t.Helper()
	n, box, _ := newNotices(t, u, change)
	n.OnEvent(t.Context(), e)
	sent := box.take()
	require.Len(t, sent, 1)
	return sent[0]
}

// newKit is a Manager with all factors, whose users are told by mail. The code
// that was last sent for an enrolment is in codes.
func newKit(t testing.TB) (k *mfatest.Kit, box, codes *outbox) {
	t.Helper()
	box, codes = &outbox{}, &outbox{}
	return mfatest.New(t, func(c *mfa.Config) {
		email, err := otpdelivery.NewEmail(otpdelivery.Config{App: "Example", Sender: codes})
		require.NoError(t, err)
		sms, err := otpdelivery.NewSMS(otpdelivery.Config{App: "Example", Sender: codes, Countries: []string{"+1"}})
		require.NoError(t, err)
		c.Factors = append(slices.Clone(c.Factors), email, sms)
		user := c.User
		c.User = func(ctx context.Context, id string) (mfa.User, error) {
			u, err := user(ctx, id)
			u.Email = id + "@example.com"
			return u, err
		}
		n, err := notice.New(notice.Config{App: "Example", Sender: box, User: c.User})
		require.NoError(t, err)
		box.wait, c.OnEvent = n.Wait, n.OnEvent
	}), box, codes
}

// enrolAddress enrols a delivered code.
func enrolAddress(t testing.TB, k *mfatest.Kit, codes *outbox, s mfa.State, method, address string) (mfa.CredentialInfo, mfa.State) {
	t.Helper()
	return k.Enroll(t, s, mfa.EnrollOptions{Method: method, Params: map[string]string{"address": address}}, func(any) []byte {
		sent := codes.take()
		require.Len(t, sent, 1)
		return []byte(sent[0].Fields.Code)
	})
}

func userOf(u mfa.User) func(context.Context, string) (mfa.User, error) {
	return func(context.Context, string) (mfa.User, error) { return u, nil }
}
