package browser

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// The second click of a double click does not give the code once more.
func TestQ06_DoubleClickVerifiesOnce(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "tess")
	p.enrollTOTP("Phone")
	p.signOut()
	p.givePassword()
	p.Fill("#code", p.newCode())
	p.Latency(time.Second / 2) // the second click is before the first answer
	require.Equal(t, 200, p.FollowTwice("#verify button"))
	p.at("/account")
	assert.False(t, p.Has("[role=alert]"))
	assert.Equal(t, "aal2", p.Text("#aal"))
}

// A page that was opened before its session ended is good for the next one.
func TestQ06_SignedInAgainInAnotherTab(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "victor")
	p.enrollTOTP("Phone")
	p.signOut()
	p.givePassword()
	post := func(path, body string) int {
		return testenv.Eval[int](p.Page, `fetch("`+path+`", {
			method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(`+body+`),
		}).then((r) => r.status)`)
	}
	require.Equal(t, 204, post("/logout", `{}`))
	require.Equal(t, 200, post("/login", `{ username: "victor", password: "`+password+`" }`))
	require.Equal(t, 200, p.verifyCode("totp", p.newCode()))
	p.at("/account")
	assert.Equal(t, "aal2", p.Text("#aal"))
}

func TestQ06_NameThatCannotBeSeen(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "wendy")
	p.key = p.SecurityKey()
	p.Open("/mfa/enroll/webauthn")
	testenv.Eval[string](p.Page, `document.getElementById("name").value = "Blue\u200dkey"`)
	p.Click("#webauthn-enroll")
	p.See("#webauthn-error")
	invalid := p.Attribute("form[data-webauthn=enroll]", "data-invalid")
	require.NotEmpty(t, invalid)
	assert.Equal(t, invalid, p.Text("#webauthn-error"))
	problems := p.TakeProblems() // the refusal that was asked for
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "status of 400")
	assert.Empty(t, p.key.Credentials())

	p.enrollKey("Blue key")
	assert.Len(t, p.key.Credentials(), 1)
}
