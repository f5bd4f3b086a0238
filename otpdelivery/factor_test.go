package otpdelivery

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/factor/factortest"
)

// mailbox reads the code out of the newest message.
type mailbox struct {
	o       *outbox
	byLink  bool
	address string
}

func (b mailbox) Answer(t testing.TB, _ factor.Request, _ factor.Step) []byte {
	t.Helper()
	m := b.o.last(t)
	if b.byLink {
		return []byte(m.Fields.Link[strings.LastIndex(m.Fields.Link, ".")+1:])
	}
	return []byte(m.Fields.Code)
}

func (b mailbox) Secrets() []string { return []string{b.address} }

func TestConforms(t *testing.T) {
	const mail, number = "alice@work.example", "+1 555 555 0199"
	for name, tc := range map[string]struct {
		make          func(t testing.TB, o *outbox, change ...func(*Config)) *Factor
		address       string
		links, signIn bool
	}{
		"e-mail":            {newTestEmail, mail, false, false},
		"e-mail by link":    {newTestEmail, mail, true, false},
		"SMS":               {newTestSMS, number, false, false},
		"sign-in by e-mail": {newTestEmail, mail, false, true},
		"sign-in by link":   {newTestEmail, mail, true, true},
		"sign-in by SMS":    {newTestSMS, number, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := &outbox{}
			f := tc.make(t, o, func(c *Config) { c.Links = tc.links })
			f.cfg.SignIn = tc.signIn // without a Queue, so that messages are there at once
			factortest.Run(t, factortest.Harness{
				Factor: f, Params: map[string]string{"address": tc.address},
				NewAuthenticator: func(testing.TB) factortest.Authenticator {
					return mailbox{o, tc.links, strings.ReplaceAll(tc.address, " ", "")}
				},
			})
		})
	}
}

func request(purpose factor.Purpose, u factor.User, creds ...factor.Credential) factor.Request {
	return factor.Request{User: u, Credentials: creds, Purpose: purpose, Ceremony: "ceremony", Now: noon}
}

func credential(f *Factor, id, address string) factor.Credential {
	return factor.Credential{ID: id, UserID: "alice", Method: string(f.channel), Key: f.keyOf("alice", address), Data: encodeCredential(address)}
}

var alice = factor.User{ID: "alice", Name: "alice", Email: "alice@home.example", Phone: "+1 555 555 0100"}

// F07: codes go to addresses that are the user's, whatever the request says.
func TestF07_WhereCodesGo(t *testing.T) {
	o := &outbox{}
	plain := newTestEmail(t, o)
	contacts := newTestEmail(t, o, func(c *Config) { c.UseVerifiedContact = true })
	work, club := credential(plain, "1", "alice@work.example"), credential(plain, "2", "alice@club.example")
	club.UsedAt = noon
	nobody := factor.User{ID: "alice"}
	hostile := map[string]string{"address": "mallory@evil.example", "to": "mallory@evil.example", "email": "mallory@evil.example"}
	for name, tc := range map[string]struct {
		f      *Factor
		r      factor.Request
		params map[string]string
		want   string // empty: unusable
	}{
		"nothing":                      {plain, request(factor.PurposeVerify, alice), hostile, ""},
		"the last used":                {plain, request(factor.PurposeVerify, alice, work, club), hostile, "alice@club.example"},
		"the one that is named":        {plain, request(factor.PurposeVerify, alice, work, club), map[string]string{"credential": "1"}, "alice@work.example"},
		"one that there is not":        {plain, request(factor.PurposeVerify, alice, work, club), map[string]string{"credential": "3"}, ""},
		"the contact":                  {contacts, request(factor.PurposeVerify, alice), hostile, "alice@home.example"},
		"no contact":                   {contacts, request(factor.PurposeVerify, nobody), hostile, ""},
		"an enrolled one first":        {contacts, request(factor.PurposeVerify, alice, work), hostile, "alice@work.example"},
		"to sign in, the contact":      {plain, request(factor.PurposeSignIn, alice, work), hostile, "alice@home.example"},
		"to sign in, what there is":    {plain, request(factor.PurposeSignIn, nobody, work), hostile, "alice@work.example"},
		"to sign in, with nothing":     {plain, request(factor.PurposeSignIn, nobody), hostile, ""},
		"a contact that is no address": {contacts, request(factor.PurposeVerify, factor.User{ID: "alice", Email: "a@b\r\nBcc: x@y.example"}), hostile, ""},
	} {
		tc.r.Params = tc.params
		step, err := tc.f.BeginVerify(t.Context(), tc.r)
		if tc.want == "" {
			require.ErrorIs(t, err, factor.ErrUnusable, name)
			continue
		}
		require.NoError(t, err, name)
		require.NoError(t, step.Deliver(t.Context()))
		m := o.last(t)
		assert.Equal(t, tc.want, m.To, name)
		assert.Equal(t, noon.Add(life), m.Expires)
		assert.NotContains(t, fmt.Sprint(step.Prompt), "example.", name)
	}
	for _, m := range o.all() {
		assert.NotContains(t, m.To+m.Text+m.HTML, "evil")
	}
}

