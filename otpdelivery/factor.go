package otpdelivery

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/message"
)

const (
	// life is how long a code is good (NIST SP 800-63B-4, section 3.1.3.2,
	// allows 10 minutes).
	life  = 10 * time.Minute
	tries = 5
)

// Prompt is what a client is asked with.
type Prompt struct {
	To     string `json:"to,omitempty"` // the address, masked; empty while signing in
	Digits int    `json:"digits"`
}

// BeginEnroll sends a code to Params["address"].
func (f *Factor) BeginEnroll(_ context.Context, r factor.Request) (factor.Step, error) {
	address, err := f.parseAddress(r.Params["address"])
	if err != nil {
		return factor.Step{}, err
	}
	return f.send(r, &challenge{address: address})
}

// FinishEnroll judges the code. What it proves is the address. One that the
// user has already replaces itself.
func (f *Factor) FinishEnroll(_ context.Context, r factor.Request, state, response []byte) (factor.Enrolled, error) {
	c, err := decodeChallenge(state)
	if err != nil {
		return factor.Enrolled{}, err
	}
	if !f.matches(r, c, response) {
		return factor.Enrolled{}, factor.Reject("wrong code")
	}
	enrolled := factor.Credential{Key: f.keyOf(r.User.ID, c.address), Data: encodeCredential(c.address)}
	if i := slices.IndexFunc(r.Credentials, func(k factor.Credential) bool { return k.Key == enrolled.Key }); i >= 0 {
		enrolled.ID = r.Credentials[i].ID
	}
	return factor.Enrolled{Credential: enrolled, Evidence: f.evidence(c.address)}, nil
}

// BeginVerify sends a code: to the credential that Params["credential"] names,
// or else to the one that was used last, or else to the verified contact where
// that is allowed. To sign in, the contact comes first.
func (f *Factor) BeginVerify(_ context.Context, r factor.Request) (factor.Step, error) {
	r.User = f.user(r)
	c, err := f.destination(r)
	if err != nil {
		return factor.Step{}, err
	}
	return f.send(r, c)
}

// FinishVerify judges the code, if the address is still the user's.
func (f *Factor) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	c, err := decodeChallenge(state)
	if err != nil {
		return factor.Result{}, err
	}
	r.User = f.user(r)
	used, ok, err := f.still(r, c)
	if err != nil {
		return factor.Result{}, err
	}
	if !ok {
		return factor.Result{}, factor.Reject("the address is not the user's any more")
	}
	if !f.matches(r, c, response) {
		return factor.Result{}, factor.Reject("wrong code")
	}
	return factor.Result{Credential: used, Evidence: *f.evidence(c.address)}, nil
}

func (f *Factor) evidence(address string) *factor.Evidence {
	return &factor.Evidence{Category: factor.Possession, Channel: f.channelOf(address)}
}

// destination decides where a code goes.
func (f *Factor) destination(r factor.Request) (*challenge, error) {
	contact, ok := f.contact(r.User)
	signIn := r.Purpose == factor.PurposeSignIn
	wanted := r.Params["credential"]
	if ok && signIn {
		return &challenge{address: contact}, nil
	}
	var last *factor.Credential
	for i, c := range r.Credentials {
		if wanted != "" && c.ID != wanted {
			continue
		}
		if last == nil || c.UsedAt.After(last.UsedAt) {
			last = &r.Credentials[i]
		}
	}
	if last != nil {
		address, err := decodeCredential(last.Data)
		return &challenge{address: address, credential: last.ID}, err
	}
	if !ok || !f.cfg.UseVerifiedContact || wanted != "" {
		return nil, factor.ErrUnusable
	}
	return &challenge{address: contact}, nil
}

// still reports whether the address of a challenge is the user's, as it was
// when the code was sent, and returns the credential that it is of.
func (f *Factor) still(r factor.Request, c *challenge) (used factor.Credential, ok bool, err error) {
	if c.credential == "" {
		contact, has := f.contact(r.User)
		return factor.Credential{}, has && contact == c.address, nil
	}
	i := slices.IndexFunc(r.Credentials, func(k factor.Credential) bool { return k.ID == c.credential })
	if i < 0 {
		return factor.Credential{}, false, nil
	}
	address, err := decodeCredential(r.Credentials[i].Data)
	return r.Credentials[i], address == c.address, err
}

// user returns the user of a request, or instead of a decoy one whose name and
// contact take as long and cost the same budgets. Nothing is sent there.
func (f *Factor) user(r factor.Request) factor.User {
	u := r.User
	if r.Decoy != nil {
		u.Name, u.Email, u.Phone = "decoy", "", ""
		if address := f.decoyAddress(r.Decoy); f.channel == Email {
			u.Email = address
		} else {
			u.Phone = address
		}
	}
	return u
}

func (f *Factor) decoyAddress(decoy []byte) string {
	if f.channel == Email {
		return hex.EncodeToString(decoy[:8]) + "@decoy.invalid"
	}
	country := f.cfg.Countries[int(decoy[0])%len(f.cfg.Countries)]
	digits := fmt.Sprintf("%03d%07d", int(decoy[1]), int(decoy[2])<<16|int(decoy[3])<<8|int(decoy[4]))
	return country + digits[:min(10, maxNumber-len(country))]
}

// send makes a code for a challenge and the step that sends it.
func (f *Factor) send(r factor.Request, c *challenge) (factor.Step, error) {
	code, err := newCode(f.cfg.Digits)
	if err != nil {
		return factor.Step{}, err
	}
	c.key = newSecret(macSize)
	c.code = f.mac(c.key, r, c, code)
	link := ""
	if f.cfg.Links {
		secret := newLinkSecret()
		c.link = f.mac(c.key, r, c, secret)
		link = strings.TrimSuffix(f.cfg.BaseURL, "/") + "/link/" + string(r.Purpose) + "." + url.PathEscape(r.Ceremony) + "." + secret
	}
	prompt := Prompt{Digits: f.cfg.Digits}
	if r.Purpose != factor.PurposeSignIn {
		prompt.To = f.mask(c.address)
	}
	return factor.Step{
		Prompt: prompt, State: c.encode(), TTL: life, Tries: tries, Charges: f.charges(r, c.address),
		Deliver: func(ctx context.Context) error { return f.deliver(ctx, r, c.address, code, link) },
	}, nil
}

// deliver writes a message and hands it to the sender. That of a decoy goes no
// further than a Queue.
func (f *Factor) deliver(ctx context.Context, r factor.Request, address, code, link string) error {
	name := ""
	if r.Purpose != factor.PurposeEnroll { // whoever has the address is proved to be the user afterwards only
		name = message.Name(r.User.DisplayName, r.User.Name)
	}
	locale := r.User.Locale
	if locale == "" {
		locale = f.cfg.Locale
	}
	expires := r.Expires // that of a message sent before, which another one does not put off
	if expires.IsZero() {
		expires = r.Now.Add(life)
	}
	m := Message{
		ID: hex.EncodeToString(newSecret(16)), UserID: r.User.ID, Channel: f.channel, To: address, Purpose: string(r.Purpose),
		Fields: Fields{
			App: message.Line(f.cfg.App), Host: f.host, Name: name, Code: code, Link: link,
			Minutes: max(1, int(expires.Sub(r.Now)/time.Minute)),
		},
		Expires: expires,
	}
	if err := f.write(&m, locale); err != nil {
		return err
	}
	m.decoy = r.Decoy != nil
	if _, queued := f.cfg.Sender.(*Queue); m.decoy && !queued {
		return nil
	}
	return f.cfg.Sender.Send(ctx, m)
}
