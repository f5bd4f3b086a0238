package webauthnfactor

import (
	"crypto/subtle"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/go-mfa/mfa/factor"
)

// Why an answer is rejected: fixed words, because go-webauthn's errors carry
// the expected challenge and what the client sent.
const (
	reasonTooLarge          = "response is too large"
	reasonMalformed         = "response is malformed"
	reasonType              = "client data is of another ceremony type"
	reasonChallenge         = "challenge does not match"
	reasonOrigin            = "origin is not allowed"
	reasonCrossOrigin       = "made in a frame of another origin"
	reasonRPID              = "made for another RP ID"
	reasonUserPresence      = "user presence is missing"
	reasonUserVerification  = "user verification is required and missing"
	reasonBackupState       = "backed up although not eligible for backup"
	reasonVerify            = "response does not verify"
	reasonSignature         = "signature does not verify"
	reasonAlgorithm         = "algorithm was not asked for"
	reasonPublicKey         = "public key is not valid"
	reasonAttachment        = "authenticator attachment is not the required one"
	reasonAttestation       = "attestation statement is required and missing"
	reasonAttestationVerify = "attestation statement does not verify"
	reasonCredentialID      = "credential id has a length that is not allowed"
	reasonRegistered        = "credential is already registered"
	reasonNotAllowed        = "credential was not asked for"
	reasonNotOwned          = "credential is not one of the user's"
	reasonUserHandle        = "user handle is not the credential's"
	reasonBackupEligible    = "backup eligibility has changed"
	reasonSignCount         = "signature counter did not rise"
)

// checkClientData judges what the browser says (Web Authentication Level 3,
// sections 7.1 and 7.2, the steps on C). go-webauthn judges it again, but
// compares origins as URLs, without their paths and letter case.
func (f *Factor) checkClientData(c *protocol.CollectedClientData, ceremony protocol.CeremonyType, challenge string) error {
	switch {
	case c.Type != ceremony:
		return factor.Reject(reasonType)
	case subtle.ConstantTimeCompare([]byte(c.Challenge), []byte(challenge)) != 1:
		return factor.Reject(reasonChallenge)
	case !slices.Contains(f.config.Origins, c.Origin):
		return factor.Reject(reasonOrigin)
	case c.CrossOrigin || c.TopOrigin != "":
		return factor.Reject(reasonCrossOrigin)
	}
	return nil
}

// checkAuthData judges what the authenticator says (the steps on authData).
func (f *Factor) checkAuthData(a *protocol.AuthenticatorData, requireUserVerification bool) error {
	switch {
	case subtle.ConstantTimeCompare(a.RPIDHash, f.rpIDHash[:]) != 1:
		return factor.Reject(reasonRPID)
	case !a.Flags.HasUserPresent():
		return factor.Reject(reasonUserPresence)
	case requireUserVerification && !a.Flags.HasUserVerified():
		return factor.Reject(reasonUserVerification)
	case a.Flags.HasBackupState() && !a.Flags.HasBackupEligible():
		return factor.Reject(reasonBackupState)
	}
	return nil
}

// requirement returns what go-webauthn is told of user verification. It knows
// required and everything else.
func requirement(userVerified bool) protocol.UserVerificationRequirement {
	if userVerified {
		return protocol.VerificationRequired
	}
	return protocol.VerificationPreferred
}
