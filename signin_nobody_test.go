package mfa_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

// F12, N01, J11: nothing that BeginSignIn, ResendSignIn and FinishSignIn return
// says whether somebody has the name, something to sign in with, or a sender
// that works, and which limits are reached.
func TestN01_NobodyLooksLikeSomebody(t *testing.T) {
	type seen struct {
		Prompt string
		Life   time.Duration
		Again  []string
		Wrong  []error
	}
	look := func(refuse error, names ...string) (seen, int) {
		mail := &inbox{method: "email", refuse: refuse, charges: []factor.Charge{{Key: "day", N: 12, Per: 24 * time.Hour}}}
		k := doors(t, mail)
		ctx := t.Context()
		v := seen{}
		for i := range 20 {
			c := knock(t, k, names[i%len(names)])
			v.Prompt, v.Life = jsonOf(t, c.Prompt), c.ExpiresAt.Sub(k.Clock.Now())
			for j := range 7 {
				_, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID, []byte("999999"))
				v.Wrong = append(v.Wrong, err)
				if j%3 == 0 {
					again, err := k.Manager.ResendSignIn(ctx, browser, c.ID)
					if err == nil {
						require.Equal(t, c.ID, again.ID)
						v.Again = append(v.Again, jsonOf(t, again.Prompt))
					}
					v.Wrong = append(v.Wrong, err)
				}
			}
		}
		_, sent := mail.last()
		return v, sent
	}
	somebody, sent := look(nil, "alice")
	assert.Equal(t, 12, sent, "no more than a factor's limits")
	assert.NotEmpty(t, somebody.Again)
	for i, err := range somebody.Wrong {
		if err != nil {
			require.ErrorIs(t, err, mfa.ErrRejected, "%d", i)
		}
	}
	for _, names := range [][]string{{"nobody"}, {"mute"}, {"gone"}, {"bob"}, {"alice", "ALICE"}, {"alice", "nobody"}, {"nobody", "somebody"}} {
		look, _ := look(errors.New("no route"), names...)
		assert.Equal(t, somebody, look, names)
	}
}

// Whoever goes while signing in is told what all are told.
func TestN01_UsersWhoGo(t *testing.T) {
	mail := &inbox{method: "email"}
	gone := false
	k := doors(t, mail, func(c *mfa.Config) {
		user := c.User
		c.User = func(ctx context.Context, id string) (mfa.User, error) {
			if gone {
				return mfa.User{}, mfa.ErrNotFound
			}
			return user(ctx, id)
		}
	})
	c := knock(t, k, "alice")
	code, _ := mail.last()
	gone = true
	_, _, err := k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte(code))
	require.ErrorIs(t, err, mfa.ErrRejected)
	_, err = k.Manager.ResendSignIn(t.Context(), browser, c.ID)
	require.ErrorIs(t, err, mfa.ErrRejected)
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// N02: whoever signs in, the app is asked about somebody once at each step, and
// what it says of nobody is ignored.
func TestN02_TheAppIsAskedAboutNobody(t *testing.T) {
	mail := &inbox{method: "email"}
	var asked []string
	k := doors(t, mail, func(c *mfa.Config) {
		user := c.User
		c.User = func(ctx context.Context, id string) (mfa.User, error) {
			asked = append(asked, id)
			if len(id) > len("alice") {
				return mfa.User{Email: "leak@example.com"}, errors.New("no rows")
			}
			return user(ctx, id)
		}
	})
	for _, name := range []string{"alice", "nobody", "mute"} {
		asked = nil
		c := knock(t, k, name)
		require.Len(t, asked, 1, name)
		_, _, err := k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte("999999"))
		require.ErrorIs(t, err, mfa.ErrRejected)
		require.Len(t, asked, 2, name)
		_, err = k.Manager.ResendSignIn(t.Context(), browser, c.ID)
		require.NoError(t, err)
		require.Len(t, asked, 3, name)
	}
	_, sent := mail.last()
	assert.Equal(t, 2, sent, "both to alice")
}

// N01: a decoy is never signed in, not even by the code that was made for it.
func TestN01_NobodySignsInAsNobody(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	c := knock(t, k, "nobody")
	_, sent := mail.last()
	require.Zero(t, sent)
	for n := range 5 {
		_, _, err := k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte("100000"))
		require.ErrorIs(t, err, mfa.ErrRejected, "%d", n)
	}
	assert.Equal(t, 5, countEvents(k, mfa.EventRefused, mfa.OutcomeRejected))
	assert.Equal(t, 1, countEvents(k, mfa.EventLocked, mfa.OutcomeThrottled))
	for _, e := range k.Events.All() {
		assert.Empty(t, e.UserID, "nobody is no user")
	}
	assert.Zero(t, countEvents(k, mfa.EventVerified, mfa.OutcomeSuccess))
}
