package app

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/go-mfa/mfa/otpdelivery"
)

// outbox is a Sender that keeps the newest messages in memory, for development:
// whoever can open its page can read everybody's codes.
type outbox struct {
	mu   sync.Mutex
	sent []sentMessage // oldest first
}

// outboxSize is how many messages are kept.
const outboxSize = 100

// sentMessage is what the outbox shows of a message.
type sentMessage struct {
	To      string              `json:"to"`
	Channel otpdelivery.Channel `json:"channel"`
	Purpose string              `json:"purpose"`
	Subject string              `json:"subject"`
	Text    string              `json:"text"`
	Code    string              `json:"code"`
	Link    string              `json:"link"`
}

// Send implements [otpdelivery.Sender].
func (o *outbox) Send(_ context.Context, m otpdelivery.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, sentMessage{
		To: m.To, Channel: m.Channel, Purpose: m.Purpose, Subject: m.Subject, Text: m.Text, Code: m.Fields.Code, Link: m.Fields.Link,
	})
	o.sent = o.sent[max(0, len(o.sent)-outboxSize):]
	return nil
}

// newest returns the messages, the newest first.
func (o *outbox) newest() []sentMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	messages := append([]sentMessage{}, o.sent...)
	slices.Reverse(messages)
	return messages
}

// onlyHere serves the outbox to who asks for it on this machine, by its own
// name: not through a proxy or a tunnel that leads here from elsewhere, and not
// to pages whose name was made to lead here.
func (a *App) onlyHere(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !from.Addr().Unmap().IsLoopback() || r.Host != a.host || isForwarded(r) {
			http.NotFound(w, r)
			return
		}
		next(w, r)
	})
}

func isForwarded(r *http.Request) bool {
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" {
			return true
		}
	}
	return false
}

func (a *App) outboxPage(w http.ResponseWriter, r *http.Request) {
	a.render(w, r, http.StatusOK, "outbox", a.delivery.outbox.newest())
}

func (a *App) outboxJSON(w http.ResponseWriter, r *http.Request) {
	a.writeJSON(w, r, http.StatusOK, a.delivery.outbox.newest())
}
