package notice_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

// L06: the life of factors, as a Manager tells of it.
func TestL06_ChangesAreMailed(t *testing.T) {
	k, box, codes := newKit(t)
	ctx := t.Context()
	app, s := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
	require.NoError(t, k.Manager.Rename(ctx, s, app.CredentialID, "The Pixel"))
	work, s := enrolAddress(t, k, codes, s, "email", "alice@work.example")
	_, s = enrolAddress(t, k, codes, s, "sms", "+15555550100")
	assert.Equal(t, []string{
		"enrolled totp to alice@example.com", "enrolled email to alice@example.com", "enrolled sms to alice@example.com",
	}, summary(box.take()))

	s, err := k.Manager.Remove(ctx, s, work.ID)
	require.NoError(t, err)
	sent := box.take()
	require.Equal(t, []string{"removed email to alice@work.example", "removed email to alice@example.com"}, summary(sent))
	assert.Equal(t, "Hello alice,\n\n"+sent[0].Text, sent[1].Text, "whoever reads the former inbox learns no name")
	_, err = k.Manager.Remove(ctx, s, app.CredentialID)
	require.NoError(t, err)
	sent = box.take()
	require.Len(t, sent, 1)
	assert.Contains(t, sent[0].Text, "Method: authenticator app “The Pixel”\n")
	assert.Contains(t, sent[0].Text, k.Clock.Now().Format("15:04 UTC"))

	require.NoError(t, k.Manager.AdminReset(ctx, "root", "alice", "lost the phone"))
	assert.Equal(t, []string{"reset sms to alice@example.com"}, summary(box.take()))
	require.NoError(t, k.Manager.ContactChanged(ctx, "alice", factor.EmailChannel("alice@old.example")))
	assert.Equal(t, []string{"contact_changed email to alice@old.example", "contact_changed email to alice@example.com"}, summary(box.take()))
	require.NoError(t, k.Manager.Forget(ctx, "alice"))
	assert.Empty(t, box.take())
}

// E08: every recovery code is told, and how many are left when they run low.
func TestE08_UsesAndLowCodesAreMailed(t *testing.T) {
	k, box, _ := newKit(t)
	_, s := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
	codes, _ := k.EnrollCodes(t, s)
	assert.Equal(t, []string{"enrolled totp to alice@example.com", "enrolled lookup_secret to alice@example.com"}, summary(box.take()))
	low := map[int]string{
		3: "3 recovery codes are left", 2: "2 recovery codes are left", 1: "One recovery code is left", 0: "Few recovery codes are left for your Example account, or none",
	}
	for i, code := range codes {
		k.VerifyCode(t, k.SignedIn(t, "alice"), code)
		sent := box.take()
		want, isLow := low[len(codes)-1-i]
		if !isLow {
			assert.Equal(t, []string{"verified lookup_secret to alice@example.com"}, summary(sent))
			continue
		}
		require.Equal(t, []string{"verified lookup_secret to alice@example.com", "low_codes lookup_secret to alice@example.com"}, summary(sent))
		assert.Contains(t, sent[1].Text, want)
	}
}

// J12: whoever guesses for a day, as fast as is allowed, is told, and does not
// flood the inbox: as the package says.
func TestJ12_GuessesDoNotFloodTheInbox(t *testing.T) {
	k, box, _ := newKit(t)
	app, _ := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
	box.take()
	s := k.SignedIn(t, "alice")
	var told []time.Duration
	for began := k.Clock.Now(); k.Clock.Now().Sub(began) < 24*time.Hour; {
		_, err := k.Manager.Verify(t.Context(), s, mfa.VerifyOptions{Method: "totp"}, []byte(app.Wrong(k.Clock.Now())))
		for range box.take() {
			told = append(told, k.Clock.Now().Sub(began))
		}
		if throttled, ok := errors.AsType[*mfa.ThrottledError](err); ok {
			k.Clock.Advance(throttled.RetryAfter)
			continue
		}
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	require.NotEmpty(t, told)
	assert.Zero(t, told[0], "at once")
	within := func(d time.Duration) int {
		return len(told) - len(slices.DeleteFunc(slices.Clone(told), func(at time.Duration) bool { return at <= d }))
	}
	assert.Equal(t, 8, within(64*time.Minute))
	for i, at := range told[8:] {
		assert.GreaterOrEqual(t, at-told[7+i], time.Hour)
	}
	assert.Len(t, told, 8+22)

	k.Clock.Advance(time.Hour)
	_, err := k.Manager.Verify(t.Context(), s, mfa.VerifyOptions{Method: "totp"}, []byte(app.Code(k.Clock.Now())))
	require.NoError(t, err)
	assert.Equal(t, []string{"suspicious totp to alice@example.com"}, summary(box.take()), "and of success after failures")
}

// L06: recovery codes that go with the last factor are told, too; a guess at a
// name that nobody has is told nobody.
func TestL06_RecoveryCodesThatGoAreTold(t *testing.T) {
	k, box, _ := newKit(t)
	app, s := k.EnrollTOTP(t, k.SignedIn(t, "alice"))
	_, s = k.EnrollCodes(t, s)
	box.take()
	_, err := k.Manager.Remove(t.Context(), s, app.CredentialID)
	require.NoError(t, err)
	assert.Equal(t, []string{"removed lookup_secret to alice@example.com", "removed totp to alice@example.com"}, summary(box.take()))

	n, box, log := newNotices(t, alice, nil)
	n.OnEvent(t.Context(), mfa.Event{Kind: mfa.EventLocked, Method: "email", Time: at})
	assert.Empty(t, box.take())
	assert.Empty(t, log.String())
}
