package otpdelivery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
)

// F13: SMS are never the only method, are said to be what they are, and are
// asked for after everything else but recovery codes.
func TestF13_SMSIsNotOfferedAlone(t *testing.T) {
	k, p := newKit(t, false, nil)
	ctx := t.Context()
	s := enrol(t, k, p, k.SignedIn(t, "alice"), "sms", "+15555550199")
	k.EnrollCodes(t, s)
	st, err := k.Manager.Status(ctx, s)
	require.NoError(t, err)
	for i, m := range st.Methods {
		assert.Equal(t, m.Method == "sms", m.Restricted, m.Method)
		if m.Restricted {
			assert.True(t, st.Methods[i+1].Recovery, "nothing but recovery comes after it")
		} else if !m.Recovery {
			assert.True(t, m.Enrollable, "%s is offered to who has SMS only", m.Method)
		}
	}
	k.Clock.Advance(31 * time.Second)
	enrol(t, k, p, s, "email", "alice@work.example")
	st, err = k.Manager.Status(ctx, k.SignedIn(t, "alice"))
	require.NoError(t, err)
	assert.Equal(t, []string{"email", "sms", "lookup_secret"}, st.SignIn.Methods)

	sms, err := otpdelivery.NewSMS(otpdelivery.Config{App: "Example", Sender: p, Countries: []string{"+1"}})
	require.NoError(t, err)
	mfatest.New(t, func(c *mfa.Config) {
		alone := *c
		alone.Factors = []mfa.Factor{sms}
		_, err := mfa.New(alone)
		require.EqualError(t, err, "mfa: Config.Factors has no factor beside SMS, which can be intercepted: offer another one too, such as totpfactor.New (NIST SP 800-63B-4, section 3.2.9)")
	})
}

// F13: SMS can be forbidden, on a route and altogether.
func TestF13_SMSCanBeForbidden(t *testing.T) {
	k, p := newKit(t, false, nil)
	ctx := t.Context()
	s := enrol(t, k, p, k.SignedIn(t, "alice"), "sms", "+15555550199")
	refused := func(q mfa.Requirement) *mfa.StepUpError {
		t.Helper()
		var stepUp *mfa.StepUpError
		require.ErrorAs(t, k.Manager.Allow(ctx, s, q), &stepUp)
		return stepUp
	}
	noSMS := mfa.Requirement{AAL: mfa.AAL2, Methods: []string{"webauthn", "totp"}}
	require.NoError(t, k.Manager.Allow(ctx, s, mfa.Requirement{AAL: mfa.AAL2}))
	assert.Equal(t, mfa.MissingEnrollment, refused(noSMS).Missing)
	assert.Equal(t, []string{"webauthn", "totp"}, refused(noSMS).Enroll)
	totp, s := k.EnrollTOTP(t, s)
	require.NoError(t, k.Manager.Allow(ctx, s, noSMS))

	s = k.SignedIn(t, "alice")
	c := begin(t, k, s, "sms")
	s, err := k.Manager.FinishVerify(ctx, s, c.ID, p.code(t))
	require.NoError(t, err)
	assert.Equal(t, []string{"totp"}, refused(noSMS).Methods)

	retired := mfatest.New(t, func(c *mfa.Config) {
		c.Store, c.Keys, c.Now, c.Retired = k.Store, keys, k.Clock.Now, []string{"sms"}
	})
	s = retired.SignedIn(t, "alice")
	st, err := retired.Manager.Status(ctx, s)
	require.NoError(t, err)
	assert.Equal(t, []string{"totp"}, st.SignIn.Methods)
	_, err = retired.Manager.BeginVerify(ctx, s, mfa.VerifyOptions{Method: "sms"})
	require.ErrorIs(t, err, mfa.ErrNotEnrolled)
	k.Clock.Advance(time.Minute)
	retired.VerifyTOTP(t, s, totp)
}
