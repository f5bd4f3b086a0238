package testenv

import (
	"testing"

	"github.com/chromedp/cdproto/webauthn"
)

// Authenticator is a virtual WebAuthn authenticator of a page. While a page
// has several, Chromium uses one that can answer.
type Authenticator struct {
	p  *Page
	id webauthn.AuthenticatorID
}

// SecurityKey plugs a CTAP2 security key into the page's computer, which is
// touched at once whenever it blinks. It cannot verify its user.
func (p *Page) SecurityKey() *Authenticator {
	p.t.Helper()
	return p.addAuthenticator(webauthn.VirtualAuthenticatorOptions{Transport: webauthn.AuthenticatorTransportUsb})
}

// Platform adds an authenticator that is part of the page's device, verifies
// its user and holds passkeys.
func (p *Page) Platform() *Authenticator {
	p.t.Helper()
	return p.addAuthenticator(webauthn.VirtualAuthenticatorOptions{
		Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
	})
}

func (p *Page) addAuthenticator(o webauthn.VirtualAuthenticatorOptions) *Authenticator {
	p.t.Helper()
	o.Protocol, o.AutomaticPresenceSimulation = webauthn.AuthenticatorProtocolCtap2, true
	call(p, webauthn.Enable, webauthn.EnableParams{})
	added := call(p, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &o})
	return &Authenticator{p: p, id: added.AuthenticatorID}
}

// Unplug takes the authenticator away.
func (a *Authenticator) Unplug() {
	a.t().Helper()
	call(a.p, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: a.id})
}

// UserVerified says whether verifying the user will succeed.
func (a *Authenticator) UserVerified(verified bool) {
	a.t().Helper()
	call(a.p, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: verified})
}

// Touched says whether somebody touches the authenticator when it asks for
// that. If not, what asks waits.
func (a *Authenticator) Touched(touched bool) {
	a.t().Helper()
	call(a.p, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: touched})
}

// Override makes the answers of the authenticator wrong. The zero value makes
// them right again.
func (a *Authenticator) Override(o Override) {
	a.t().Helper()
	call(a.p, webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{
		AuthenticatorID: a.id, IsBogusSignature: &o.BogusSignature, IsBadUV: &o.BadUV, IsBadUP: &o.BadUP,
	})
}

// Override is what is wrong with the answers of an authenticator.
type Override struct {
	BogusSignature bool // the signature is zero
	BadUV          bool // the flag "user verified" is not set
	BadUP          bool // the flag "user present" is not set
}

// Credentials returns what the authenticator holds.
func (a *Authenticator) Credentials() []*webauthn.Credential {
	a.t().Helper()
	return call(a.p, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id}).Credentials
}

// Forget removes a credential from the authenticator.
func (a *Authenticator) Forget(credential []byte) {
	a.t().Helper()
	call(a.p, webauthn.RemoveCredential, webauthn.RemoveCredentialParams{AuthenticatorID: a.id, CredentialID: credential})
}

// SetSignCount sets the signature counter of a credential. The next assertion
// reports one more.
func (a *Authenticator) SetSignCount(credential []byte, n int) {
	a.t().Helper()
	count := float64(n)
	call(a.p, webauthn.SetCredentialProperties, webauthn.SetCredentialPropertiesParams{AuthenticatorID: a.id, CredentialID: credential, SignCount: &count})
}

// SetBackup sets the flags "backup eligible" and "backup state" of a
// credential.
func (a *Authenticator) SetBackup(credential []byte, eligible, state bool) {
	a.t().Helper()
	call(a.p, webauthn.SetCredentialProperties, webauthn.SetCredentialPropertiesParams{
		AuthenticatorID: a.id, CredentialID: credential, BackupEligibility: &eligible, BackupState: &state,
	})
}

func (a *Authenticator) t() testing.TB { return a.p.t }
