package mfa_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
)

// living is an inbox that says how long its ceremonies live.
type living struct {
	*inbox

	ttl time.Duration
}

func (f living) BeginEnroll(ctx context.Context, r factor.Request) (factor.Step, error) {
	step, err := f.inbox.BeginEnroll(ctx, r)
	step.TTL = f.ttl
	return step, err
}

func (f living) BeginVerify(ctx context.Context, r factor.Request) (factor.Step, error) {
	step, err := f.inbox.BeginVerify(ctx, r)
	step.TTL = f.ttl
	return step, err
}

// A factor says how long its ceremonies live, up to an hour.
func TestP11_NoCeremonyOutlivesAnHour(t *testing.T) {
	for ttl, want := range map[time.Duration]time.Duration{
		0:                       5 * time.Minute,
		time.Hour - time.Second: time.Hour - time.Second,
		time.Hour:               time.Hour,
		time.Hour + time.Second: time.Hour,
		24 * time.Hour:          time.Hour,
	} {
		t.Run(ttl.String(), func(t *testing.T) {
			for late, check := range map[time.Duration]require.ErrorAssertionFunc{
				-time.Second: require.NoError,
				0:            func(t require.TestingT, err error, _ ...any) { require.ErrorIs(t, err, mfa.ErrRejected) },
			} {
				f := living{&inbox{method: "inbox"}, ttl}
				kit := mfatest.New(t, func(c *mfa.Config) { c.Factors = append(c.Factors, f) })
				ctx := t.Context()
				s := kit.SignedIn(t, "alice")

				c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "inbox", Params: map[string]string{"address": "alice@example.test"}})
				require.NoError(t, err)
				assert.Equal(t, kit.Clock.Now().Add(want), c.ExpiresAt)
				code, _ := f.last()
				kit.Clock.Set(c.ExpiresAt.Add(late))
				s, err = kit.Manager.Start(ctx, s, "alice", mfa.Password())
				require.NoError(t, err)
				_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, []byte(code))
				check(t, err)
			}
		})
	}
}

func TestP11_NoVerificationOutlivesAnHour(t *testing.T) {
	f := living{&inbox{method: "inbox"}, 24 * time.Hour}
	kit := mfatest.New(t, func(c *mfa.Config) { c.Factors = append(c.Factors, f) })
	ctx := t.Context()
	enrollInbox(t, kit, f.inbox, kit.SignedIn(t, "alice"), "alice@example.test")
	s := kit.SignedIn(t, "alice")
	c, err := kit.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "inbox"})
	require.NoError(t, err)
	assert.Equal(t, kit.Clock.Now().Add(time.Hour), c.ExpiresAt)
}
