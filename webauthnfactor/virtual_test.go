package webauthnfactor

import (
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

// The whole way with an authenticator that somebody else wrote.
func TestVirtualAuthenticator(t *testing.T) {
	f := newFactor(t, nil)
	rp := virtualwebauthn.RelyingParty{ID: testRPID, Name: "Example", Origin: testOrigin}
	for _, kind := range []virtualwebauthn.KeyType{virtualwebauthn.KeyTypeEC2, virtualwebauthn.KeyTypeRSA} {
		for _, verified := range []bool{false, true} {
			auth := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{
				UserNotVerified: !verified, BackupEligible: true,
				Transports: []virtualwebauthn.Transport{virtualwebauthn.TransportHybrid},
			})
			passkey := virtualwebauthn.NewCredential(kind)

			step := beginEnroll(t, f)
			creation, err := virtualwebauthn.ParseAttestationOptions(string(encodeJSON(t, step.Prompt)))
			require.NoError(t, err)
			e, err := finishEnroll(f, step, []byte(virtualwebauthn.CreateAttestationResponse(rp, auth, passkey, *creation)))
			require.NoError(t, err)
			require.Equal(t, verified, e.Evidence.UserVerified)
			c := stored(e.Credential)
			require.Equal(t, []string{"hybrid"}, f.Describe(c)["transports"])
			require.Equal(t, "packed", f.Describe(c)["attestation_format"])

			auth.Options.UserHandle = []byte(creation.UserID)
			auth.Options.BackupState = true
			passkey.Counter = 7
			auth.AddCredential(passkey)
			step = beginVerify(t, f, c)
			options, err := virtualwebauthn.ParseAssertionOptions(string(encodeJSON(t, step.Prompt)))
			require.NoError(t, err)
			require.NotNil(t, auth.FindAllowedCredential(*options))
			response := []byte(virtualwebauthn.CreateAssertionResponse(rp, auth, passkey, *options))
			result, err := finishVerify(f, step, response, c)
			require.NoError(t, err)
			require.Equal(t, factor.Evidence{
				Category: factor.Possession, UserVerified: verified, PhishingResistant: true,
			}, result.Evidence)
			require.Equal(t, true, f.Describe(result.Credential)["backed_up"])

			rp := rp
			rp.Origin = "https://evil.example.com"
			_, err = finishVerify(f, step, []byte(virtualwebauthn.CreateAssertionResponse(rp, auth, passkey, *options)), c)
			requireRejected(t, err, reasonOrigin)
		}
	}
}
