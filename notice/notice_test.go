package notice_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/notice"
	"github.com/go-mfa/mfa/otpdelivery"
)

func TestNewRefuses(t *testing.T) {
	good := notice.Config{
		App: "Example", Sender: &outbox{}, User: userOf(alice),
	}
	for want, change := range map[string]func(*notice.Config){
		"Config.App is empty":        func(c *notice.Config) { c.App = "\u202e " },
		"Config.Sender is missing":   func(c *notice.Config) { c.Sender = nil },
		"Config.User is missing":     func(c *notice.Config) { c.User = nil },
		"Config.Timeout is negative": func(c *notice.Config) { c.Timeout = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := notice.New(cfg)
		require.ErrorContains(t, err, "notice: "+want)
	}
	_, err := notice.New(good)
	require.NoError(t, err)
}

// L06: who is told of what, and at which address.
func TestL06_WhoIsToldOfWhat(t *testing.T) {
	own, other := factor.EmailChannel("Alice@Example.com"), factor.EmailChannel("Old@example.net")
	number := factor.PhoneChannel("+1 555 555 0199")
	n, box, log := newNotices(t, alice, nil)
	for _, c := range []struct {
		event mfa.Event
		want  []string
	}{
		{mfa.Event{Kind: mfa.EventEnrolled, Method: "totp"}, []string{"enrolled totp to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventEnrolled, Method: "email", Channel: other}, []string{"enrolled email to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventRemoved, Method: "webauthn"}, []string{"removed webauthn to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventRemoved, Method: "email", Channel: own}, []string{"removed email to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventRemoved, Method: "email", Channel: other}, []string{"removed email to old@example.net", "removed email to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventRemoved, Method: "sms", Channel: number}, []string{"removed sms to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventReset, Method: "totp", Actor: "root", Reason: "lost"}, []string{"reset totp to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventReset, Method: "email", Channel: other}, []string{"reset email to old@example.net", "reset email to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventContactChanged, Channel: other}, []string{"contact_changed email to old@example.net", "contact_changed email to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventContactChanged, Channel: own}, []string{"contact_changed email to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventContactChanged, Channel: number}, []string{"contact_changed sms to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventContactChanged}, []string{"contact_changed  to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventVerified, Method: "lookup_secret"}, []string{"verified lookup_secret to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventVerified, Method: "totp"}, []string{}},
		{mfa.Event{Kind: mfa.EventVerified, Method: "email", Channel: other}, []string{}},
		{mfa.Event{Kind: mfa.EventLowCodes, Method: "lookup_secret", Reason: "2 of 12 codes left"}, []string{"low_codes lookup_secret to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventLocked, Method: "totp"}, []string{"locked totp to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventSuspicious, Method: "totp"}, []string{"suspicious totp to alice@example.com"}},
		{mfa.Event{Kind: mfa.EventSignedIn, Method: "password"}, []string{}},
		{mfa.Event{Kind: mfa.EventElevated}, []string{}},
		{mfa.Event{Kind: mfa.EventRefused, Method: "totp"}, []string{}},
		{mfa.Event{Kind: mfa.EventWithdrawn, Method: "totp"}, []string{}},
		{mfa.Event{Kind: mfa.EventRenamed, Method: "totp"}, []string{}},
		{mfa.Event{Kind: mfa.EventUnlocked}, []string{}},
		{mfa.Event{Kind: mfa.EventForgotten}, []string{}},
		{mfa.Event{Kind: mfa.EventFault}, []string{}},
	} {
		c.event.UserID, c.event.Time = alice.ID, at
		n.OnEvent(t.Context(), c.event)
		sent := box.take()
		assert.Equal(t, c.want, summary(sent), "%s %s", c.event.Kind, c.event.Method)
		assert.Empty(t, log.String())
		ids := map[string]bool{}
		for _, m := range sent {
			assert.Equal(t, otpdelivery.Email, m.Channel)
			assert.Equal(t, alice.ID, m.UserID)
			assert.NotEmpty(t, m.Subject)
			assert.NotContains(t, m.Subject+m.Text+m.HTML, "@", "no address is named")
			assert.NotContains(t, m.Text+m.HTML, "root")
			assert.NotContains(t, m.Text+m.HTML, "lost")
			ids[m.ID] = true
		}
		assert.Len(t, ids, len(sent), "every mail has an ID of its own")
	}
}

// L06: whoever reads an inbox that is not the user's any more does not learn
// what the user is called now; no name is an address.
func TestL06_NoMailNamesAnAddress(t *testing.T) {
	u := alice
	u.Name, u.DisplayName = "new@example.org", ""
	n, box, _ := newNotices(t, u, nil)
	for _, e := range texts() {
		e.Channel = factor.EmailChannel("old@example.net")
		n.OnEvent(t.Context(), e)
		for _, m := range box.take() {
			assert.NotContains(t, m.Subject+m.Text+m.HTML, "example.org", e.Kind)
		}
	}
	n, box, _ = newNotices(t, alice, nil)
	n.OnEvent(t.Context(), mfa.Event{Kind: mfa.EventContactChanged, UserID: alice.ID, Channel: factor.EmailChannel("old@example.net"), Time: at})
	sent := box.take()
	require.Len(t, sent, 2)
	assert.NotContains(t, sent[0].Text, "Alice")
	assert.Empty(t, sent[0].Fields.Name)
	assert.Contains(t, sent[1].Text, "Alice")
}

// The Manager calls after its method what the user has not named.
func TestWhatHasNoNameIsCalledByItsMethodOnly(t *testing.T) {
	m := about(t, alice, mfa.Event{Kind: mfa.EventEnrolled, UserID: alice.ID, Method: "sms", Name: "sms", Time: at}, nil)
	assert.Contains(t, m.Text, "Method: text message code\n")
}

func TestUsersWithoutAddress(t *testing.T) {
	removed := mfa.Event{Kind: mfa.EventRemoved, UserID: alice.ID, Method: "email", Time: at, Channel: factor.EmailChannel("old@example.net")}
	for address, level := range map[string]string{
		"": "level=DEBUG", "alice": "level=ERROR", "Alice <alice@example.com>": "level=ERROR", "a@example.com, b@example.com": "level=ERROR",
		"a@example.com\r\nBcc: b@example.com": "level=ERROR", "a\u202eb@example.com": "level=ERROR",
	} {
		u := alice
		u.Email = address
		n, box, log := newNotices(t, u, nil)
		n.OnEvent(t.Context(), removed)
		assert.Equal(t, []string{"removed email to old@example.net"}, summary(box.take()), "the former address is told all the same")
		enrolled := mfa.Event{Kind: mfa.EventEnrolled, UserID: alice.ID, Method: "totp", Time: at}
		n.OnEvent(t.Context(), enrolled)
		assert.Empty(t, box.take(), address)
		assert.Contains(t, log.String(), level)
		assert.NotContains(t, log.String(), "example", "no address is logged")
	}
	u := alice
	u.Email = " alice@example.com\n"
	assert.Equal(t, "alice@example.com", about(t, u, texts()[0], nil).To, "space around an address is none of it")
}

func TestUserFails(t *testing.T) {
	for level, fault := range map[string]error{"level=DEBUG": mfa.ErrNotFound, "level=ERROR": errors.New("no database")} {
		n, box, log := newNotices(t, alice, func(c *notice.Config) {
			c.User = func(context.Context, string) (mfa.User, error) { return alice, fault }
		})
		n.OnEvent(t.Context(), mfa.Event{Kind: mfa.EventEnrolled, UserID: "1", Method: "totp"})
		assert.Empty(t, box.take())
		assert.Contains(t, log.String(), level)
	}
}

// A Sender that fails is logged without what it was given, and the other
// address is tried.
func TestSenderFails(t *testing.T) {
	tried := 0
	n, _, log := newNotices(t, alice, func(c *notice.Config) {
		c.Sender = otpdelivery.SenderFunc(func(context.Context, otpdelivery.Message) error {
			tried++
			return errors.New("no route")
		})
	})
	n.OnEvent(t.Context(), mfa.Event{
		Kind: mfa.EventRemoved, UserID: alice.ID, Method: "email", Name: "The Phone", Channel: factor.EmailChannel("old@example.net"),
	})
	n.Wait()
	assert.Equal(t, 2, tried)
	assert.Equal(t, 2, strings.Count(log.String(), "level=ERROR"))
	assert.Contains(t, log.String(), "no route")
	for _, secret := range []string{"example", "Alice", "The Phone"} {
		assert.NotContains(t, log.String(), secret)
	}
}

// Nobody waits for a mail, and a request that has ended does not stop it.
func TestN02_OnEventReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, log := newNotices(t, alice, func(c *notice.Config) {
			c.Timeout = 7 * time.Second
			c.Sender = otpdelivery.SenderFunc(func(ctx context.Context, _ otpdelivery.Message) error {
				<-ctx.Done()
				return ctx.Err()
			})
			user := c.User
			c.User = func(ctx context.Context, id string) (mfa.User, error) {
				<-time.After(time.Second)
				return user(ctx, id)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		n.OnEvent(ctx, mfa.Event{Kind: mfa.EventContactChanged, UserID: alice.ID, Channel: factor.EmailChannel("old@example.net")})
		assert.Zero(t, time.Since(began))
		n.Wait()
		assert.Equal(t, 15*time.Second, time.Since(began), "a mail that hangs takes nothing from the next")
		assert.Equal(t, 2, strings.Count(log.String(), "deadline exceeded"))
	})
	n, box, _ := newNotices(t, alice, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.OnEvent(ctx, mfa.Event{Kind: mfa.EventEnrolled, UserID: alice.ID, Method: "totp"})
	require.Len(t, box.take(), 1)
}
