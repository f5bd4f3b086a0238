package notice

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-mfa/mfa"
)

// maxBacklog is how many events wait at most.
const maxBacklog = 1000

// backlog is the events that nobody has been told of yet, in their order.
type backlog struct {
	mu      sync.Mutex
	waiting []occurrence
	working bool
	closing bool
	idle    chan struct{} // closed when working ends; nil before it first begins
}

// occurrence is an event with what the request that caused it has in its context.
type occurrence struct {
	ctx   context.Context //nolint:containedctx // it outlives the call
	event mfa.Event
}

var (
	errBacklogFull = errors.New("too many events are waiting")
	errShutDown    = errors.New("it came after Shutdown")
)

// add has an event told, in the background.
func (n *Notices) add(ctx context.Context, e mfa.Event) error {
	b := &n.backlog
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closing:
		return errShutDown
	case len(b.waiting) >= maxBacklog:
		return errBacklogFull
	}
	b.waiting = append(b.waiting, occurrence{context.WithoutCancel(ctx), e})
	if !b.working {
		b.working, b.idle = true, make(chan struct{})
		go n.work()
	}
	return nil
}

// work tells of events until none is left.
func (n *Notices) work() {
	b := &n.backlog
	for {
		b.mu.Lock()
		if len(b.waiting) == 0 {
			b.working = false
			close(b.idle)
			b.mu.Unlock()
			return
		}
		next := b.waiting[0]
		b.waiting[0], b.waiting = occurrence{}, b.waiting[1:]
		b.mu.Unlock()
		n.tell(next.ctx, next.event)
	}
}

// Shutdown takes no more events and returns when the Sender has taken over what
// there is to tell of the others. When ctx is done first it gives up those that
// wait, and its error says how many that were; the mails about one more may
// still be handed over, for three times Config.Timeout at most. A Queue that is
// the Sender is shut down afterwards.
func (n *Notices) Shutdown(ctx context.Context) error {
	b := &n.backlog
	b.mu.Lock()
	b.closing = true
	idle, working := b.idle, b.working
	b.mu.Unlock()
	if !working {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	left := b.waiting
	b.waiting = nil
	b.mu.Unlock()
	for _, o := range left {
		n.cfg.Logger.ErrorContext(o.ctx, "notice: nobody was told of an event", "event", o.event, "error", errShutDown)
	}
	return fmt.Errorf("notice: nobody was told of %d events: %w", len(left), context.Cause(ctx))
}
