package mfatest

import (
	"testing"

	"github.com/descope/virtualwebauthn"
)

// Authenticator is a browser with a WebAuthn authenticator: a security key, or
// a phone. Set its fields between two ceremonies as the test needs them. It is
// not safe for concurrent use. Make it with [NewAuthenticator].
type Authenticator struct {
	// Origin is the page that asks, as the browser tells it.
	Origin string
	// UserVerified answers with the user verified by PIN or biometrics.
	UserVerified bool
	// UserAbsent answers without anybody touching the authenticator.
	UserAbsent bool
	// BackupEligible and BackedUp mark a passkey that is synchronised.
	BackupEligible, BackedUp bool
	// SignCount is the signature counter of the last answer. Assert adds one
	// first, unless it is zero: that is an authenticator without a counter.
	SignCount uint32
	// CredentialID is the id that mfa gave the key once it is enrolled; set
	// by Kit.EnrollKey. It is not the one that the authenticator chose.
	CredentialID string

	rp      virtualwebauthn.RelyingParty
	device  virtualwebauthn.Authenticator
	handles map[string][]byte // of users, by the authenticator's credential id
}

// NewAuthenticator returns an authenticator without keys, in a browser that
// shows a page of the given origin. It answers for one relying party.
func NewAuthenticator(rpID, origin string) *Authenticator {
	return &Authenticator{
		Origin: origin, rp: virtualwebauthn.RelyingParty{ID: rpID, Name: rpID},
		device: virtualwebauthn.NewAuthenticator(), handles: map[string][]byte{},
	}
}

// Register makes a key and returns the answer to the Prompt of an enrolment.
// As a real authenticator does, it refuses, and fails the test, if it has one
// of the keys that the prompt excludes.
func (a *Authenticator) Register(t testing.TB, prompt any) []byte {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(encode(t, prompt)))
	if err != nil {
		t.Fatalf("mfatest: the prompt is none of a WebAuthn enrolment: %v", err)
	}
	for i := range a.device.Credentials {
		if a.device.Credentials[i].IsExcludedForAttestation(*options) {
			t.Fatalf("mfatest: the prompt excludes a key of this authenticator: it is enrolled already")
		}
	}
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	key.Counter = a.SignCount
	a.device.AddCredential(key)
	a.handles[string(key.ID)] = []byte(options.UserID)
	rp, device := a.now(nil)
	return []byte(virtualwebauthn.CreateAttestationResponse(rp, device, key, *options))
}

// Assert returns the answer to the Prompt of a verification, by the first of
// the authenticator's keys that the prompt allows. It fails the test if there
// is none.
func (a *Authenticator) Assert(t testing.TB, prompt any) []byte {
	t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(encode(t, prompt)))
	if err != nil {
		t.Fatalf("mfatest: the prompt is none of a WebAuthn verification: %v", err)
	}
	key := a.device.FindAllowedCredential(*options)
	if key == nil {
		t.Fatalf("mfatest: the prompt allows no key of this authenticator")
		return nil
	}
	if a.SignCount > 0 {
		a.SignCount++
	}
	key.Counter = a.SignCount
	rp, device := a.now(a.handles[string(key.ID)])
	return []byte(virtualwebauthn.CreateAssertionResponse(rp, device, *key, *options))
}

func (a *Authenticator) now(handle []byte) (virtualwebauthn.RelyingParty, virtualwebauthn.Authenticator) {
	rp, device := a.rp, a.device
	rp.Origin = a.Origin
	device.Options.UserHandle = handle
	device.Options.UserNotPresent = a.UserAbsent
	device.Options.UserNotVerified = !a.UserVerified
	device.Options.BackupEligible = a.BackupEligible
	device.Options.BackupState = a.BackedUp
	return rp, device
}
