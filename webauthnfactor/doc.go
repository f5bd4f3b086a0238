// Package webauthnfactor authenticates with WebAuthn credentials: security
// keys, and the passkeys of phones, computers and password managers. It
// follows Web Authentication Level 3; signatures and attestation statements
// are verified by go-webauthn, whose types do not appear here.
//
// It is a second factor. Signing in with a key alone is not offered.
//
// # What it checks
//
// Of every answer: its size, the ceremony type, the challenge, the origin
// (byte for byte against [Config.Origins]), that it was not made in a frame of
// another site, the hash of the RP ID, user presence, user verification where
// required, the consistency of the backup flags, and the signature. All of it
// is judged by the server's settings; no parameter of the client lowers any.
//
// Of an enrolment also: that the algorithm was asked for and the key is a
// valid one of that algorithm, the authenticator attachment where one is
// required, the presence of an attestation statement where one was asked for,
// and the length of the credential id.
//
// Of a verification also: that the credential is one of those the ceremony
// named, that the user handle, if given, is the credential's, that backup
// eligibility has not changed, and that the signature counter rose.
//
// # What it does not do
//
// It does not judge where an attestation statement comes from: certificate
// chains are not checked against roots, so AAGUID and attestation format are
// what the client says, and the evidence never claims a hardware-bound key.
// It supports no extensions, so no keys of the old U2F API with an AppID, and
// no use in cross-origin frames. It accepts origins of web sites only, not
// those of native Android apps, and not related origins.
package webauthnfactor
