package mfa_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
)

const browser = "0123456789abcdefABCDEF" // a binding

// doors is a kit whose users sign in by a code in their inbox. "alice" and
// "bob" exist, however they are written, and so does "mute", who has no
// address. "gone" has left a name behind.
func doors(t *testing.T, mail *inbox, change ...func(*mfa.Config)) *mfatest.Kit {
	t.Helper()
	return mfatest.New(t, func(c *mfa.Config) {
		withInbox(mail)(c)
		user := c.User
		c.User = func(ctx context.Context, id string) (mfa.User, error) {
			u, err := user(ctx, id)
			switch id {
			case "mute":
				u.Email = ""
			case "gone":
				err = fmt.Errorf("%w: no rows", mfa.ErrNotFound)
			}
			return u, err
		}
		c.FindUser = func(_ context.Context, name string) (string, error) {
			switch id := strings.ToLower(name); id {
			case "alice", "bob", "mute", "gone":
				return id, nil
			case "crash":
				return "", errors.New("the database is gone: " + name)
			default:
				return "", fmt.Errorf("%w: %s", mfa.ErrNotFound, name)
			}
		}
		for _, do := range change {
			do(c)
		}
	})
}

func knock(t *testing.T, k *mfatest.Kit, name string) *mfa.Ceremony {
	t.Helper()
	c, err := k.Manager.BeginSignIn(t.Context(), mfa.SignInOptions{Method: "email", Name: name, Binding: browser})
	require.NoError(t, err)
	return c
}

func TestB15_ADeliveredCodeIsAFirstFactor(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	c := knock(t, k, "Alice")
	code, _ := mail.last()
	user, first, err := k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte(code))
	require.NoError(t, err)
	assert.Equal(t, "alice", user)
	assert.Equal(t, mfa.RoleFirst, first.Role)
	s := k.SignIn(t, user, first)
	assert.Equal(t, mfa.AAL1, levelOf(t, k, s))
	assert.False(t, s.Pending, "alice has nothing else")

	k.EnrollTOTP(t, s)
	k.Clock.Advance(time.Minute)
	c = knock(t, k, "alice")
	code, _ = mail.last()
	user, first, err = k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte(code))
	require.NoError(t, err)
	s = k.SignIn(t, user, first)
	assert.True(t, s.Pending, "the second factor is asked for, as after a password")
	assert.Equal(t, mfa.AAL1, levelOf(t, k, s))
}

func TestA04_OneInboxIsNotTwoFactors(t *testing.T) {
	mail := &inbox{method: "email", contact: true}
	k := doors(t, mail)
	c := knock(t, k, "alice")
	code, _ := mail.last()
	user, first, err := k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte(code))
	require.NoError(t, err)
	s := k.SignIn(t, user, first)
	assert.False(t, s.Pending, "nothing else is available")
	_, err = k.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "email"})
	require.ErrorIs(t, err, mfa.ErrNotEnrolled, "the inbox has been used")

	s = k.SignedIn(t, "alice")
	assert.True(t, s.Pending, "beside a password the inbox is a second factor")
}

// J01, N01: once too many answers were wrong the right one is not taken, and
// nobody is told why; the operator is.
func TestJ01_ClosedSignInsRejectWhatIsRight(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	ctx := t.Context()
	guessed := knock(t, k, "alice")
	for range 5 {
		_, _, err := k.Manager.FinishSignIn(ctx, browser, guessed.ID, []byte("999999"))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	c := knock(t, k, "Alice")
	code, _ := mail.last()
	for range 4 {
		_, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID, []byte(code))
		require.ErrorIs(t, err, mfa.ErrRejected)
		assert.Equal(t, err, mfa.ErrRejected, "without a reason")
	}
	assert.Equal(t, 5, judgedIn(k))
	assert.Equal(t, 4, countEvents(k, mfa.EventRefused, mfa.OutcomeThrottled))
	k.Clock.Advance(30 * time.Second)
	_, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID, []byte(code))
	require.NoError(t, err, "the fifth try, after the delay")
}

