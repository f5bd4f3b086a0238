package browser

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
	"github.com/go-mfa/mfa/otpdelivery/twilio"
)

// reachable returns a person who has just signed up with addresses, and is
// asked for a code.
func reachable(t *testing.T, d *testenv.Demo, name string) *person {
	t.Helper()
	p := &person{Page: testenv.NewPage(t, d.Origin), t: t, d: d, name: name}
	p.signUpWith(name+"@example.com", "+1 555 555 0100")
	return p
}

func (p *person) signUpWith(email, phone string) {
	p.t.Helper()
	p.Open("/signup")
	p.Fill(`input[name=username]`, p.name)
	p.Fill(`input[name=password]`, password)
	p.Fill(`input[name=email]`, email)
	p.Fill(`input[name=phone]`, phone)
	require.Equal(p.t, 200, p.Follow(`form[action="/signup"] button`))
	p.at("/mfa/verify?methods=email%2Csms&return_to=%2Faccount")
}

// askFor has a code sent, on the verify page.
func (p *person) askFor(method string) {
	p.t.Helper()
	p.choose(method)
	require.Equal(p.t, 200, p.Follow("#send button"))
}

// give types a code that was sent.
func (p *person) give(code string) int {
	p.t.Helper()
	p.Fill("#code", code)
	return p.Follow("#verify button")
}

