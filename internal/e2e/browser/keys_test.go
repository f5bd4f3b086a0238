package browser

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
	"github.com/go-mfa/mfa/webauthnfactor"
)

// withKey returns a person with a key who has given the password only.
func withKey(t *testing.T, name string) *person {
	t.Helper()
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), name)
	p.key = p.SecurityKey()
	p.enrollKey("Blue key")
	p.signOut()
	p.givePassword()
	return p
}

// failsWithKey tries the key and checks what the page says, and that it is
// worth nothing.
func (p *person) failsWithKey(says string) {
	p.t.Helper()
	p.Click("#webauthn-verify")
	p.See("#webauthn-error")
	assert.Equal(p.t, says, p.Text("#webauthn-error"))
	assert.Equal(p.t, "webauthn-error", testenv.Eval[string](p.Page, `document.activeElement.id`), "screen readers read it")
	status := testenv.Eval[int](p.Page, `fetch("/api/account").then((r) => r.status)`)
	assert.Equal(p.t, 401, status)
}

func TestQ06_WrongKeyAnswersAreRefused(t *testing.T) {
	p := withKey(t, "erin")
	const rejected = "That key did not work. Try again."
	p.key.Override(testenv.Override{BogusSignature: true})
	p.failsWithKey(rejected)
	p.key.Override(testenv.Override{BadUP: true})
	p.failsWithKey(rejected)

	p.key.Override(testenv.Override{})
	p.verifyKey()
	p.at("/account")
	assert.Equal(t, "aal2", p.Text("#aal"))
}

// Where the user has to be verified, a browser that does not see to it gets no
// further, and leaves no trace in what is stored.
func TestQ06_UnverifiedUserIsRefused(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{UserVerification: webauthnfactor.UserVerificationRequired}), "ursula")
	p.key = p.Platform()
	p.enrollKey("Laptop")
	p.signOut()
	p.givePassword()
	credentials, sessions := p.stored(), testenv.Sessions(t, p.d.Database)
	require.Len(t, credentials, 1)

	for _, wrong := range []testenv.Override{{BadUV: true}, {BogusSignature: true}} {
		p.key.Override(wrong)
		p.failsWithKey("That key did not work. Try again.")
		assert.Equal(t, credentials, p.stored())
		assert.Equal(t, sessions, testenv.Sessions(t, p.d.Database))
	}
	p.key.Override(testenv.Override{})
	p.verifyKey()
	p.at("/account")
}

// stored returns the rows of all credentials.
func (p *person) stored() (rows []string) {
	p.t.Helper()
	testenv.Query(p.t, p.d.Database, func(r *sql.Rows) error {
		var row string
		if err := r.Scan(&row); err != nil {
			return err
		}
		rows = append(rows, row)
		return nil
	}, `SELECT id || ' ' || version || ' ' || hex(data) FROM mfa_credentials`)
	return rows
}

func TestQ06_CancelledPromptCanBeTriedAgain(t *testing.T) {
	p := withKey(t, "frank")
	const cancelled = "That was cancelled. Try again when you are ready."
	mine := p.key
	mine.Unplug()
	stranger := p.SecurityKey()
	p.failsWithKey(cancelled)

	stranger.Touched(false)
	p.Click("#webauthn-verify") // asks for a touch that never comes
	p.Follow("#cancel button")
	p.at("/login?return_to=%2Faccount")
}

// H05: a sign count that does not rise is refused.
func TestH05_CopiedKeyIsRefused(t *testing.T) {
	p := withKey(t, "grace")
	credential := p.key.Credentials()[0].CredentialID
	p.key.SetSignCount(credential, 40)
	p.verifyKey()
	p.at("/account")
	p.signOut()
	p.givePassword()
	p.key.SetSignCount(credential, 10)
	p.failsWithKey("That key did not work. Try again.")
	p.key.SetSignCount(credential, 50)
	p.verifyKey()
	p.at("/account")
}

// A07: what counts is whether this assertion verified the user, not whether
// one before did.
func TestA07_UserVerificationIsOfThisAssertion(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "heidi")
	p.key = p.Platform()
	p.enrollKey("Laptop")
	p.signOut()
	verified := func() bool {
		states := testenv.Sessions(t, p.d.Database)
		require.Len(t, states, 1)
		proved := states[0].Methods
		return proved[len(proved)-1].Evidence.UserVerified
	}

	p.givePassword()
	p.verifyKey()
	require.True(t, verified())
	p.signOut()
	p.givePassword()
	p.key.Override(testenv.Override{BadUV: true})
	p.verifyKey()
	assert.False(t, verified())
	assert.Equal(t, "aal2", p.Text("#aal"), "it is still a second factor")
}

func TestL10_TwoKeysAndTwoAuthenticators(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "ivan")
	p.enrollTOTP("Phone")
	phone := p.phone
	p.enrollTOTP("Tablet")
	tablet := p.phone
	blue := p.SecurityKey()
	p.enrollKey("Blue key")

	p.Open("/mfa/enroll/webauthn")
	p.Click("#webauthn-enroll")
	p.See("#webauthn-error")
	assert.Equal(t, "This key is on your account already.", p.Text("#webauthn-error"))

	blue.Unplug()
	green := p.SecurityKey()
	p.enrollKey("Green key")
	p.Open("/mfa/")
	assert.ElementsMatch(t, []string{"Phone", "Tablet", "Blue key", "Green key"}, p.Texts("li[data-credential] h3"))

	for _, app := range []*testenv.Oathtool{phone, tablet} {
		p.signOut()
		p.givePassword()
		p.phone = app
		p.verifyCode("totp", p.newCode())
		p.at("/account")
	}
	p.signOut()
	p.givePassword()
	p.verifyKey()
	p.at("/account")
	assert.Len(t, green.Credentials(), 1)
}