// Where a factor's limit is reached, what was sent before stays good.
func TestF06_SilentRefusalsTakeNothingAway(t *testing.T) {
	mail := &inbox{method: "email", charges: []factor.Charge{{Key: "day", N: 1, Per: 24 * time.Hour}, {Key: "soon", N: 1, Per: time.Minute, Ceremony: true}}}
	k := doors(t, mail)
	c := knock(t, k, "alice")
	_, err := k.Manager.ResendSignIn(t.Context(), browser, c.ID)
	assert.Equal(t, time.Minute, retryAfter(t, err), "what belongs to the ceremony is told")
	k.Clock.Advance(time.Minute)
	_, err = k.Manager.ResendSignIn(t.Context(), browser, c.ID)
	require.NoError(t, err)
	code, sent := mail.last()
	assert.Equal(t, 1, sent)
	assert.Equal(t, 2, countEvents(k, mfa.EventRefused, mfa.OutcomeThrottled), "the operator hears of both")
	_, _, err = k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte(code))
	require.NoError(t, err)
}

func retryAfter(t *testing.T, err error) time.Duration {
	t.Helper()
	var throttled *mfa.ThrottledError
	require.ErrorAs(t, err, &throttled)
	return throttled.RetryAfter
}

func countEvents(k *mfatest.Kit, kind mfa.EventKind, outcome mfa.Outcome) (n int) {
	for _, e := range k.Events.All() {
		if e.Kind == kind && e.Outcome == outcome {
			n++
		}
	}
	return n
}

// A sender that fails is told to the operator and to nobody else.
func TestF08_AFailedSendIsAnEvent(t *testing.T) {
	mail := &inbox{method: "email", refuse: errors.New("no route")}
	k := doors(t, mail)
	knock(t, k, "alice")
	require.Equal(t, 1, countEvents(k, mfa.EventFault, mfa.OutcomeFault))
	for _, e := range k.Events.All() {
		assert.Contains(t, e.Reason, "no route")
		assert.Equal(t, "alice", e.UserID)
	}
}

func TestB05_ASignInIsBoundToItsBrowser(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	ctx := t.Context()
	c := knock(t, k, "alice")
	code, _ := mail.last()
	session := k.SignedIn(t, "alice")
	verifying, err := k.Manager.BeginEnroll(ctx, session, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)

	for name, do := range map[string]func() error{
		"another browser": func() error {
			_, _, err := k.Manager.FinishSignIn(ctx, strings.Repeat("x", 22), c.ID, []byte(code))
			return err
		},
		"no browser":             func() error { _, _, err := k.Manager.FinishSignIn(ctx, "", c.ID, []byte(code)); return err },
		"another id":             func() error { _, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID+"A", []byte(code)); return err },
		"a resend":               func() error { _, err := k.Manager.ResendSignIn(ctx, strings.Repeat("x", 22), c.ID); return err },
		"as verification":        func() error { _, err := k.Manager.FinishVerify(ctx, session, c.ID, []byte(code)); return err },
		"as enrolment":           func() error { _, _, err := k.Manager.FinishEnroll(ctx, session, c.ID, []byte(code)); return err },
		"resent as verification": func() error { _, err := k.Manager.Resend(ctx, session, c.ID); return err },
		"an enrolment as sign-in": func() error {
			_, _, err := k.Manager.FinishSignIn(ctx, browser, verifying.ID, []byte(code))
			return err
		},
	} {
		require.ErrorIs(t, do(), mfa.ErrRejected, name)
	}
	_, _, err = k.Manager.FinishSignIn(ctx, browser, c.ID, []byte(code))
	require.NoError(t, err, "none of it has cost anything")
}

// F02: of any number of right answers at once one signs in.
func TestF02_OneCodeIsOneSignIn(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	for range 20 {
		c := knock(t, k, "alice")
		code, _ := mail.last()
		good := 0
		for _, err := range parallel(32, func(int) error {
			_, _, err := k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte(code))
			return err
		}) {
			var throttled *mfa.ThrottledError
			switch {
			case err == nil:
				good++
			case errors.As(err, &throttled):
			default:
				require.ErrorIs(t, err, mfa.ErrRejected)
			}
		}
		require.Equal(t, 1, good)
	}
}

