package webauthnfactor

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/go-mfa/mfa/factor"
)

const (
	challengeLength  = 32
	userHandleLength = 64 // section 14.6.1: 64 random bytes

	minCredentialID = 16 // section 4: at least 16 bytes
	maxCredentialID = 1023

	maxTransports      = 8
	maxTransportLength = 32
)

// The algorithms that are asked for, those that section 5.4 (pubKeyCredParams)
// recommends, the preferred first.
var algorithms = []int64{
	int64(webauthncose.AlgEdDSA),
	int64(webauthncose.AlgES256),
	int64(webauthncose.AlgRS256),
}

// BeginEnroll implements [factor.Factor]. The prompt is what
// PublicKeyCredential.parseCreationOptionsFromJSON takes. Parameters of the
// client are ignored.
func (f *Factor) BeginEnroll(_ context.Context, r factor.Request) (factor.Step, error) {
	exclude := make([]credentialDescriptor, len(r.Credentials))
	var handle []byte
	var oldest int
	for i := range r.Credentials {
		k, err := decodeKey(r.Credentials[i].Data)
		if err != nil {
			return factor.Step{}, err
		}
		exclude[i] = describeKey(&k)
		if handle == nil || r.Credentials[i].CreatedAt.Before(r.Credentials[oldest].CreatedAt) {
			handle, oldest = k.handle, i
		}
	}
	if handle == nil {
		handle = randomBytes(userHandleLength)
	}
	s := enrollState{
		challenge:    randomBytes(challengeLength),
		handle:       handle,
		userVerified: f.config.UserVerification == UserVerificationRequired,
		algorithms:   algorithms,
	}
	params := make([]credentialParameter, len(algorithms))
	for i, a := range algorithms {
		params[i] = credentialParameter{Type: publicKeyType, Alg: a}
	}
	return factor.Step{
		Prompt: creationOptions{
			RP:                 rpEntity{ID: f.config.RPID, Name: f.config.RPDisplayName},
			User:               describeUser(r.User, handle),
			Challenge:          encodeBase64(s.challenge),
			PubKeyCredParams:   params,
			Timeout:            f.config.Timeout.Milliseconds(),
			ExcludeCredentials: exclude,
			AuthenticatorSelection: selection{
				AuthenticatorAttachment: f.config.AuthenticatorAttachment,
				ResidentKey:             f.config.ResidentKey,
				RequireResidentKey:      f.config.ResidentKey == ResidentKeyRequired,
				UserVerification:        f.config.UserVerification,
			},
			Attestation: f.config.Attestation,
		},
		State: s.encode(),
		TTL:   f.config.Timeout,
	}, nil
}

// FinishEnroll implements [factor.Factor]. The response is a
// RegistrationResponseJSON. The evidence is that of the enrolment itself: the
// key was there, and whether it verified the user.
func (f *Factor) FinishEnroll(_ context.Context, r factor.Request, state, response []byte) (factor.Enrolled, error) {
	s, err := decodeEnrollState(state)
	if err != nil {
		return factor.Enrolled{}, err
	}
	k, userVerified, err := f.register(&s, response)
	if err != nil {
		return factor.Enrolled{}, err
	}
	i, _, err := findKey(r.Credentials, k.id)
	if err != nil {
		return factor.Enrolled{}, err
	}
	if i >= 0 {
		return factor.Enrolled{}, factor.Reject(reasonRegistered)
	}
	evidence := evidenceOf(userVerified)
	return factor.Enrolled{
		Credential: factor.Credential{Key: credentialKey(f.config.RPID, k.id), Data: k.encode()},
		Evidence:   &evidence,
	}, nil
}

// register verifies an answer to an enrolment (Web Authentication Level 3,
// section 7.1).
func (f *Factor) register(s *enrollState, response []byte) (key, bool, error) {
	if len(response) > maxResponse {
		return key{}, false, factor.Reject(reasonTooLarge)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return key{}, false, factor.Reject(reasonMalformed)
	}
	challenge := encodeBase64(s.challenge)
	if err := f.checkClientData(&parsed.Response.CollectedClientData, protocol.CreateCeremony, challenge); err != nil {
		return key{}, false, err
	}
	object := &parsed.Response.AttestationObject
	requireUV := s.userVerified || f.config.UserVerification == UserVerificationRequired
	if err := f.checkAuthData(&object.AuthData, requireUV); err != nil {
		return key{}, false, err
	}
	if err := f.checkPolicy(parsed); err != nil {
		return key{}, false, err
	}
	if err := checkPublicKey(object.AuthData.AttData.CredentialPublicKey, s.algorithms); err != nil {
		return key{}, false, err
	}
	// No extension was asked for; whatever the client says of one is void.
	parsed.ClientExtensionResults = protocol.AuthenticationExtensionsClientOutputs{}
	_, err = f.rp.CreateCredential(account{handle: s.handle}, webauthn.SessionData{
		Challenge:        challenge,
		UserID:           s.handle,
		UserVerification: requirement(requireUV),
		CredParams:       credParams(s.algorithms),
	}, parsed)
	if err != nil {
		return key{}, false, factor.Reject(reasonAttestationVerify)
	}
	data := &object.AuthData
	userVerified := data.Flags.HasUserVerified()
	return key{
		id:             data.AttData.CredentialID,
		handle:         s.handle,
		publicKey:      data.AttData.CredentialPublicKey,
		signCount:      data.Counter,
		userVerified:   userVerified,
		backupEligible: data.Flags.HasBackupEligible(),
		backedUp:       data.Flags.HasBackupState(),
		aaguid:         [16]byte(data.AttData.AAGUID),
		format:         object.Format,
		transports:     cleanTransports(parsed.Response.Transports),
	}, userVerified, nil
}

// checkPolicy judges again what the browser was only asked for.
func (f *Factor) checkPolicy(parsed *protocol.ParsedCredentialCreationData) error {
	object := &parsed.Response.AttestationObject
	data := &object.AuthData.AttData
	switch {
	case len(parsed.Raw.AttestationResponse.AttestationObject) > maxAttestationObject:
		return factor.Reject(reasonTooLarge)
	case len(data.AAGUID) != 16:
		return factor.Reject(reasonMalformed)
	case len(data.CredentialID) < minCredentialID || len(data.CredentialID) > maxCredentialID:
		return factor.Reject(reasonCredentialID)
	case !bytes.Equal(data.CredentialID, parsed.RawID):
		return factor.Reject(reasonMalformed)
	case f.config.AuthenticatorAttachment != AttachmentAny &&
		string(parsed.AuthenticatorAttachment) != string(f.config.AuthenticatorAttachment):
		return factor.Reject(reasonAttachment)
	case object.Format == string(protocol.AttestationFormatNone) &&
		(f.config.Attestation == AttestationDirect || f.config.Attestation == AttestationEnterprise):
		return factor.Reject(reasonAttestation)
	}
	return nil
}

// cleanTransports keeps what may be a transport name, known or not: they are
// hints, sent back to the client as they came (section 5.2.1.1).
func cleanTransports(in []protocol.AuthenticatorTransport) []string {
	var out []string
	for _, t := range in {
		name := string(t)
		if len(out) < maxTransports && isToken(name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func isToken(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxTransportLength
}

func evidenceOf(userVerified bool) factor.Evidence {
	return factor.Evidence{
		Category:          factor.Possession,
		UserVerified:      userVerified,
		PhishingResistant: true,
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}
