package webauthnfactor

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/wire"
)

// Method is the AMR name of this factor.
const Method = "webauthn"

// Limits on what a client sends, in bytes. The first is that of the HTTP API;
// the second bounds the work of verifying an attestation statement, of which
// the largest real ones (TPM, enterprise chains) are below 8 KiB.
const (
	maxResponse          = 64 << 10
	maxAttestationObject = 16 << 10
)

var _ factor.Factor = (*Factor)(nil)

// Info implements [factor.Factor].
func (f *Factor) Info() factor.Info {
	return factor.Info{Method: Method, Category: factor.Possession}
}

// Describe implements [factor.Factor]. It returns
//   - aaguid: the authenticator's model as the client gave it, in the form of
//     a UUID; all zero if it was withheld
//   - attestation_format: "none" if there was no statement
//   - transports: how the authenticator can be reached
//   - backup_eligible: whether the key can be synced
//   - backed_up: whether it was at its last use
//   - user_verified: whether its enrolment verified the user
//
// and nothing if the credential is unreadable.
func (f *Factor) Describe(c factor.Credential) map[string]any {
	k, err := decodeKey(c.Data)
	if err != nil {
		return map[string]any{}
	}
	transports := k.transports
	if transports == nil {
		transports = []string{}
	}
	return map[string]any{
		"aaguid":             formatAAGUID(k.aaguid),
		"attestation_format": k.format,
		"transports":         transports,
		"backup_eligible":    k.backupEligible,
		"backed_up":          k.backedUp,
		"user_verified":      k.userVerified,
	}
}

// CredentialKey returns the key under which the credential that a response
// claims to come from is stored. It verifies nothing.
func (f *Factor) CredentialKey(response []byte) (string, error) {
	if len(response) > maxResponse {
		return "", factor.Reject(reasonTooLarge)
	}
	var v struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(response, &v) != nil {
		return "", factor.Reject(reasonMalformed)
	}
	id, err := base64.RawURLEncoding.DecodeString(v.ID)
	if err != nil || len(id) < minCredentialID || len(id) > maxCredentialID {
		return "", factor.Reject(reasonMalformed)
	}
	return credentialKey(f.config.RPID, id), nil
}

// credentialKey makes a credential id unique over all users of an RP ID, in
// less than 64 ASCII bytes.
func credentialKey(rpID string, id []byte) string {
	b := make([]byte, 0, 128)
	b = wire.AppendString(b, rpID)
	b = wire.AppendString(b, id)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func formatAAGUID(a [16]byte) string {
	h := hex.EncodeToString(a[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// findKey returns the credential with the given credential id, or a negative
// index. Other credentials are read as far as their ids only.
func findKey(credentials []factor.Credential, id []byte) (int, key, error) {
	for i := range credentials {
		have, err := decodeKeyID(credentials[i].Data)
		if err != nil {
			return -1, key{}, err
		}
		if bytes.Equal(have, id) {
			k, err := decodeKey(credentials[i].Data)
			return i, k, err
		}
	}
	return -1, key{}, nil
}
