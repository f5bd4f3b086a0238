package stores

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
)

// P03: what a code that is sent costs: beginning at most four statements and two
// for each of the four budgets of a mail, which are those of the user, the
// address, the day and the ceremony's cool-down; finishing at most ten.
func TestP03_StatementsOfACodeThatIsSent(t *testing.T) {
	onEachWire(t, func(t *testing.T, _ spec, store faultstore.Inner, w *wire) {
		mails := make(chan otpdelivery.Message, 1)
		k := mfatest.New(t, func(c *mfa.Config) {
			queue, err := otpdelivery.NewQueue(otpdelivery.QueueConfig{Now: c.Now, Sender: otpdelivery.SenderFunc(func(_ context.Context, m otpdelivery.Message) error {
				mails <- m
				return nil
			})})
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, queue.Shutdown(context.Background())) })
			email, err := otpdelivery.NewEmail(otpdelivery.Config{App: "Example", Sender: queue, SignIn: true, UseVerifiedContact: true})
			require.NoError(t, err)
			c.Store, c.Factors = store, append(slices.Clone(c.Factors), email)
			c.User = func(_ context.Context, id string) (mfa.User, error) {
				return mfa.User{ID: id, Email: id + "@example.com"}, nil
			}
			c.FindUser = func(_ context.Context, name string) (string, error) {
				if name == "alice" {
					return name, nil
				}
				return "", mfa.ErrNotFound
			}
		})
		const budgets = 4
		ctx := mfa.WithClient(t.Context(), "192.0.2.1")
		within := func(what string, limit int, do func() error) (n int) {
			t.Helper()
			var err error
			sent := w.during(func() { err = do() })
			require.NoError(t, err, what)
			assert.LessOrEqual(t, len(sent), limit, "%s:\n%s", what, strings.Join(sent, "\n"))
			return len(sent)
		}
		for _, again := range []string{"first", "again"} {
			s := k.SignedIn(t, "alice")
			var c *mfa.Ceremony
			within(again+" begin to verify", 4+2*budgets, func() (err error) {
				c, err = k.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "email"})
				return err
			})
			code := (<-mails).Fields.Code
			within(again+" verify", 10, func() error {
				_, err := k.Manager.FinishVerify(ctx, s, c.ID, []byte(code))
				return err
			})
			const binding = "a cookie of sixteen bytes or more"
			somebody := within(again+" begin to sign in", 4+2*budgets, func() (err error) {
				c, err = k.Manager.BeginSignIn(ctx, mfa.SignInOptions{Method: "email", Name: "alice", Binding: binding})
				return err
			})
			code = (<-mails).Fields.Code
			within(again+" sign in", 10, func() error {
				_, _, err := k.Manager.FinishSignIn(ctx, binding, c.ID, []byte(code))
				return err
			})
			nobody := within(again+" begin to sign in as nobody", 4+2*budgets, func() error {
				_, err := k.Manager.BeginSignIn(ctx, mfa.SignInOptions{Method: "email", Name: "nobody", Binding: binding})
				return err
			})
			assert.Equal(t, somebody, nobody, "%s: nobody costs what somebody costs", again)
		}
	})
}