// F03: a code is void when the address that it went to is not the user's any
// more.
func TestF03_ChangedAddress(t *testing.T) {
	o := &outbox{}
	f := newTestEmail(t, o, func(c *Config) { c.UseVerifiedContact = true })
	finish := func(r, then factor.Request) error {
		t.Helper()
		step, err := f.BeginVerify(t.Context(), r)
		require.NoError(t, err)
		require.NoError(t, step.Deliver(t.Context()))
		_, err = f.FinishVerify(t.Context(), then, step.State, []byte(o.last(t).Fields.Code))
		return err
	}
	moved := alice
	moved.Email = "alice@new.example"
	same := alice
	same.Email = "alice@HOME.example"
	require.NoError(t, finish(request(factor.PurposeVerify, alice), request(factor.PurposeVerify, alice)))
	require.NoError(t, finish(request(factor.PurposeVerify, alice), request(factor.PurposeVerify, same)))
	require.ErrorIs(t, finish(request(factor.PurposeVerify, alice), request(factor.PurposeVerify, moved)), factor.ErrRejected)
	require.ErrorIs(t, finish(request(factor.PurposeVerify, alice), request(factor.PurposeVerify, factor.User{ID: "alice"})), factor.ErrRejected)

	work, other := credential(f, "1", "alice@work.example"), credential(f, "1", "alice@club.example")
	require.NoError(t, finish(request(factor.PurposeVerify, alice, work), request(factor.PurposeVerify, moved, work)))
	require.ErrorIs(t, finish(request(factor.PurposeVerify, alice, work), request(factor.PurposeVerify, alice, other)), factor.ErrRejected)
	require.ErrorIs(t, finish(request(factor.PurposeVerify, alice, work), request(factor.PurposeVerify, alice)), factor.ErrRejected)
}

func TestBeginEnrollRefuses(t *testing.T) {
	o := &outbox{}
	f := newTestSMS(t, o)
	for _, typed := range []string{"", "0171 1234567", "+44 7700 900123", "alice@example.com"} {
		r := request(factor.PurposeEnroll, alice)
		r.Params = map[string]string{"address": typed}
		_, err := f.BeginEnroll(t.Context(), r)
		require.ErrorIs(t, err, factor.ErrInvalid, "%q", typed)
	}
}

// An address is one credential, however often it is registered.
func TestRegisteredAgain(t *testing.T) {
	o := &outbox{}
	f := newTestSMS(t, o)
	r := request(factor.PurposeEnroll, alice, credential(f, "1", "+15555550100"), credential(f, "2", "+15555550199"))
	r.Params = map[string]string{"address": "+1 (555) 555-0100"}
	step, err := f.BeginEnroll(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, step.Deliver(t.Context()))
	e, err := f.FinishEnroll(t.Context(), r, step.State, []byte(o.last(t).Fields.Code))
	require.NoError(t, err)
	assert.Equal(t, "1", e.Credential.ID)
}

// N01, N02: a decoy is asked, charged and written like anybody, and nothing is
// sent.
func TestN01_Decoys(t *testing.T) {
	for _, f := range []*Factor{newTestEmail(t, &outbox{}), newTestSMS(t, &outbox{})} {
		o, ok := f.cfg.Sender.(*outbox)
		require.True(t, ok)
		decoy := request(factor.PurposeSignIn, factor.User{})
		decoy.Decoy = []byte(strings.Repeat("d", 32))
		fake, err := f.BeginVerify(t.Context(), decoy)
		require.NoError(t, err)
		somebody, err := f.BeginVerify(t.Context(), request(factor.PurposeSignIn, alice))
		require.NoError(t, err)
		assert.Equal(t, somebody.Prompt, fake.Prompt)
		assert.Equal(t, somebody.TTL, fake.TTL)
		assert.Equal(t, somebody.Tries, fake.Tries)
		assert.Len(t, fake.Charges, len(somebody.Charges))
		require.NoError(t, fake.Deliver(t.Context()))
		assert.Empty(t, o.all())
		require.NoError(t, somebody.Deliver(t.Context()))
		assert.Len(t, o.all(), 1)
		_, err = f.FinishVerify(t.Context(), decoy, fake.State, []byte(o.last(t).Fields.Code))
		require.ErrorIs(t, err, factor.ErrRejected)
	}
}

// Whatever the country, a number that nobody has can be a number.
func TestN01_DecoysOfEveryCountry(t *testing.T) {
	for _, country := range []string{"+1", "+49", "+1684", "+123456", "+1234567"} {
		f := newTestSMS(t, &outbox{}, func(c *Config) { c.Countries = []string{country} })
		decoy := request(factor.PurposeSignIn, factor.User{})
		decoy.Decoy = []byte(strings.Repeat("\xff", 32))
		_, err := f.BeginVerify(t.Context(), decoy)
		require.NoError(t, err, country)
	}
}
