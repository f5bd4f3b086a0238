package mfatest

import (
	"testing"

	"github.com/go-mfa/mfa"
)

// Enroll enrols a credential: answer gets the prompt and returns the response.
// It returns the session's state afterwards, at aal2 where enrolling proves
// the new factor.
func (k *Kit) Enroll(t testing.TB, s mfa.State, o mfa.EnrollOptions, answer func(prompt any) []byte) (mfa.CredentialInfo, mfa.State) {
	t.Helper()
	c, err := k.Manager.BeginEnroll(t.Context(), s, o)
	if err != nil {
		t.Fatalf("mfatest: beginning to enrol %s for %q: %v", o.Method, s.UserID, err)
	}
	info, s, err := k.Manager.FinishEnroll(t.Context(), s, c.ID, answer(c.Prompt))
	if err != nil {
		t.Fatalf("mfatest: enrolling %s: %v", o.Method, err)
	}
	return info, s
}

// EnrollTOTP enrols an authenticator app, whose code of now is spent by that.
// The state is at aal2 afterwards.
func (k *Kit) EnrollTOTP(t testing.TB, s mfa.State) (*TOTP, mfa.State) {
	t.Helper()
	var app *TOTP
	info, s := k.Enroll(t, s, mfa.EnrollOptions{Method: "totp"}, func(prompt any) []byte {
		app = NewTOTP(t, prompt)
		return []byte(app.Code(k.Clock.Now()))
	})
	app.CredentialID = info.ID
	return app, s
}

// EnrollKey enrols a security key that does not verify its user. The state is
// at aal2 afterwards.
func (k *Kit) EnrollKey(t testing.TB, s mfa.State) (*Authenticator, mfa.State) {
	t.Helper()
	key := NewAuthenticator(k.RPID, k.Origin)
	info, s := k.Enroll(t, s, mfa.EnrollOptions{Method: "webauthn"}, func(prompt any) []byte { return key.Register(t, prompt) })
	key.CredentialID = info.ID
	return key, s
}

// EnrollCodes makes recovery codes, or new ones, and returns them. It needs a
// user with another second factor. The state stays what it was.
func (k *Kit) EnrollCodes(t testing.TB, s mfa.State) ([]string, mfa.State) {
	t.Helper()
	var prompt struct {
		Codes []string `json:"codes"`
	}
	_, s = k.Enroll(t, s, mfa.EnrollOptions{Method: "lookup_secret"}, func(p any) []byte {
		decode(t, p, &prompt)
		return []byte("saved")
	})
	return prompt.Codes, s
}

// VerifyTOTP verifies with an authenticator app. It first advances the clock to
// the next code, because every code is good once. It works at aal2 too.
func (k *Kit) VerifyTOTP(t testing.TB, s mfa.State, app *TOTP) mfa.State {
	t.Helper()
	k.Clock.Advance(app.Period())
	return k.verify(t, s, "totp", []byte(app.Code(k.Clock.Now())))
}

// VerifyCode verifies with a recovery code. It works at aal2 too.
func (k *Kit) VerifyCode(t testing.TB, s mfa.State, code string) mfa.State {
	t.Helper()
	return k.verify(t, s, "lookup_secret", []byte(code))
}

func (k *Kit) verify(t testing.TB, s mfa.State, method string, response []byte) mfa.State {
	t.Helper()
	s, err := k.Manager.Verify(t.Context(), s, mfa.VerifyOptions{Method: method, Refresh: true}, response)
	if err != nil {
		t.Fatalf("mfatest: verifying %s: %v", method, err)
	}
	return s
}

// VerifyKey verifies with a security key. It works at aal2 too.
func (k *Kit) VerifyKey(t testing.TB, s mfa.State, key *Authenticator) mfa.State {
	t.Helper()
	c, err := k.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "webauthn", Refresh: true})
	if err != nil {
		t.Fatalf("mfatest: beginning to verify with a key: %v", err)
	}
	s, err = k.Manager.FinishVerify(t.Context(), s, c.ID, key.Assert(t, c.Prompt))
	if err != nil {
		t.Fatalf("mfatest: verifying with a key: %v", err)
	}
	return s
}
