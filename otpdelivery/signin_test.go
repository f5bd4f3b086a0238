package otpdelivery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
)

// newDoor is a kit whose users sign in by e-mail and by SMS. Everybody's id but
// nobody's says what they have: "mail", "phone", "both", "neither". sent closes
// the door and counts what was sent.
func newDoor(t *testing.T, limits otpdelivery.Limits) (k *mfatest.Kit, sent func() int) {
	t.Helper()
	p := &post{}
	k = mfatest.New(t, func(c *mfa.Config) {
		queue, err := otpdelivery.NewQueue(otpdelivery.QueueConfig{Sender: p, Now: c.Now})
		require.NoError(t, err)
		sent = func() int {
			require.NoError(t, queue.Shutdown(context.Background()))
			return p.count()
		}
		t.Cleanup(func() { sent() })
		cfg := otpdelivery.Config{App: "Example", Sender: queue, SignIn: true, Limits: limits}
		email, err := otpdelivery.NewEmail(cfg)
		require.NoError(t, err)
		cfg.Countries = []string{"+1"}
		sms, err := otpdelivery.NewSMS(cfg)
		require.NoError(t, err)
		c.Factors = append(c.Factors, email, sms)
		c.User = func(_ context.Context, id string) (mfa.User, error) {
			u := mfa.User{ID: id, Name: id}
			if id == "mail" || id == "both" {
				u.Email = id + "@example.com"
			}
			if id == "phone" || id == "both" {
				u.Phone = "+15555550100"
			}
			return u, nil
		}
		c.FindUser = func(_ context.Context, name string) (string, error) {
			switch name {
			case "mail", "phone", "both", "neither":
				return name, nil
			default:
				return "", mfa.ErrNotFound
			}
		}
	})
	return k, sent
}

// N01: whoever tries both methods learns nothing, either, from which of them
// count together.
func TestN01_MethodsCountTogetherForEverybody(t *testing.T) {
	const browser = "0123456789abcdefABCDEF"
	look := func(name string, order string) (seen []string) {
		k, _ := newDoor(t, otpdelivery.Limits{})
		note := func(err error) bool {
			var throttled *mfa.ThrottledError
			switch {
			case err == nil:
				seen = append(seen, "sent")
			case errors.As(err, &throttled):
				seen = append(seen, "throttled for "+throttled.RetryAfter.String())
			default:
				require.ErrorIs(t, err, mfa.ErrRejected)
				seen = append(seen, "rejected")
			}
			return err == nil
		}
		for _, by := range order {
			method := map[rune]string{'e': "email", 's': "sms"}[by]
			c, err := k.Manager.BeginSignIn(t.Context(), mfa.SignInOptions{Method: method, Name: name, Binding: browser})
			if !note(err) {
				continue
			}
			_, _, err = k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte("not a code"))
			note(err)
			k.Clock.Advance(time.Second)
			_, err = k.Manager.ResendSignIn(t.Context(), browser, c.ID)
			note(err)
		}
		return seen
	}
	for _, order := range []string{"ssssse", "eeeees", "sesesese", "eeeeeeeeeeeeessssssssssssss"} {
		want := look("nobody", order)
		assert.Contains(t, fmt.Sprint(want), "throttled")
		for _, name := range []string{"mail", "phone", "both", "neither", "another"} {
			assert.Equal(t, want, look(name, order), "%s: %s", name, order)
		}
	}
}