func TestF02_ACodeOfTenMinutes(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	for life, want := range map[time.Duration]error{599 * time.Second: nil, 600 * time.Second: mfa.ErrRejected, 601 * time.Second: mfa.ErrRejected} {
		c := knock(t, k, "alice")
		code, _ := mail.last()
		k.Clock.Advance(life)
		_, _, err := k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte(code))
		require.ErrorIs(t, err, want, life)
	}
}

// F04: a resend kills the older code and gives no tries back.
func TestF04_ResendingASignIn(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	ctx := t.Context()
	c := knock(t, k, "alice")
	old, _ := mail.last()
	for range 3 {
		_, _, err := k.Manager.FinishSignIn(ctx, browser, c.ID, []byte("999999"))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	again, err := k.Manager.ResendSignIn(ctx, browser, c.ID)
	require.NoError(t, err)
	assert.Equal(t, c.ExpiresAt, again.ExpiresAt)
	_, _, err = k.Manager.FinishSignIn(ctx, browser, c.ID, []byte(old))
	require.ErrorIs(t, err, mfa.ErrRejected, "the fourth try")
	code, _ := mail.last()
	_, _, err = k.Manager.FinishSignIn(ctx, browser, c.ID, []byte(code))
	require.NoError(t, err, "the fifth")
}

// F03: a ceremony ends when the user's credentials change, and when the address
// that it went to is gone.
func TestF03_ChangesEndASignIn(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	c := knock(t, k, "alice")
	code, _ := mail.last()
	k.EnrollTOTP(t, k.SignedIn(t, "alice"))
	_, _, err := k.Manager.FinishSignIn(t.Context(), browser, c.ID, []byte(code))
	require.ErrorIs(t, err, mfa.ErrRejected)
}

func TestBeginSignInRefuses(t *testing.T) {
	mail := &inbox{method: "email"}
	k := doors(t, mail)
	for name, tc := range map[string]struct {
		o    mfa.SignInOptions
		want error
	}{
		"a method that is no first factor": {mfa.SignInOptions{Method: "totp", Name: "alice", Binding: browser}, mfa.ErrNotFound},
		"an unknown method":                {mfa.SignInOptions{Method: "nope", Name: "alice", Binding: browser}, mfa.ErrNotFound},
		"no name":                          {mfa.SignInOptions{Method: "email", Binding: browser}, mfa.ErrInvalid},
		"a long name":                      {mfa.SignInOptions{Method: "email", Name: strings.Repeat("a", 321), Binding: browser}, mfa.ErrInvalid},
		"a name of other bytes":            {mfa.SignInOptions{Method: "email", Name: "\xff", Binding: browser}, mfa.ErrInvalid},
		"a short binding":                  {mfa.SignInOptions{Method: "email", Name: "alice", Binding: browser[1:]}, mfa.ErrInvalid},
		"long parameters": {mfa.SignInOptions{
			Method: "email", Name: "alice", Binding: browser, Params: map[string]string{"x": strings.Repeat("x", 5000)},
		}, mfa.ErrInvalid},
	} {
		_, err := k.Manager.BeginSignIn(t.Context(), tc.o)
		require.ErrorIs(t, err, tc.want, name)
	}
	_, err := k.Manager.BeginSignIn(t.Context(), mfa.SignInOptions{Method: "email", Name: "crash", Binding: browser})
	require.ErrorContains(t, err, "Config.FindUser")
	assert.Equal(t, 503, mfa.ProblemFor(err).Status)
	_, sent := mail.last()
	assert.Zero(t, sent)

	without := mfatest.New(t, withInbox(mail))
	_, err = without.Manager.BeginSignIn(t.Context(), mfa.SignInOptions{Method: "email", Name: "alice", Binding: browser})
	require.ErrorIs(t, err, mfa.ErrNotFound)
}
