package mfa_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// webAuthnKey is one key that can be registered more than once, which no
// honest authenticator does.
type webAuthnKey struct {
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

func (k *webAuthnKey) register(t *testing.T, prompt any) []byte {
	t.Helper()
	b, err := json.Marshal(prompt)
	require.NoError(t, err)
	options, err := virtualwebauthn.ParseAttestationOptions(string(b))
	require.NoError(t, err)
	rp := virtualwebauthn.RelyingParty{ID: mfatest.RPID, Name: "x", Origin: mfatest.Origin}
	return []byte(virtualwebauthn.CreateAttestationResponse(rp, k.device, k.key, *options))
}

func TestG07_CredentialIDBelongsToOneUser(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	key := &webAuthnKey{virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
	register := func(prompt any) []byte { return key.register(t, prompt) }
	info, alice := kit.Enroll(t, kit.SignedIn(t, "alice"), mfa.EnrollOptions{Method: "webauthn"}, register)
	before, err := kit.Store.Credentials(ctx, "alice")
	require.NoError(t, err)
	for _, s := range []mfa.State{kit.SignedIn(t, "bob"), alice} {
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		_, _, err = kit.Manager.FinishEnroll(ctx, s, c.ID, register(c.Prompt))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	after, err := kit.Store.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Equal(t, before, after, "never overwritten")
	bobs, err := kit.Manager.Credentials(ctx, "bob")
	require.NoError(t, err)
	assert.Empty(t, bobs)

	_, err = kit.Manager.Remove(ctx, alice, info.ID)
	require.NoError(t, err)
	kit.Enroll(t, kit.SignedIn(t, "bob"), mfa.EnrollOptions{Method: "webauthn"}, register)
}

func TestG07_OneOfManyRegistrationsOfOneIDWins(t *testing.T) {
	kit := mfatest.New(t, nil)
	const n = 64
	key := &webAuthnKey{virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
	errs := make([]error, n)
	atOnce(t, n, func(i int) func() {
		s := kit.SignedIn(t, fmt.Sprint("user", i))
		c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		response := key.register(t, c.Prompt)
		return func() { _, _, errs[i] = kit.Manager.FinishEnroll(t.Context(), s, c.ID, response) }
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			require.ErrorIs(t, err, mfa.ErrRejected)
		}
	}
	assert.Equal(t, 1, won)
}

func TestG08_UserHandle(t *testing.T) {
	kit := mfatest.New(t, nil)
	handle := func(s mfa.State) []byte {
		c, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		b, err := json.Marshal(c.Prompt)
		require.NoError(t, err)
		var prompt struct {
			User struct {
				ID string `json:"id"`
			} `json:"user"`
		}
		require.NoError(t, json.Unmarshal(b, &prompt))
		raw, err := base64.RawURLEncoding.DecodeString(prompt.User.ID)
		require.NoError(t, err)
		return raw
	}
	key, alice := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	first := handle(alice)
	assert.Len(t, first, 64)
	assert.NotContains(t, string(first), "alice")
	_, alice = kit.EnrollKey(t, alice)
	assert.Equal(t, first, handle(alice), "stable per user")
	alice, err := kit.Manager.Remove(t.Context(), alice, key.CredentialID)
	require.NoError(t, err)
	assert.Equal(t, first, handle(alice), "while there is a key")
	_, bob := kit.EnrollKey(t, kit.SignedIn(t, "bob"))
	assert.False(t, bytes.Equal(first, handle(bob)), "unique")
}

func TestG09_OwnKeysAreExcludedAndBounded(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.Limits.Credentials = 4 })
	ctx := t.Context()
	_, s := kit.EnrollKey(t, kit.SignedIn(t, "alice"))
	kit.EnrollKey(t, kit.SignedIn(t, "bob"))
	for own := 1; own < 3; own++ {
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		b, err := json.Marshal(c.Prompt)
		require.NoError(t, err)
		options, err := virtualwebauthn.ParseAttestationOptions(string(b))
		require.NoError(t, err)
		assert.Len(t, options.ExcludeCredentials, own)
		_, s = kit.EnrollKey(t, s)
	}

	const n = 64
	var mu sync.Mutex
	won := 0
	atOnce(t, n, func(int) func() {
		c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
		require.NoError(t, err)
		response := mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin).Register(t, c.Prompt)
		return func() {
			_, _, err := kit.Manager.FinishEnroll(ctx, s, c.ID, response)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				return
			}
			assert.Contains(t, []string{"rejected", "conflict"}, mfa.ProblemFor(err).Code, err)
		}
	})
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.LessOrEqual(t, won, 1)
	assert.Len(t, infos, 3+won, "who was told so has a key, and nobody else")
	for len(infos) < 4 {
		_, s = kit.EnrollKey(t, s)
		infos = append(infos, mfa.CredentialInfo{})
	}
	_, err = kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "webauthn"})
	require.ErrorIs(t, err, mfa.ErrConflict)
	status, err := kit.Manager.Status(ctx, s)
	require.NoError(t, err)
	assert.False(t, status.Methods[0].Enrollable)
	kit.EnrollTOTP(t, s) // the limit is per method
}
