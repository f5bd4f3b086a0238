package mfa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventSignedIn  EventKind = "signed_in" // a first factor was recorded and the session saved
	EventEnrolled  EventKind = "enrolled"  // a credential was created or replaced
	EventVerified  EventKind = "verified"  // a right answer was spent
	EventElevated  EventKind = "elevated"  // the session that it raised or refreshed was saved
	EventRefused   EventKind = "refused"   // an answer was not accepted; Outcome and Reason say why
	EventLocked    EventKind = "locked"    // a wrong answer began or lengthened a delay; Reason says how many there were
	EventLowCodes  EventKind = "low_codes" // few recovery codes are left; Reason says how many
	EventWithdrawn EventKind = "withdrawn" // a credential was taken back right after its creation
	EventRenamed   EventKind = "renamed"   // a credential has a new name
	EventRemoved   EventKind = "removed"   // the user removed a credential, or recovery codes went with the last real one
	EventReset     EventKind = "reset"     // an admin removed a credential, or reset the user's budget
	EventUnlocked  EventKind = "unlocked"  // an admin reset the user's budget
	EventForgotten EventKind = "forgotten" // everything about the user was deleted
	EventFault     EventKind = "fault"     // something failed that is not the user's mistake

	EventSuspicious     EventKind = "suspicious"      // a right answer came after wrong ones that had begun a delay; Reason says how many
	EventContactChanged EventKind = "contact_changed" // the app has another verified address of the user
)

// Outcome says how it ended.
type Outcome string

// The outcomes.
const (
	OutcomeSuccess   Outcome = "success"
	OutcomeRejected  Outcome = "rejected"
	OutcomeReplayed  Outcome = "replayed"
	OutcomeThrottled Outcome = "throttled"
	OutcomeFault     Outcome = "fault"
)

// Event tells the operator what happened. It never carries secrets, codes,
// challenges or tokens. It is delivered after the fact and synchronously.
type Event struct {
	Kind         EventKind
	Time         time.Time
	UserID       string
	SessionID    string // State.ID, never the cookie's value
	Method       string
	Role         Role // in which the method was used or tried; zero where none was
	CredentialID string
	Outcome      Outcome
	Reason       string // for operators: why an answer was refused, or what the admin gave as reason
	Actor        string // the admin, for EventReset and EventUnlocked
	Client       string // the client's address, as far as it is known; see WithClient

	// For notices to the user, and never logged.
	Name    string // what the user calls the credential, for EventEnrolled, EventRemoved and EventReset
	Channel string // the address of the credential, or the former one of EventContactChanged, by factor.EmailChannel or PhoneChannel
}

// Format implements [fmt.Formatter]. It prints what LogValue has, under any verb.
func (e Event) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, e.LogValue()) }

// LogValue implements [slog.LogValuer]. Empty fields are left out, and so are
// those that are for notices.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.Time("time", e.Time)}
	for _, f := range []struct{ name, value string }{
		{"user", e.UserID}, {"session", e.SessionID}, {"method", e.Method}, {"role", e.Role.String()}, {"credential", e.CredentialID},
		{"outcome", string(e.Outcome)}, {"reason", e.Reason}, {"actor", e.Actor}, {"client", e.Client},
	} {
		if f.value != "" {
			attrs = append(attrs, slog.String(f.name, f.value))
		}
	}
	return slog.GroupValue(attrs...)
}

type clientKey struct{}

// WithClient returns a context whose events name a client address. Give it an
// address that the app trusts: the connection's own, or one that its own proxy
// has set.
func WithClient(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, clientKey{}, address)
}

// withRequest names the connection's own address unless the app has named one.
func withRequest(r *http.Request) context.Context {
	ctx := r.Context()
	if _, ok := ctx.Value(clientKey{}).(string); ok {
		return ctx
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return WithClient(ctx, host)
}

// emit completes an event, logs it and hands it to the app.
func (m *Manager) emit(ctx context.Context, e Event) {
	e.Time = m.now()
	e.Client, _ = ctx.Value(clientKey{}).(string)
	if e.Outcome == "" {
		e.Outcome = OutcomeSuccess
	}
	level := slog.LevelInfo
	switch e.Outcome {
	case OutcomeRejected, OutcomeReplayed, OutcomeThrottled:
		level = slog.LevelWarn
	case OutcomeFault:
		level = slog.LevelError
	case OutcomeSuccess:
	}
	m.cfg.Logger.LogAttrs(ctx, level, "mfa event", slog.Any("event", e))
	if m.cfg.OnEvent == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			m.cfg.Logger.ErrorContext(ctx, "mfa: OnEvent panicked", "panic", p)
		}
	}()
	m.cfg.OnEvent(ctx, e)
}

// refused emits the event of an answer that was not accepted and returns what
// the caller is told: the sentinel without its reason.
func (m *Manager) refused(ctx context.Context, e Event, err error) error {
	var throttled *ThrottledError
	e.Kind, e.Reason = EventRefused, err.Error()
	switch {
	case errors.Is(err, ErrReplayed):
		e.Outcome = OutcomeReplayed
		err = ErrRejected
	case errors.Is(err, ErrRejected):
		e.Outcome = OutcomeRejected
		err = ErrRejected
	case errors.As(err, &throttled):
		e.Outcome = OutcomeThrottled
	case errors.Is(err, factor.ErrWaiting), policy(err):
		return err
	default:
		e.Kind, e.Outcome = EventFault, OutcomeFault
	}
	m.emit(ctx, e)
	return err
}

// policy reports whether an error is a verdict of the gate and no fault.
func policy(err error) bool {
	var stepUp *StepUpError
	return errors.As(err, &stepUp) || errors.Is(err, ErrNoSession) || errors.Is(err, ErrNotEnrolled) ||
		errors.Is(err, ErrAlreadySatisfied) || errors.Is(err, ErrInvalid) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict)
}