// wrongFor returns a code of the same length that is another.
func wrongFor(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

func TestQ06_CodesThatAreSent(t *testing.T) {
	d := testenv.StartDemo(t, testenv.Options{Dev: true})
	p := reachable(t, d, "quinn")

	// A code to an address that the app knows.
	p.Open("/account")
	require.Contains(t, p.Path(), "/mfa/verify", "nothing before the code")
	p.askFor("email")
	assert.Equal(t, "q•••@e•••.com", p.Text("#to"))
	m := d.Outbox(t, 1)[0]
	assert.Equal(t, []string{"quinn@example.com", "email", "verify"}, []string{m.To, m.Channel, m.Purpose})

	// The mail is read in the same tab; nothing is sent again by coming back.
	asked := p.Path()
	p.Open("/outbox")
	require.Equal(t, 200, p.Open(asked), "as the way back does where the browser has dropped the page")
	assert.Equal(t, "q•••@e•••.com", p.Text("#to"))
	require.Equal(t, 200, p.Reload())
	assert.Equal(t, "q•••@e•••.com", p.Text("#to"))
	require.Equal(t, 422, p.give(wrongFor(m.Code)))
	require.Equal(t, 429, p.Follow("#resend button"), "not at once")
	d.Clock.Advance(31 * time.Second)
	require.Equal(t, 200, p.Follow("#resend button"))
	again := d.Outbox(t, 2)[0]
	require.Equal(t, 422, p.give(m.Code), "the older one is dead")
	require.Equal(t, 200, p.give(again.Code))
	p.at("/account")
	assert.Equal(t, "aal2", p.Text("#aal"))

	// Another address and a number are enrolled.
	p.Open("/mfa/")
	p.Follow("#add-email")
	p.Fill("#address", "quinn@work.example")
	require.Equal(t, 200, p.Follow("#email-begin button"))
	m = d.Outbox(t, 3)[0]
	assert.Equal(t, []string{"quinn@work.example", "enroll"}, []string{m.To, m.Purpose})
	p.Fill("#code", m.Code)
	require.Equal(t, 200, p.Follow("#email-confirm button"))
	p.skipCodes()
	assert.Contains(t, p.Text("main"), "q•••@w•••.example")
	assert.NotContains(t, p.Text("main"), "quinn@work.example")
	assert.Equal(t, []string{"quinn@example.com", "enrolled"}, []string{d.Outbox(t, 4)[0].To, d.Outbox(t, 4)[0].Purpose}, "a notice")
	p.Open("/mfa/enroll/sms")
	p.Fill("#address", "0555 5550100")
	require.Equal(t, 400, p.Follow("#sms-begin button"), "no country")
	p.TakeProblems() // the 400 that was asked for
	p.Fill("#address", "+1 (555) 555-0199")
	require.Equal(t, 200, p.Follow("#sms-begin button"))
	m = d.Outbox(t, 5)[0]
	assert.Equal(t, []string{"+15555550199", "sms", "enroll"}, []string{m.To, m.Channel, m.Purpose})
	p.Fill("#code", m.Code)
	require.Equal(t, 200, p.Follow("#sms-confirm button"))

	// What is enrolled is asked for, and is enough.
	p.signOut()
	p.givePassword()
	p.askFor("sms")
	assert.Equal(t, "••• 99", p.Text("#to"))
	require.Equal(t, 200, p.give(d.Outbox(t, 7)[0].Code))
	p.at("/account")
}

// Whoever has set up nothing sets up an authenticator while signing in, with a
// code to one of the addresses that the app knows, and is asked for it from
// then on. All of it by pages alone.
func TestQ06_AuthenticatorAfterACode(t *testing.T) {
	d := testenv.StartDemo(t, testenv.Options{Dev: true})
	p := &person{Page: testenv.NewPage(t, d.Origin), t: t, d: d, name: "ruth"}
	p.Scripts(false)
	p.signUpWith("ruth@example.com", "+15555550100")
	p.Follow(`#setups a[data-setup="totp"]`)
	assert.Equal(t, "After this you set up: Authenticator app.", p.Text("#setup"))
	p.askFor("sms")
	require.Equal(t, 200, p.give(d.Outbox(t, 1)[0].Code))
	p.at("/mfa/enroll/totp?return_to=%2Faccount")
	require.Equal(t, 200, p.Follow("#totp-begin button"))
	p.phone = testenv.NewOathtool(t, p.Attribute("#otpauth", "href"))
	require.Equal(t, 200, p.confirmTOTP(p.newCode()))
	p.skipCodes()

	p.signOut()
	p.givePassword()
	assert.True(t, p.Has(`#verify[data-method="totp"]`), "the authenticator is asked for first")
	require.Equal(t, 200, p.verifyCode("totp", p.newCode()))
	p.at("/account")
}

func TestQ06_SignInByCodeAndLink(t *testing.T) {
	d := testenv.StartDemo(t, testenv.Options{Dev: true})
	p := reachable(t, d, "sam")
	p.askFor("email")
	require.Equal(t, 200, p.give(d.Outbox(t, 1)[0].Code))
	p.signOut()

	p.Follow(`a[href^="/mfa/signin"]`)
	p.Fill("#username", "sam")
	require.Equal(t, 200, p.Follow(`#signin button[value="email"]`))
	m := d.Outbox(t, 2)[0]
	assert.Equal(t, []string{"sam@example.com", "sign_in"}, []string{m.To, m.Purpose})
	p.Fill("#code", wrongFor(m.Code))
	require.Equal(t, 422, p.Follow("#signin-code button"))
	p.Fill("#code", m.Code)
	require.Equal(t, 200, p.Follow("#signin-code button"))
	require.Contains(t, p.Path(), "/mfa/verify", "a second factor is due, and the same inbox is none")
	assert.False(t, p.Has(`a[data-method="email"]`))
	p.askFor("sms")
	require.Equal(t, 200, p.give(d.Outbox(t, 3)[0].Code))
	p.at("/account")
	assert.Equal(t, "aal2", p.Text("#aal"))
	p.signOut()

	// The link, which scanners have opened before, in the browser that began.
	p.Open("/mfa/signin?return_to=/account")
	p.Fill("#username", "sam")
	p.Follow(`#signin button[value="email"]`)
	link := pathOf(t, d.Outbox(t, 4)[0].Link)
	scan(t, d.Origin+link)
	elsewhere := testenv.NewPage(t, d.Origin)
	elsewhere.Open(link)
	elsewhere.Follow("#link button")
	assert.Contains(t, elsewhere.Text("main"), "type the code from the message")
	p.Open(link)
	require.Equal(t, 200, p.Follow("#link button"))
	require.Contains(t, p.Path(), "/mfa/verify")
	p.askFor("sms")
	require.Equal(t, 200, p.give(d.Outbox(t, 5)[0].Code))
	p.at("/account")

	// A name that nobody has looks the same, and no message is sent.
	p.signOut()
	p.Open("/mfa/signin")
	p.Fill("#username", "nobody")
	require.Equal(t, 200, p.Follow(`#signin button[value="email"]`))
	assert.Contains(t, p.Text("main"), "We have sent a code, if that name can sign in this way.")
	p.Fill("#code", "123456")
	require.Equal(t, 422, p.Follow("#signin-code button"))
	p.TakeProblems() // the 422 that was asked for
	p.Open("/mfa/signin")
	p.Fill("#username", "sam")
	require.Equal(t, 200, p.Follow(`#signin button[value="email"]`))
	all := d.Outbox(t, 6)
	require.Len(t, all, 6, "what comes after nobody's is here, and nobody's is not")
	assert.Equal(t, "sign_in", all[0].Purpose)
}

func pathOf(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	require.NoError(t, err)
	return u.Path
}

// scan opens a link twenty times, as programs do that read mail.
func scan(t *testing.T, link string) {
	t.Helper()
	for i := range 20 {
		method := []string{http.MethodGet, http.MethodHead}[i%2]
		r, err := http.NewRequestWithContext(t.Context(), method, link, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
}

// F09, F10: codes and links that went through a mail server, with TLS and a
// login, and through a provider of SMS that fails at first.
func TestQ06_RealMailAndSMS(t *testing.T) {
	server, provider := testenv.StartMailServer(t), testenv.StartSMSProvider(t)
	mails, err := smtpsender.New(server.Config)
	require.NoError(t, err)
	messages, err := twilio.New(provider.Config)
	require.NoError(t, err)
	d := testenv.StartDemo(t, testenv.Options{Dev: true, Sender: otpdelivery.SenderFunc(func(ctx context.Context, m otpdelivery.Message) error {
		if m.Channel == otpdelivery.SMS {
			return messages.Send(ctx, m)
		}
		return mails.Send(ctx, m)
	})})
	p := &person{Page: testenv.NewPage(t, d.Origin), t: t, d: d, name: "tess"}
	p.signUpWith("tess@example.com", "+15555550100")
	p.askFor("email")
	m := server.Next()
	assert.Equal(t, "tess@example.com", m.To)
	code := regexp.MustCompile(`(?m)^[0-9]{6}\r?$`).FindString(m.Text)
	require.NotEmpty(t, code, m.Text)
	assert.Contains(t, m.HTML, code[:6])
	require.Equal(t, 200, p.give(code[:6]))
	p.at("/account")

	p.signOut()
	p.Open("/mfa/signin?return_to=/account")
	p.Fill("#username", "tess")
	p.Follow(`#signin button[value="email"]`)
	href := regexp.MustCompile(`href="([^"]*)"`).FindStringSubmatch(server.Next().HTML)
	require.NotNil(t, href)
	link := pathOf(t, html.UnescapeString(href[1]))
	scan(t, d.Origin+link)
	p.Open(link)
	require.Equal(t, 200, p.Follow("#link button"))

	provider.Trouble(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, `{"code":20429,"status":429}`, http.StatusTooManyRequests)
	})
	provider.Trouble(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusBadGateway) })
	provider.Trouble(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	p.askFor("sms")
	sms := provider.Next()
	assert.Equal(t, "+15555550100", sms.To)
	last := regexp.MustCompile(`\n@localhost #([0-9]{6})$`).FindStringSubmatch(sms.Text)
	require.NotNil(t, last, sms.Text)
	require.Equal(t, 200, p.give(last[1]))
	p.at("/account")
	assert.Equal(t, "aal2", p.Text("#aal"))
}
