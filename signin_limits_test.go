package mfa_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// J09: whoever has no first factor takes nothing from the second ones, and the
// budget of first ones never closes for good.
func TestJ09_AnonymousGuessesCloseNothing(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail, func(c *mfa.Config) { c.Limits.SignIns = 10_000 })
	ctx := t.Context()
	totp, _ := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
	k.Clock.Advance(time.Minute)
	judged := 0
	for judged < 120 {
		c := knock(t, k, "alice")
		for {
			was := judgedIn(k)
			_, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID, []byte("999999"))
			require.ErrorIs(t, err, mfa.ErrRejected)
			if judgedIn(k) == was {
				k.Clock.Advance(time.Hour)
				break
			}
			if judged++; judged%5 == 0 {
				break
			}
		}
	}
	s := k.SignedIn(t, "alice")
	_, err := k.Manager.Verify(ctx, s, mfa.VerifyOptions{Method: "totp"}, []byte(totp.Code(k.Clock.Now())))
	require.NoError(t, err, "the authenticator's budget is untouched")

	k.Clock.Advance(time.Hour)
	c := knock(t, k, "alice")
	code, _ := mail.last()
	_, _, err = k.Manager.FinishSignIn(ctx, browser, c.ID, []byte(code))
	require.NoError(t, err, "an hour later")
}

// J01: many guesses at once get no more than the budget, whatever they name the
// user, and however many ceremonies they begin (J05).
func TestJ01_J05_GuessesShareOneBudget(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	var ceremonies []string
	for i := range 20 {
		ceremonies = append(ceremonies, knock(t, k, []string{"alice", "Alice", "ALICE"}[i%3]).ID)
	}
	parallel(100, func(i int) error {
		_, _, err := k.Manager.FinishSignIn(t.Context(), browser, ceremonies[i%len(ceremonies)], []byte("999999"))
		return err
	})
	assert.LessOrEqual(t, judgedIn(k), 5)
	assert.Positive(t, judgedIn(k))
}

// judgedIn counts the wrong answers that were judged. Whoever signs in is told
// the same of those that were not.
func judgedIn(k *mfatest.Kit) int { return countEvents(k, mfa.EventRefused, mfa.OutcomeRejected) }

// J04: cancelling the request, whenever it may be, gives no guess for nothing.
func TestJ04_CancelledSignInsStillCount(t *testing.T) {
	mail := &inbox{method: "email"}
	store := &cancelAfterPut{}
	k := doors(t, mail, func(c *mfa.Config) {
		store.Store = c.Store
		c.Store = store
	})
	for i := range 40 {
		store.after, store.cancel = 0, nil
		c := knock(t, k, "alice")
		ctx, cancel := context.WithCancel(t.Context())
		store.after, store.cancel = i%3, cancel
		_, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID, []byte("999999"))
		require.Error(t, err)
		cancel()
	}
	assert.Equal(t, 5, judgedIn(k))
}

// J06: guesses at names leave nothing behind for good, whoever has them, and are
// remembered for a day.
func TestJ06_GuessesAreForgotten(t *testing.T) {
	mail := &inbox{method: "email"}
	written := map[string]bool{}
	k := doors(t, mail, func(c *mfa.Config) {
		c.Store = &recordingStore{Store: c.Store, RecordSweeper: c.Store.(mfa.RecordSweeper), written: written}
	})
	ctx := t.Context()
	guess := func(name string) {
		_, _, err := k.Manager.FinishSignIn(ctx, browser, knock(t, k, name).ID, []byte("999999"))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	for i := range 20 {
		guess(fmt.Sprintf("nobody %d", i))
	}
	for range 5 {
		guess("alice")
	}
	k.Clock.Advance(23 * time.Hour)
	guess("alice")
	guess("alice")
	assert.Equal(t, 20+6, judgedIn(k), "the sixth of alice began a delay")
	k.Clock.Advance(26 * time.Hour)
	for range 5 {
		guess("alice")
	}
	assert.Equal(t, 20+6+5, judgedIn(k), "forgotten")
	k.Clock.Advance(26 * time.Hour)
	require.NoError(t, k.Manager.Sweep(ctx))
	require.GreaterOrEqual(t, len(written), 21)
	for key := range written {
		_, err := k.Store.Record(ctx, key)
		require.ErrorIs(t, err, mfa.ErrNotFound, key)
	}
}

// recordingStore remembers which records were written.
type recordingStore struct {
	mfa.Store
	mfa.RecordSweeper
	written map[string]bool
}

func (s *recordingStore) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	s.written[r.Key] = true
	return s.Store.PutRecord(ctx, r, prev)
}

// J06: one client begins no more sign-ins than Limits.SignIns, whomever it
// names, and others are not held up by it.
func TestJ06_SignInsPerClient(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail, func(c *mfa.Config) { c.Limits.SignIns = 3 })
	from := func(client, name string) error {
		_, err := k.Manager.BeginSignIn(mfa.WithClient(t.Context(), client), mfa.SignInOptions{Method: "email", Name: name, Binding: browser})
		return err
	}
	for i, client := range []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:2::3%eth0"} {
		require.NoError(t, from(client, fmt.Sprintf("name %d", i)))
	}
	assert.Equal(t, time.Hour, retryAfter(t, from("2001:db8:1:2::4", "alice")))
	require.NoError(t, from("2001:db8:1:3::1", "alice"), "another network")
	require.NoError(t, from("192.0.2.1", "alice"))
	require.NoError(t, from("::ffff:192.0.2.1", "alice"))
	require.NoError(t, from("192.0.2.1", "bob"))
	assert.Equal(t, time.Hour, retryAfter(t, from("::ffff:192.0.2.1", "bob")), "IPv4, however it is written")
	require.NoError(t, from("192.0.2.2", "bob"))
	k.Clock.Advance(time.Hour)
	require.NoError(t, from("2001:db8:1:2::4", "alice"))
}

// What a sign-in costs, every method of a Store being one statement: as much
// for a name that nobody has.
func TestSignInStatements(t *testing.T) {
	mail := &inbox{method: "email"}
	counting := &faulty{n: -1}
	k := doors(t, mail, func(c *mfa.Config) {
		counting.Store = c.Store
		c.Store = counting
	})
	ctx := mfa.WithClient(t.Context(), "192.0.2.1")
	cost := func(do func()) int {
		before := counting.calls.Load()
		do()
		return int(counting.calls.Load() - before)
	}
	for _, name := range []string{"alice", "nobody", "mute"} {
		var c *mfa.Ceremony
		begin := cost(func() {
			var err error
			c, err = k.Manager.BeginSignIn(ctx, mfa.SignInOptions{Method: "email", Name: name, Binding: browser})
			require.NoError(t, err)
		})
		assert.LessOrEqual(t, begin, 4+len(mail.charges)*2, name)
		wrong := cost(func() {
			_, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID, []byte("999999"))
			require.ErrorIs(t, err, mfa.ErrRejected)
		})
		assert.Equal(t, 5, wrong, name)
	}
	c := knock(t, k, "alice")
	code, _ := mail.last()
	finish := cost(func() {
		_, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID, []byte(code))
		require.NoError(t, err)
	})
	assert.LessOrEqual(t, finish, 10)
}
