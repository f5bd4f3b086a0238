package browser

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

func escape(s string) string { return url.QueryEscape(s) }

// rename gives a credential on the overview another name.
func (p *person) rename(item, name string) {
	p.t.Helper()
	p.Click(item + " details:nth-of-type(1) summary")
	p.Fill(item+" form[data-form=rename] input[name=name]", name)
	require.Equal(p.t, 200, p.Follow(item+" form[data-form=rename] button"))
}

// remove removes a credential on the overview.
func (p *person) remove(item string) {
	p.t.Helper()
	p.Click(item + " details:nth-of-type(2) summary")
	require.Equal(p.t, 200, p.Follow(item+" form[data-form=remove] button"))
}

const (
	totpItem = "section[data-method=totp] li[data-credential]"
	keyItem  = "section[data-method=webauthn] li[data-credential]"
)

func TestE10_RecoveryCodesGoWithTheLastFactor(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "judy")
	p.Open("/mfa/")
	assert.False(t, p.Has("#create-codes"), "codes alone are no second factor")
	p.enrollTOTP("Old name")
	p.key = p.SecurityKey()
	p.enrollKey("Blue key")
	p.createCodes()
	assert.Equal(t, "12 of 12 left", p.Text("#codes-left"))
	assert.NotEmpty(t, p.Text("#notice"))

	p.rename(totpItem, "New <b>name</b>")
	assert.Equal(t, []string{"New <b>name</b>"}, p.Texts(totpItem+" h3"))

	p.remove(keyItem)
	assert.False(t, p.Has(keyItem))
	assert.Equal(t, "12 of 12 left", p.Text("#codes-left"), "a factor is left")
	p.remove(totpItem)
	assert.False(t, p.Has("#codes-left"), "the codes went with it")

	p.signOut()
	assert.Equal(t, "/account", p.givePassword(), "no second step is left to ask for")
	assert.Equal(t, "aal1", p.Text("#aal"))
}

func TestL01_ManagingNeedsAFreshProof(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "kim")
	p.enrollTOTP("Phone")
	p.stepUp()
	p.Open("/mfa/")
	p.d.Clock.Advance(15*time.Minute + time.Second)

	p.Click(totpItem + " details:nth-of-type(2) summary")
	p.Follow(totpItem + " form[data-form=remove] button")
	require.Contains(t, p.Path(), "/mfa/verify", "stale")
	require.Equal(t, 200, p.verifyCode("totp", p.newCode()))
	p.at("/mfa/")
	require.True(t, p.Has(totpItem), "nothing was removed")
	p.remove(totpItem)
	assert.False(t, p.Has(totpItem))
}

func TestE03_RecoveryCodesWorkOnceAndCountDown(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "leo")
	p.enrollTOTP("")
	p.createCodes()
	p.signOut()
	p.givePassword()
	code := p.takeCode()
	require.Equal(t, 200, p.verifyCode("lookup_secret", code))
	p.at("/account")
	p.Open("/mfa/recovery-codes")
	assert.Equal(t, "11 of 12", p.Text("#codes-left"))

	p.signOut()
	p.givePassword()
	assert.Equal(t, 422, p.verifyCode("lookup_secret", code))
	assert.Contains(t, p.Text("#alert"), "did not work")
	require.Equal(t, 200, p.verifyCode("lookup_secret", p.takeCode()))

	old := p.takeCode()
	p.createCodes()
	p.signOut()
	p.givePassword()
	assert.Equal(t, 422, p.verifyCode("lookup_secret", old), "the new set replaced the old one")
	assert.Equal(t, 200, p.verifyCode("lookup_secret", p.takeCode()))
}

func TestE07_CodesCanBeCopiedAndDownloaded(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "mia")
	p.enrollTOTP("")
	p.Open("/mfa/recovery-codes")
	p.Follow("#codes-begin button")
	codes := p.Texts("#codes li")
	p.AllowClipboard()
	p.Click("#codes-copy")
	p.See("#codes-status:not(:empty)")
	assert.Equal(t, "Copied.", p.Text("#codes-status"))
	copied := testenv.Eval[string](p.Page, `navigator.clipboard.readText()`)
	assert.Equal(t, lines(codes), copied)

	name, content := p.Download("#codes-download")
	assert.Equal(t, "recovery-codes.txt", name)
	assert.Equal(t, "go-mfa demo\n\n"+lines(codes), content)

	p.Open("/mfa/recovery-codes")
	assert.Empty(t, p.Texts("#codes li"), "they are shown only once")
	p.Open("/mfa/")
	assert.False(t, p.Has("#codes-left"), "and do not count before they are saved")
}

func lines(all []string) (text string) {
	for _, line := range all {
		text += line + "\n"
	}
	return text
}
