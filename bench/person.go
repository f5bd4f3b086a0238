package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/go-mfa/mfa"
)

// person is a user of an app who has an authenticator, a key and recovery
// codes.
type person struct {
	*app

	id     string
	first  mfa.State // the session after the password
	aal2   mfa.State // and after a second factor
	secret string
	codes  []string
	key    *key
}

// enroll makes a new person, whose next code is not spent.
func (a *app) enroll(ctx context.Context, id string) (*person, error) {
	p := &person{app: a, id: id}
	var err error
	if p.aal2, err = p.m.Start(ctx, mfa.State{}, id, mfa.Password()); err != nil {
		return nil, err
	}
	var prompt struct{ URI string }
	if err := p.enrollMethod(ctx, "totp", &prompt, func() ([]byte, error) {
		u, err := url.Parse(prompt.URI)
		if err != nil {
			return nil, err
		}
		p.secret = u.Query().Get("secret")
		return p.code()
	}); err != nil {
		return nil, err
	}
	var options json.RawMessage
	p.key = newKey()
	if err := p.enrollMethod(ctx, "webauthn", &options, func() ([]byte, error) { return p.key.register(options) }); err != nil {
		return nil, err
	}
	if err := p.renewCodes(ctx); err != nil {
		return nil, err
	}
	p.pass()
	p.first, err = p.m.Start(ctx, mfa.State{}, id, mfa.Password())
	return p, err
}

func (p *person) code() ([]byte, error) {
	code, err := hotp.GenerateCodeCustom(p.secret, uint64(p.now().Unix()/30), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	return []byte(code), err
}

func (p *person) renewCodes(ctx context.Context) error {
	var prompt struct{ Codes []string }
	err := p.enrollMethod(ctx, "lookup_secret", &prompt, func() ([]byte, error) { return []byte("saved"), nil })
	p.codes = prompt.Codes
	return err
}

func (p *person) enrollMethod(ctx context.Context, method string, prompt any, answer func() ([]byte, error)) error {
	c, err := p.m.BeginEnroll(ctx, p.aal2, mfa.EnrollOptions{Method: method})
	if err != nil {
		return fmt.Errorf("enrol %s: %w", method, err)
	}
	b, err := json.Marshal(c.Prompt)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, prompt); err != nil {
		return err
	}
	response, err := answer()
	if err != nil {
		return err
	}
	_, p.aal2, err = p.m.FinishEnroll(ctx, p.aal2, c.ID, response)
	return err
}

// signedIn returns a session of a password and an authenticator, as most are.
func (p *person) signedIn() (mfa.State, error) {
	code, err := p.code()
	if err != nil {
		return mfa.State{}, err
	}
	return p.m.Verify(context.Background(), p.first, mfa.VerifyOptions{Method: "totp"}, code)
}

// totp prepares a verification with the code of this moment, which must not be
// spent.
func (p *person) totp(ctx context.Context) (func() error, error) {
	code, err := p.code()
	return func() error {
		_, err := p.m.Verify(ctx, p.first, mfa.VerifyOptions{Method: "totp"}, code)
		return err
	}, err
}

// recovery prepares a verification with the next recovery code. When all are
// used it gets new ones first.
func (p *person) recovery(ctx context.Context) (func() error, error) {
	if len(p.codes) == 0 {
		if err := p.refresh(ctx); err != nil {
			return nil, err
		}
	}
	code := p.codes[0]
	p.codes = p.codes[1:]
	return func() error {
		_, err := p.m.Verify(ctx, p.first, mfa.VerifyOptions{Method: "lookup_secret"}, []byte(code))
		return err
	}, nil
}

// refresh makes the session privileged again and renews the recovery codes.
func (p *person) refresh(ctx context.Context) error {
	p.pass()
	code, err := p.code()
	if err != nil {
		return err
	}
	if p.aal2, err = p.m.Verify(ctx, p.aal2, mfa.VerifyOptions{Method: "totp", Refresh: true}, code); err != nil {
		return err
	}
	return p.renewCodes(ctx)
}
