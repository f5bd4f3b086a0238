package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// What the QR code says is read off the screen, in both colour schemes, and is
// what the authenticator app then has.
func TestQ06_QRCodeOnScreen(t *testing.T) {
	for _, dark := range []bool{false, true} {
		name := map[bool]string{false: "light", true: "dark"}[dark]
		t.Run(name, func(t *testing.T) {
			p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "nina+"+name)
			p.Dark(dark)
			link := p.beginTOTP("")
			uri := testenv.ReadQR(t, p.Screenshot())
			assert.Equal(t, link, uri, "the link says the same")
			assert.True(t, strings.HasPrefix(uri, "otpauth://totp/go-mfa%20demo:nina%2B"+name+"?"), "issuer and account")
			p.phone = testenv.NewOathtool(t, uri)
			require.Equal(t, 200, p.confirmTOTP(p.newCode()))
			p.signOut()
			p.givePassword()
			require.Equal(t, 200, p.verifyCode("totp", p.newCode()))
			p.at("/account")
		})
	}
}

func TestQ06_WithoutJavaScript(t *testing.T) {
	d := testenv.StartDemo(t, testenv.Options{})
	p := &person{Page: testenv.NewPage(t, d.Origin), t: t, d: d, name: "oscar"}
	p.Scripts(false)
	p.Open("/signup")
	p.Fill(`input[name=username]`, p.name)
	p.Fill(`input[name=password]`, password)
	p.Follow(`form[action="/signup"] button`)

	p.beginTOTP("Phone")
	p.phone = testenv.NewOathtool(t, p.Texts("#secret")[0])
	require.Equal(t, 422, p.confirmTOTP(p.wrongCode()))
	assert.False(t, p.Has("#secret"), "the secret is shown once")
	require.Equal(t, 200, p.confirmTOTP(p.newCode()))
	p.at("/mfa/recovery-codes")
	p.Follow("#codes-begin button")
	p.codes = p.Texts("#codes li")
	assert.True(t, p.Attribute("#codes-tools", "hidden") == "" && p.Has("#codes-tools[hidden]"), "buttons that need a script are not there")
	p.Follow("#codes-confirm button")

	p.signOut()
	p.givePassword()
	assert.Equal(t, 200, p.verifyCode("totp", p.newCode()))
	p.at("/account")
	p.signOut()
	p.givePassword()
	assert.Equal(t, 200, p.verifyCode("lookup_secret", p.takeCode()))
	p.at("/account")

	p.Open("/mfa/enroll/webauthn")
	assert.Contains(t, p.Text("main"), "Security keys need JavaScript")
	p.Open("/mfa/")
	p.rename(totpItem, "Tablet")
	p.remove(totpItem)
	p.Open("/account")
	assert.Equal(t, "aal1", p.Text("#highest"))
}

func TestQ06_KeyboardOnly(t *testing.T) {
	p := signedUp(t, testenv.StartDemo(t, testenv.Options{}), "peggy")
	p.Open("/mfa/enroll/totp")
	p.Tab("#name", 10)
	p.Type("Phone")
	require.Equal(t, 200, p.Enter())
	p.phone = testenv.NewOathtool(t, p.Attribute("#otpauth", "href"))
	p.Tab("#code", 10)
	p.Type(p.newCode())
	require.Equal(t, 200, p.Enter())
	p.at("/mfa/recovery-codes")
	p.signOut()

	p.givePassword()
	p.See("#code:focus") // by itself
	testenv.Eval[any](p.Page, `(document.activeElement.blur(), null)`)
	p.Tab("#code", 10)
	p.Type(p.newCode())
	require.Equal(t, 200, p.Enter())
	p.at("/account")
}

// The guard that the other tests rely on.
func TestProblemsOfAPageAreNoticed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/throws.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(`console.error("seen"); throw new Error("thrown")`))
		case "/conflict":
			w.WriteHeader(http.StatusConflict)
		default:
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'")
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(`<!doctype html><title>x</title><script src="/throws.js"></script><script>1</script><p style="color:red">x</p><img src="/missing.png">`))
		}
	}))
	t.Cleanup(server.Close)
	p := testenv.NewPage(t, server.URL)
	p.Open("/")
	assert.Equal(t, 409, testenv.Eval[int](p, `fetch("/conflict").then((r) => r.status)`))
	found := strings.Join(p.TakeProblems(), "\n")
	for _, want := range []string{"uncaught: Uncaught Error: thrown", "console.error", "script-src 'self'", "style-src", "img-src"} {
		assert.Contains(t, found, want)
	}
	assert.NotContains(t, found, "/conflict", "the test has provoked it")
}
