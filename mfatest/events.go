package mfatest

import (
	"context"
	"slices"
	"sync"

	"github.com/go-mfa/mfa"
)

// Events records what a Manager tells of. Its method Record goes into
// mfa.Config.OnEvent. The zero Events is ready, and it is safe for concurrent
// use.
type Events struct {
	mu  sync.Mutex
	all []mfa.Event
}

// Record appends an event.
func (e *Events) Record(_ context.Context, ev mfa.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

// All returns the events so far, oldest first.
func (e *Events) All() []mfa.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// Of returns the events of a kind so far, oldest first.
func (e *Events) Of(kind mfa.EventKind) []mfa.Event {
	return slices.DeleteFunc(e.All(), func(ev mfa.Event) bool { return ev.Kind != kind })
}

// Reset forgets the events so far.
func (e *Events) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = nil
}
