package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

const password = "correct horse battery staple"

// person uses the demo in a browser of their own.
type person struct {
	*testenv.Page
	t    *testing.T
	d    *testenv.Demo
	name string

	phone *testenv.Oathtool // the authenticator app, once there is one
	key   *testenv.Authenticator
	codes []string // recovery codes not used yet
}

// signedUp returns a person who has just signed up.
func signedUp(t *testing.T, d *testenv.Demo, name string) *person {
	t.Helper()
	p := &person{Page: testenv.NewPage(t, d.Origin), t: t, d: d, name: name}
	require.Equal(t, 200, p.Open("/account"))
	require.Equal(t, "/login?return_to=%2Faccount", p.Path())
	p.Follow(`a[href^="/signup"]`)
	p.Fill(`input[name=username]`, name)
	p.Fill(`input[name=password]`, password)
	require.Equal(t, 200, p.Follow(`form[action="/signup"] button`))
	p.at("/account")
	require.Equal(t, "aal1", p.Text("#aal"))
	return p
}

// at checks which page is shown.
func (p *person) at(path string) {
	p.t.Helper()
	require.Equal(p.t, path, p.Path())
}

// newCode waits until the authenticator app shows a new code, and returns it.
func (p *person) newCode() string {
	p.t.Helper()
	return p.phone.Code(p.t, p.d.Clock.Advance(30*time.Second))
}

// wrongCode returns a code that the app does not show and has not shown for
// some time.
func (p *person) wrongCode() string {
	p.t.Helper()
	return p.phone.Code(p.t, p.d.Clock.Now().Add(-24*time.Hour))
}

// beginTOTP goes to where the QR code of a new authenticator is shown, and
// returns the URI of its link.
func (p *person) beginTOTP(name string) (uri string) {
	p.t.Helper()
	p.Open("/mfa/")
	p.Follow("#add-totp")
	if name != "" {
		p.Fill("#name", name)
	}
	require.Equal(p.t, 200, p.Follow("#totp-begin button"))
	return p.Attribute("#otpauth", "href")
}

// confirmTOTP gives the code of a new authenticator.
func (p *person) confirmTOTP(code string) int {
	p.t.Helper()
	p.Fill("#code", code)
	return p.Follow("#totp-confirm button")
}

// enrollTOTP adds an authenticator app. Recovery codes are offered after the
// first; they are turned down.
func (p *person) enrollTOTP(name string) {
	p.t.Helper()
	p.phone = testenv.NewOathtool(p.t, p.beginTOTP(name))
	require.Equal(p.t, 200, p.confirmTOTP(p.newCode()))
	p.skipCodes()
}

func (p *person) skipCodes() {
	p.t.Helper()
	if p.Has("#codes-skip") {
		p.Follow("#codes-skip")
	}
}

// enrollKey adds the key that is plugged in.
func (p *person) enrollKey(name string) {
	p.t.Helper()
	p.Open("/mfa/")
	p.Follow("#add-webauthn")
	p.Fill("#name", name)
	require.Equal(p.t, 200, p.Follow("#webauthn-enroll"))
	p.skipCodes()
}

// createCodes makes recovery codes and confirms that they are saved.
func (p *person) createCodes() {
	p.t.Helper()
	p.Open("/mfa/")
	p.Follow("#create-codes")
	require.Equal(p.t, 200, p.Follow("#codes-begin button"))
	p.codes = p.Texts("#codes li")
	require.Len(p.t, p.codes, 12)
	require.Equal(p.t, 200, p.Follow("#codes-confirm button"))
	p.at("/mfa/?done=codes")
}

// takeCode returns a recovery code that has not been used.
func (p *person) takeCode() string {
	p.t.Helper()
	require.NotEmpty(p.t, p.codes)
	code := p.codes[0]
	p.codes = p.codes[1:]
	return code
}

// signOut signs out on the account page.
func (p *person) signOut() {
	p.t.Helper()
	p.Open("/account")
	p.Follow(`form[action="/logout"] button`)
	p.at("/login")
}

// givePassword gives name and password, and returns the path of the page that
// comes then.
func (p *person) givePassword() string {
	p.t.Helper()
	p.Open("/login")
	p.Fill(`input[name=username]`, p.name)
	p.Fill(`input[name=password]`, password)
	require.Equal(p.t, 200, p.Follow(`form[action="/login"] button`))
	return p.Path()
}

// choose picks a method on the verify page, if it is not the one offered first.
func (p *person) choose(method string) {
	p.t.Helper()
	require.True(p.t, strings.HasPrefix(p.Path(), "/mfa/verify"), p.Path())
	if other := `#others a[data-method="` + method + `"]`; p.Has(other) {
		p.Follow(other)
	}
}

// verifyCode gives a code on the verify page and returns the status of the
// page that comes then.
func (p *person) verifyCode(method, code string) int {
	p.t.Helper()
	p.choose(method)
	p.Fill("#code", code)
	return p.Follow("#verify button")
}

// verifyKey uses the key on the verify page.
func (p *person) verifyKey() {
	p.t.Helper()
	p.choose("webauthn")
	require.Equal(p.t, 200, p.Follow("#webauthn-verify"))
}

// stepUp proves the second factor once more with the authenticator app.
func (p *person) stepUp() {
	p.t.Helper()
	p.Open("/mfa/verify?method=totp&return_to=/account")
	require.Equal(p.t, 200, p.verifyCode("totp", p.newCode()))
	p.at("/account")
}
