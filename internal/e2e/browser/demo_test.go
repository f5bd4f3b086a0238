package browser

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// The demo as it is started by hand, killed in between.
func TestDemoAsAProgram(t *testing.T) {
	database := filepath.Join(t.TempDir(), "webapp.db")
	program := testenv.StartProgram(t, demo, database, "localhost:0")
	page := testenv.NewPage(t, program.Origin)
	page.Open("/signup")
	page.Fill(`input[name=username]`, "quentin")
	page.Fill(`input[name=password]`, password)
	page.Follow(`form[action="/signup"] button`)
	page.Open("/mfa/enroll/totp")
	page.Follow("#totp-begin button")
	phone := testenv.NewOathtool(t, page.Attribute("#otpauth", "href"))
	// The clock is the real one: the code of the step before leaves this
	// step's for signing in.
	page.Fill("#code", phone.Code(t, time.Now().Add(-30*time.Second)))
	require.Equal(t, 200, page.Follow("#totp-confirm button"))

	program.Kill()
	program = testenv.StartProgram(t, demo, database, program.Addr())
	page.Open("/account")
	assert.Equal(t, "quentin", page.Text("h1"))
	page.Follow(`form[action="/logout"] button`)
	page.Fill(`input[name=username]`, "quentin")
	page.Fill(`input[name=password]`, password)
	page.Follow(`form[action="/login"] button`)
	page.Fill("#code", phone.Code(t, time.Now()))
	require.Equal(t, 200, page.Follow("#verify button"))
	assert.Equal(t, "aal2", page.Text("#aal"))
	program.Stop()
}
