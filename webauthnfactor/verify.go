package webauthnfactor

import (
	"bytes"
	"context"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/go-mfa/mfa/factor"
)

var (
	errSignIn = errors.New("webauthnfactor: signing in with a key alone is not supported")
	errNoKey  = errors.New("webauthnfactor: the user has no credential to verify with")
)

// account is a user as go-webauthn sees one: the handle, and the one
// credential that is being judged.
type account struct {
	handle []byte
	keys   []webauthn.Credential
}

func (a account) WebAuthnID() []byte                         { return a.handle }
func (a account) WebAuthnName() string                       { return "" }
func (a account) WebAuthnDisplayName() string                { return "" }
func (a account) WebAuthnCredentials() []webauthn.Credential { return a.keys }

// BeginVerify implements [factor.Factor]. The prompt is what
// PublicKeyCredential.parseRequestOptionsFromJSON takes. Parameters of the
// client are ignored.
func (f *Factor) BeginVerify(_ context.Context, r factor.Request) (factor.Step, error) {
	if r.Purpose == factor.PurposeSignIn {
		return factor.Step{}, errSignIn
	}
	if len(r.Credentials) == 0 {
		return factor.Step{}, errNoKey
	}
	s := verifyState{
		challenge:    randomBytes(challengeLength),
		userVerified: f.config.UserVerification == UserVerificationRequired,
		allowed:      make([][]byte, len(r.Credentials)),
	}
	allow := make([]credentialDescriptor, len(r.Credentials))
	for i := range r.Credentials {
		k, err := decodeKey(r.Credentials[i].Data)
		if err != nil {
			return factor.Step{}, err
		}
		s.allowed[i], allow[i] = k.id, describeKey(&k)
	}
	return factor.Step{
		Prompt: requestOptions{
			Challenge:        encodeBase64(s.challenge),
			Timeout:          f.config.Timeout.Milliseconds(),
			RPID:             f.config.RPID,
			AllowCredentials: allow,
			UserVerification: f.config.UserVerification,
		},
		State: s.encode(),
		TTL:   f.config.Timeout,
	}, nil
}

// FinishVerify implements [factor.Factor]. The response is an
// AuthenticationResponseJSON. The evidence says whether this very answer
// verified the user. An answer stays right until its ceremony is spent.
func (f *Factor) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if r.Purpose == factor.PurposeSignIn {
		return factor.Result{}, errSignIn
	}
	s, err := decodeVerifyState(state)
	if err != nil {
		return factor.Result{}, err
	}
	if len(response) > maxResponse {
		return factor.Result{}, factor.Reject(reasonTooLarge)
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return factor.Result{}, factor.Reject(reasonMalformed)
	}
	if !s.allows(parsed.RawID) {
		return factor.Result{}, factor.Reject(reasonNotAllowed)
	}
	i, k, err := findKey(r.Credentials, parsed.RawID)
	if err != nil {
		return factor.Result{}, err
	}
	if i < 0 {
		return factor.Result{}, factor.Reject(reasonNotOwned)
	}
	if err := f.judge(&s, &k, parsed); err != nil {
		return factor.Result{}, err
	}

	data := &parsed.Response.AuthenticatorData
	var note string
	if data.Counter <= k.signCount && (data.Counter != 0 || k.signCount != 0) {
		if !f.config.InsecureAcceptSignCount {
			return factor.Result{}, factor.Reject(reasonSignCount)
		}
		note = reasonSignCount
	}
	k.signCount = max(k.signCount, data.Counter)
	k.backedUp = data.Flags.HasBackupState()
	c := r.Credentials[i]
	c.Data = k.encode()
	return factor.Result{
		Credential: c,
		Evidence:   evidenceOf(data.Flags.HasUserVerified()),
		Note:       note,
	}, nil
}

// judge verifies an assertion by k (Web Authentication Level 3, section 7.2),
// but for the signature counter.
func (f *Factor) judge(s *verifyState, k *key, parsed *protocol.ParsedCredentialAssertionData) error {
	if h := parsed.Response.UserHandle; len(h) > 0 && !bytes.Equal(h, k.handle) {
		return factor.Reject(reasonUserHandle)
	}
	challenge := encodeBase64(s.challenge)
	if err := f.checkClientData(&parsed.Response.CollectedClientData, protocol.AssertCeremony, challenge); err != nil {
		return err
	}
	data := &parsed.Response.AuthenticatorData
	requireUV := s.userVerified || f.config.UserVerification == UserVerificationRequired
	if err := f.checkAuthData(data, requireUV); err != nil {
		return err
	}
	if data.Flags.HasBackupEligible() != k.backupEligible {
		return factor.Reject(reasonBackupEligible)
	}
	// No extension was asked for; whatever the client says of one is void.
	// Left in place, appid would make go-webauthn look for one of U2F.
	parsed.ClientExtensionResults = protocol.AuthenticationExtensionsClientOutputs{}
	_, err := f.rp.ValidateLogin(
		account{handle: k.handle, keys: []webauthn.Credential{{
			ID:        k.id,
			PublicKey: k.publicKey,
			Flags:     webauthn.CredentialFlags{BackupEligible: k.backupEligible},
		}}},
		webauthn.SessionData{
			Challenge:        challenge,
			UserID:           k.handle,
			UserVerification: requirement(requireUV),
		}, parsed)
	if err == nil {
		return nil
	}
	var e *protocol.Error
	if errors.As(err, &e) && e.Type == protocol.ErrAssertionSignature.Type {
		return factor.Reject(reasonSignature)
	}
	return factor.Reject(reasonVerify)
}
