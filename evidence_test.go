package mfa_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

func TestA07_UserVerificationIsThatOfThisAssertion(t *testing.T) {
	kit := mfatest.New(t, nil)
	key := mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin)
	key.UserVerified = true
	_, s := kit.Enroll(t, kit.SignedIn(t, "alice"), mfa.EnrollOptions{Method: "webauthn"}, func(p any) []byte { return key.Register(t, p) })
	require.True(t, s.Methods[1].Evidence.UserVerified)
	for _, verified := range []bool{false, true, false} {
		key.UserVerified = verified
		s := kit.VerifyKey(t, kit.SignedIn(t, "alice"), key)
		assert.Equal(t, verified, s.Methods[1].Evidence.UserVerified)
	}
}

func TestA09_OnlyWebAuthnIsPhishingResistant(t *testing.T) {
	mail := &inbox{method: "email", lies: true}
	kit := mfatest.New(t, func(c *mfa.Config) { withInbox(mail)(c); neverPending(c) })
	totp, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	key, s := kit.EnrollKey(t, s)
	codes, s := kit.EnrollCodes(t, s)
	_, s = enrollInbox(t, kit, mail, s, "a@b.test")
	assert.False(t, s.Methods[len(s.Methods)-1].Evidence.PhishingResistant, "a factor that is typed is not believed")
	fresh := func() mfa.State { return kit.SignedIn(t, "alice") }
	viaMail := fresh()
	c, err := kit.Manager.BeginVerify(t.Context(), viaMail, mfa.VerifyOptions{Method: "email"})
	require.NoError(t, err)
	code, _ := mail.last()
	viaMail, err = kit.Manager.FinishVerify(t.Context(), viaMail, c.ID, []byte(code))
	require.NoError(t, err)
	for method, s := range map[string]mfa.State{
		"totp": kit.VerifyTOTP(t, fresh(), totp), "webauthn": kit.VerifyKey(t, fresh(), key),
		"lookup_secret": kit.VerifyCode(t, fresh(), codes[0]), "email": viaMail,
	} {
		assert.Equal(t, method == "webauthn", s.Methods[1].Evidence.PhishingResistant, method)
		err := kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL2, PhishingResistant: true})
		if method == "webauthn" {
			require.NoError(t, err)
			continue
		}
		e := stepUpOf(t, err)
		assert.Equal(t, []string{"webauthn"}, e.Methods, "only a key would do")
		assert.Equal(t, mfa.AAL2, e.Have)
		require.NoError(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL2}))
	}
}

func TestA10_AMRValues(t *testing.T) {
	first := func(name string) mfa.Method { return mfa.Method{Name: name, Role: mfa.RoleFirst} }
	second := func(name string) mfa.Method {
		return mfa.Method{Name: name, Role: mfa.RoleSecond, CredentialID: "c"}
	}
	hardware := second("webauthn")
	hardware.Evidence.HardwareBound = true
	vouched := mfa.OIDC("idp", mfa.Upstream{AMR: []string{"hwk"}, AAL2: true})
	for _, c := range []struct {
		methods []mfa.Method
		want    string
	}{
		{nil, `[]`},
		{[]mfa.Method{mfa.Password()}, `["pwd"]`},
		{[]mfa.Method{first("password"), second("totp")}, `["otp","pwd","mfa"]`},
		{[]mfa.Method{first("password"), second("email")}, `["otp","pwd","mfa"]`},
		{[]mfa.Method{first("password"), second("sms")}, `["otp","pwd","sms","mfa"]`},
		{[]mfa.Method{first("password"), second("webauthn")}, `["pop","pwd","user","mfa"]`},
		{[]mfa.Method{first("password"), hardware}, `["hwk","pwd","user","mfa"]`},
		{[]mfa.Method{first("password"), second("lookup_secret")}, `["pwd","urn:go-mfa:amr:lookup_secret","mfa"]`},
		{[]mfa.Method{second("totp")}, `["otp"]`},
		{[]mfa.Method{first("password"), second("totp"), second("totp")}, `["otp","pwd","mfa"]`},
		{[]mfa.Method{mfa.OIDC("idp", mfa.Upstream{AMR: []string{"hwk", "mfa"}})}, `["urn:go-mfa:amr:oidc"]`},
		{[]mfa.Method{vouched}, `["urn:go-mfa:amr:oidc","mfa"]`},
		{[]mfa.Method{first("mfa")}, `["urn:go-mfa:amr:mfa"]`},
		{[]mfa.Method{first("hwk")}, `["urn:go-mfa:amr:hwk"]`},
		{[]mfa.Method{first("magic_link")}, `["urn:go-mfa:amr:magic_link"]`},
	} {
		got, err := json.Marshal(mfa.AMR(c.methods))
		require.NoError(t, err)
		assert.Equal(t, c.want, string(got))
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		if slices.Contains([]string{"password", "totp", "email", "sms", "webauthn"}, name) {
			return
		}
		for _, v := range mfa.AMR([]mfa.Method{{Name: name, Role: mfa.RoleFirst}}) {
			require.True(t, strings.HasPrefix(v, "urn:go-mfa:amr:"), v)
		}
	})
}

