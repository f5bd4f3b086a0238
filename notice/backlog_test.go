package notice_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/notice"
	"github.com/go-mfa/mfa/otpdelivery"
)

var enrolled = mfa.Event{Kind: mfa.EventEnrolled, UserID: alice.ID, Method: "totp", Time: at}

// gate is a Sender that takes a message over once it is open.
type gate struct {
	outbox
	entered, open chan struct{}
}

func (g *gate) Send(ctx context.Context, m otpdelivery.Message) error {
	g.entered <- struct{}{}
	<-g.open
	return g.outbox.Send(ctx, m)
}

func newGate() *gate {
	return &gate{entered: make(chan struct{}, 2000), open: make(chan struct{})}
}

func TestShutdownTellsOfWhatThereIs(t *testing.T) {
	g := newGate()
	n, _, _ := newNotices(t, alice, nil)
	require.NoError(t, n.Shutdown(t.Context()), "there is nothing")

	n, _, log := newNotices(t, alice, func(c *notice.Config) { c.Sender = g })
	for range 3 {
		n.OnEvent(t.Context(), enrolled)
	}
	<-g.entered
	close(g.open)
	require.NoError(t, n.Shutdown(t.Context()))
	assert.Len(t, g.take(), 3)
	assert.Empty(t, log.String())

	n.OnEvent(t.Context(), enrolled)
	require.NoError(t, n.Shutdown(t.Context()), "twice is once")
	assert.Empty(t, g.take())
	assert.Contains(t, log.String(), "it came after Shutdown")
}

func TestShutdownThatHasNoTimeSaysWhatIsLost(t *testing.T) {
	g := newGate()
	n, _, log := newNotices(t, alice, func(c *notice.Config) { c.Sender = g })
	for range 3 {
		n.OnEvent(t.Context(), enrolled)
	}
	<-g.entered
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no time left"))
	require.EqualError(t, n.Shutdown(ctx), "notice: nobody was told of 2 events: no time left")
	close(g.open)
	n.Wait()
	assert.Len(t, g.take(), 1)
	assert.Equal(t, 2, strings.Count(log.String(), "nobody was told of an event"))
}

// What waits has a bound, and what is beyond it is said.
func TestEventsThatAreTooManyAreLogged(t *testing.T) {
	g := newGate()
	n, _, log := newNotices(t, alice, func(c *notice.Config) { c.Sender = g })
	n.OnEvent(t.Context(), enrolled)
	<-g.entered
	for range 1002 {
		n.OnEvent(t.Context(), enrolled)
	}
	close(g.open)
	n.Wait()
	assert.Len(t, g.take(), 1001)
	assert.Equal(t, 2, strings.Count(log.String(), "too many events are waiting"))
	n.OnEvent(t.Context(), enrolled)
	n.Wait()
	assert.Len(t, g.take(), 1, "and there is room again")
}

// A panic of the app's code stops neither the process nor the next mail.
func TestPanicsAreLogged(t *testing.T) {
	panicked := false
	n, box, log := newNotices(t, alice, func(c *notice.Config) {
		user := c.User
		c.User = func(ctx context.Context, id string) (mfa.User, error) {
			if !panicked {
				panicked = true
				panic("canary")
			}
			return user(ctx, id)
		}
	})
	n.OnEvent(t.Context(), enrolled)
	n.OnEvent(t.Context(), enrolled)
	assert.Len(t, box.take(), 1)
	assert.Contains(t, log.String(), "panicked")
	assert.NotContains(t, log.String(), "canary")
}
