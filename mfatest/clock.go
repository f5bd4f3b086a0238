package mfatest

import (
	"sync"
	"time"
)

// Clock is a clock that stands still until it is set. Its method Now goes into
// mfa.Config.Now. It is safe for concurrent use. The zero Clock shows the zero
// time; use [NewClock].
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a Clock that shows the given time.
func NewClock(at time.Time) *Clock { return &Clock{now: at.UTC()} }

// Now returns the time that the clock shows, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set sets the clock, back too.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = at.UTC()
}

// Advance moves the clock by d, back if d is negative, and returns what it
// shows then.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}
