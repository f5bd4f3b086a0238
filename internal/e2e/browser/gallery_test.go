package browser

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// Every page, in a window as narrow as a small phone and in a wide one, has
// nothing outside of it. With MFA_SCREENSHOTS set it is also shown to people.
func TestGallery(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "rupert.a.rather.long.name.for.a.user@some.mail.example.com")
	show := p.Show
	show("account")
	p.Open("/mfa/")
	show("overview-empty")
	p.Open("/mfa/enroll/totp")
	show("enroll-totp")
	p.Follow("#totp-begin button")
	show("enroll-totp-qr")
	p.Click("details summary")
	show("enroll-totp-secret")
	p.phone = testenv.NewOathtool(t, p.Attribute("#otpauth", "href"))
	require.Equal(t, 422, p.confirmTOTP(p.wrongCode()))
	show("enroll-totp-wrong")
	require.Equal(t, 200, p.confirmTOTP(p.newCode()))
	show("recovery-codes-begin")
	p.Follow("#codes-begin button")
	show("recovery-codes")
	p.codes = p.Texts("#codes li")
	p.Follow("#codes-confirm button")
	show("overview-codes")
	p.key = p.SecurityKey()
	p.Open("/mfa/enroll/webauthn")
	show("enroll-webauthn")
	p.Click("#webauthn-enroll")
	p.See("#notice")
	p.Open("/mfa/")
	p.rename(totpItem, "A name of an authenticator that is as long as it can be: 64 char")
	p.Click(totpItem + " details:nth-of-type(1) summary")
	p.Click(keyItem + " details:nth-of-type(2) summary")
	show("overview-full")
	p.Open("/mfa/recovery-codes")
	show("recovery-codes-again")
	p.Open("/mfa/nothing-here")
	p.TakeProblems() // the 404 that was asked for
	show("error")

	p.signOut()
	show("login")
	p.Open("/signup")
	show("signup")
	p.givePassword()
	show("verify-webauthn")
	p.key.Override(testenv.Override{BogusSignature: true})
	p.Click("#webauthn-verify")
	p.See("#webauthn-error")
	show("verify-webauthn-wrong")
	p.choose("totp")
	show("verify-totp")
	for range 5 {
		require.Equal(t, 422, p.verifyCode("totp", p.wrongCode()))
	}
	show("verify-totp-wrong")
	require.Equal(t, 429, p.verifyCode("totp", p.wrongCode()))
	show("verify-throttled")
	p.choose("lookup_secret")
	p.Click("#lost-device summary")
	show("verify-recovery")
	require.Equal(t, 200, p.verifyCode("lookup_secret", p.takeCode()))
	p.d.Clock.Advance(time.Hour)
	p.Follow(`form[action="/transfer"] button`)
	show("step-up")
}

// The pages of codes that are sent.
func TestGalleryDelivery(t *testing.T) {
	d := testenv.StartDemo(t, testenv.Options{Dev: true})
	p := &person{Page: testenv.NewPage(t, d.Origin), t: t, d: d, name: "wanda"}
	show := p.Show
	p.Open("/outbox")
	show("outbox-empty")
	p.signUpWith("wanda.with.a.rather.long.name@some.mail.example.com", "+15555550100")
	show("verify-email-send")
	p.Follow(`#setups a[data-setup="totp"]`)
	show("verify-email-setup")
	p.Open("/mfa/verify?return_to=/account")
	p.askFor("email")
	show("verify-email-code")
	require.Equal(t, 429, p.Follow("#resend button"))
	show("verify-email-too-soon")
	d.Clock.Advance(time.Minute)
	p.Follow("#resend button")
	show("verify-email-resent")
	code := d.Outbox(t, 2)[0].Code
	require.Equal(t, 422, p.give(wrongFor(code)))
	show("verify-email-wrong")
	require.Equal(t, 200, p.give(code))
	show("account-addresses")
	p.Open("/mfa/enroll/email")
	show("enroll-email")
	p.Fill("#address", "wanda@work.example")
	p.Follow("#email-begin button")
	show("enroll-email-code")
	p.Fill("#code", d.Outbox(t, 3)[0].Code)
	p.Follow("#email-confirm button")
	p.skipCodes()
	p.Open("/mfa/enroll/sms")
	show("enroll-sms")
	p.Fill("#address", "0151 234")
	p.Follow("#sms-begin button")
	p.TakeProblems() // the 400 that was asked for
	show("enroll-sms-wrong")
	p.Fill("#address", "+4915123456789")
	p.Follow("#sms-begin button")
	show("enroll-sms-code")
	p.Fill("#code", d.Outbox(t, 5)[0].Code)
	p.Follow("#sms-confirm button")
	p.skipCodes()
	show("overview-addresses")
	p.Open("/outbox")
	show("outbox")

	p.signOut()
	show("login-or-code")
	p.Follow(`a[href^="/mfa/signin"]`)
	show("signin")
	p.Fill("#username", "wanda")
	p.Follow(`#signin button[value="email"]`)
	show("signin-code")
	p.Fill("#code", "000000")
	require.Equal(t, 422, p.Follow("#signin-code button"))
	show("signin-wrong")
	link := pathOf(t, d.Outbox(t, 7)[0].Link)
	p.Open(link)
	show("link")
	elsewhere := testenv.NewPage(t, d.Origin)
	elsewhere.Open(link)
	elsewhere.Follow("#link button")
	elsewhere.Show("link-elsewhere")
	p.Open(link)
	p.Follow("#link button")
	show("verify-sms-send")
}

// The page that a user meets who has to have a second factor and has none.
func TestGalleryMandatory(t *testing.T) {
	d := testenv.StartDemo(t, testenv.Options{SignIn: mfa.Requirement{AAL: mfa.AAL2}})
	p := testenv.NewPage(t, d.Origin)
	p.Open("/signup")
	p.Fill(`input[name=username]`, "sybil")
	p.Fill(`input[name=password]`, password)
	p.Follow(`form[action="/signup"] button`)
	require.Contains(t, p.Path(), "/mfa/")
	p.Show("mandatory")
	p.Open("/account")
	require.NotEqual(t, "/account", p.Path())
}
