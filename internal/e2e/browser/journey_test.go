package browser

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// The whole of it: sign up, add all three, sign out, sign in with each, be
// stepped up, fail, rename, remove.
func TestQ06_Journey(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "alice")

	p.enrollTOTP("My phone")
	p.at("/mfa/")
	p.key = p.SecurityKey()
	p.enrollKey("Blue key")
	require.Len(t, p.key.Credentials(), 1)
	p.createCodes()
	p.Open("/account")
	assert.Equal(t, "aal2", p.Text("#aal"))

	for method, prove := range map[string]func(){
		"totp":          func() { assert.Equal(t, 200, p.verifyCode("totp", p.newCode())) },
		"webauthn":      p.verifyKey,
		"lookup_secret": func() { assert.Equal(t, 200, p.verifyCode("lookup_secret", p.takeCode())) },
	} {
		p.signOut()
		p.Open("/account")
		require.Equal(t, "/login?return_to=%2Faccount", p.Path(), "signed out")
		p.Fill(`input[name=username]`, p.name)
		p.Fill(`input[name=password]`, password)
		p.Follow(`form[action="/login"] button`)
		require.Contains(t, p.Path(), "/mfa/verify", "the password alone is not enough")
		p.Open("/lax")
		require.Contains(t, p.Path(), "/mfa/verify", "not even here")
		p.Open("/account")
		prove()
		p.at("/account")
		require.Equal(t, "aal2", p.Text("#aal"), method)
	}
}

func TestL01_TransferNeedsAProofOfTheLastFiveMinutes(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "bob")
	p.enrollTOTP("")
	p.stepUp()
	transfer := func() int { return p.Follow(`form[action="/transfer"] button`) }

	assert.Equal(t, 200, transfer())
	assert.Equal(t, "You have transferred 10.", p.Text("main p"))

	p.Open("/account")
	p.d.Clock.Advance(5 * time.Minute)
	assert.Equal(t, 200, transfer(), "not older than five minutes")
	p.at("/transfer")
	p.Open("/account")
	p.d.Clock.Advance(time.Second)
	transfer()
	require.Contains(t, p.Path(), "/mfa/verify")
	assert.Equal(t, 422, p.verifyCode("totp", p.wrongCode()))
	assert.Contains(t, p.Text("#alert"), "did not work")
	assert.Equal(t, 200, p.verifyCode("totp", p.newCode()))
	p.at("/account")
	assert.Equal(t, 200, transfer())
	p.at("/transfer")
}

func TestA09_KeysOnlyTakesKeysOnly(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "carol")
	p.enrollTOTP("")
	p.stepUp()

	p.Open("/keys-only")
	require.NotEqual(t, "/keys-only", p.Path(), "TOTP is not phishing-resistant")
	require.True(t, p.Has("#needs"), "the page says what is needed")
	require.False(t, p.Has("#continue"), "and does not lead back into the gate")
	p.key = p.SecurityKey()
	p.enrollKey("Blue key")
	p.signOut()
	p.givePassword()
	p.verifyCode("totp", p.newCode())
	p.at("/account")

	p.Open("/keys-only")
	require.Contains(t, p.Path(), "/mfa/verify")
	assert.False(t, p.Has("#code"), "only what would do is offered")
	assert.Empty(t, p.Texts("#others a"))
	p.verifyKey()
	p.at("/keys-only")
}

func TestC10_ReturnToComesBack(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "dave")
	p.enrollTOTP("")
	p.signOut()

	p.Open("/lax?from=a%20link&x=1")
	require.Contains(t, p.Path(), "/login?return_to=")
	p.Fill(`input[name=username]`, p.name)
	p.Fill(`input[name=password]`, password)
	p.Follow(`form[action="/login"] button`)
	p.verifyCode("totp", p.newCode())
	p.at("/lax?from=a%20link&x=1")

	for _, evil := range []string{"https://evil.example/", "//evil.example/", `/\evil.example/`} {
		p.Open("/mfa/verify?method=totp&return_to=" + escape(evil))
		require.Equal(t, 200, p.verifyCode("totp", p.newCode()))
		p.at("/account")
	}
}
