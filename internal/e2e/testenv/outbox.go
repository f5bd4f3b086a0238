package testenv

import (
	"net/http"
	"testing"
	"time"
)

// Message is one that the demo has sent.
type Message struct{ To, Channel, Purpose, Subject, Text, Code, Link string }

// Outbox returns what the demo has sent, the newest first, once there are n or
// more.
func (d *Demo) Outbox(t testing.TB, n int) []Message {
	t.Helper()
	c := NewClient(t, d.Origin)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for late := time.After(patience); ; {
		var messages []Message
		if a := c.Do(http.MethodGet, "/dev/outbox", nil); a.Status != http.StatusOK {
			t.Fatalf("the outbox answers %d", a.Status)
		} else {
			a.Into(t, &messages)
		}
		if len(messages) >= n {
			return messages
		}
		select {
		case <-poll.C:
		case <-late:
			t.Fatalf("%d messages were sent, not %d", len(messages), n)
		}
	}
}
