package stores

import (
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/mfatest"
)

// person is a user and what the user has at hand.
type person struct {
	name  string
	app   *mfatest.TOTP
	appID string
	codes []string
	key   *mfatest.Authenticator
	keyID string
}

func newPerson() *person { return &person{name: "user-" + rand.Text()} }

// signIn begins a session with the password at the i-th party and returns its
// state.
func (c *crowd) signIn(t *testing.T, i int, p *person) []byte {
	t.Helper()
	return c.must(t, i, order{Op: "start", User: p.name}).State
}

// enrol begins an enrolment at the i-th party and ends it at the next.
func (c *crowd) enrol(t *testing.T, i int, state []byte, method string, answer func(prompt json.RawMessage) []byte) report {
	t.Helper()
	begun := c.must(t, i, order{Op: "begin enrolment", State: state, Method: method})
	return c.must(t, i+1, order{Op: "finish enrolment", State: state, Ceremony: begun.Ceremony, Response: answer(begun.Prompt)})
}

// enrolApp gives a person an authenticator app whose next code is new.
func (c *crowd) enrolApp(t *testing.T, i int, p *person, state []byte) (next []byte) {
	t.Helper()
	r := c.enrol(t, i, state, "totp", func(prompt json.RawMessage) []byte {
		p.app = mfatest.NewTOTP(t, prompt)
		return []byte(p.app.Code(c.now))
	})
	p.appID = r.Credential
	c.wait(p.app.Period())
	return r.State
}

// enrolKey gives a person a key without a counter.
func (c *crowd) enrolKey(t *testing.T, i int, p *person, state []byte) (next []byte) {
	t.Helper()
	p.key = mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin)
	r := c.enrol(t, i, state, "webauthn", func(prompt json.RawMessage) []byte { return p.key.Register(t, prompt) })
	p.keyID = r.Credential
	return r.State
}

// enrolCodes gives a person a new set of recovery codes.
func (c *crowd) enrolCodes(t *testing.T, i int, p *person, state []byte) {
	t.Helper()
	c.enrol(t, i, state, "lookup_secret", func(prompt json.RawMessage) []byte {
		var shown struct{ Codes []string }
		require.NoError(t, json.Unmarshal(prompt, &shown))
		p.codes = shown.Codes
		return []byte("saved")
	})
}

// equipped returns a person with an app and recovery codes.
func (c *crowd) equipped(t *testing.T) *person {
	t.Helper()
	p := newPerson()
	state := c.enrolApp(t, 0, p, c.signIn(t, 0, p))
	c.enrolCodes(t, 1, p, state)
	return p
}

// code is an order that gives a code at once.
func code(state []byte, method, code string) order {
	return order{Op: "verify", State: state, Method: method, Response: []byte(code)}
}

// atAAL2 returns the state of a session that has used the key, too.
func (c *crowd) atAAL2(t *testing.T, i int, p *person) []byte {
	t.Helper()
	state := c.signIn(t, i, p)
	begun := c.must(t, i, order{Op: "begin verification", State: state, Method: "webauthn"})
	return c.must(t, i, order{
		Op: "finish verification", State: state, Ceremony: begun.Ceremony, Response: p.key.Assert(t, begun.Prompt),
	}).State
}

// level is what a session is worth at the i-th party.
func (c *crowd) level(t *testing.T, i int, state []byte) string {
	t.Helper()
	return c.must(t, i, order{Op: "status", State: state}).AAL
}

// halfMinute is the life of a TOTP code.
const halfMinute = 30 * time.Second

// sharedKey is an authenticator that has one credential id for everybody, as
// only a dishonest one has.
type sharedKey struct {
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

func newSharedKey() sharedKey {
	return sharedKey{virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
}

func (k sharedKey) register(t *testing.T, prompt json.RawMessage) []byte {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(prompt))
	require.NoError(t, err)
	rp := virtualwebauthn.RelyingParty{ID: mfatest.RPID, Name: mfatest.RPID, Origin: mfatest.Origin}
	return []byte(virtualwebauthn.CreateAttestationResponse(rp, k.device, k.key, *options))
}