func TestA11_TimesAreTheServers(t *testing.T) {
	kit := mfatest.New(t, nil)
	t0 := kit.Clock.Now()
	first := mfa.Password()
	first.At = t0.AddDate(10, 0, 0) // what the caller says does not matter
	s := kit.SignIn(t, "alice", first)
	require.Equal(t, t0, s.Methods[0].At)
	totp, s := kit.EnrollTOTP(t, s)
	t1 := kit.Clock.Advance(time.Hour)
	s = kit.VerifyTOTP(t, s, totp)
	t2 := kit.Clock.Now()
	st, err := kit.Manager.Status(t.Context(), s)
	require.NoError(t, err)
	require.True(t, t2.After(t1))
	assert.Equal(t, t2, *st.AuthenticatedAt, "the time of the use that satisfies, not of the session")
	assert.Equal(t, []mfa.StatusMethod{
		{Method: "password", AAL: mfa.AAL1, CompletedAt: t0},
		{Method: "totp", AAL: mfa.AAL2, CompletedAt: t0},
		{Method: "totp", AAL: mfa.AAL2, CompletedAt: t2},
	}, st.Completed)
	assert.Equal(t, totp.CredentialID, s.Methods[2].CredentialID)

	kit.Clock.Advance(time.Hour)
	s, err = kit.Manager.Start(t.Context(), s, "alice", mfa.Password())
	require.NoError(t, err)
	st, err = kit.Manager.Status(t.Context(), s)
	require.NoError(t, err)
	assert.Equal(t, t2, *st.AuthenticatedAt, "a fresh password does not change when aal2 was reached")
}

func TestA12_RecencyNeedsAnAcceptableMethod(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	key, s := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	totp, s := kit.EnrollTOTP(t, s)
	fresh := mfa.Requirement{AAL: mfa.AAL2, MaxAge: 5 * time.Minute}
	freshKey := mfa.Requirement{AAL: mfa.AAL2, MaxAge: 5 * time.Minute, Methods: []string{"webauthn"}}
	require.NoError(t, kit.Manager.Allow(t.Context(), s, freshKey))

	kit.Clock.Advance(5 * time.Minute)
	require.NoError(t, kit.Manager.Allow(t.Context(), s, freshKey), "exactly as old as allowed")
	kit.Clock.Advance(time.Second)
	e := stepUpOf(t, kit.Manager.Allow(t.Context(), s, freshKey))
	assert.Equal(t, mfa.MissingRecent, e.Missing)
	assert.Equal(t, 5*time.Minute, e.MaxAge)
	assert.Equal(t, []string{"webauthn"}, e.Methods)

	s, err := kit.Manager.Start(t.Context(), s, "alice", mfa.FirstFactor("magic_link", mfa.Evidence{}))
	require.NoError(t, err)
	stepUpOf(t, kit.Manager.Allow(t.Context(), s, fresh))
	require.NoError(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL1, MaxAge: time.Minute}), "for aal1 any use is fresh enough")
	stepUpOf(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL1, MaxAge: time.Minute, Methods: []string{"webauthn"}}))
	stepUpOf(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL1, MaxAge: time.Minute, PhishingResistant: true}))

	s = kit.VerifyTOTP(t, s, totp)
	require.NoError(t, kit.Manager.Allow(t.Context(), s, fresh))
	stepUpOf(t, kit.Manager.Allow(t.Context(), s, freshKey))
	stepUpOf(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL2, MaxAge: time.Minute, PhishingResistant: true}))
	s = kit.VerifyKey(t, s, key)
	require.NoError(t, kit.Manager.Allow(t.Context(), s, freshKey))

	kit.Clock.Advance(-time.Hour)
	stepUpOf(t, kit.Manager.Allow(t.Context(), s, freshKey))
	require.NoError(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL2, MaxAge: -1}), "negative is no limit")
	require.NoError(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL2}))
}
