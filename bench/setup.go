package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
	"github.com/go-mfa/mfa/webauthnfactor"
)

const (
	origin = "https://example.com"
	rpID   = "example.com"
	period = 30 * time.Second
)

// setup is a Manager with one user who has an authenticator, a key and
// recovery codes, and a clock that moves only when told.
type setup struct {
	m      *mfa.Manager
	clock  atomic.Int64 // Unix milliseconds
	first  mfa.State    // the user's session after the password
	aal2   mfa.State    // and after a second factor
	secret string
	codes  []string
	key    *key
}

func (s *setup) now() time.Time { return time.UnixMilli(s.clock.Load()).UTC() }

func (s *setup) code() ([]byte, error) {
	code, err := hotp.GenerateCodeCustom(s.secret, uint64(s.now().Unix()/30), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	return []byte(code), err
}

func newSetup(store mfa.Store, session mfa.Session) (*setup, error) {
	s := &setup{}
	s.clock.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	totp, errT := totpfactor.New(totpfactor.Config{Issuer: "Bench"})
	codes, errL := lookup.New(lookup.Config{})
	web, errW := webauthnfactor.New(webauthnfactor.Config{RPID: rpID, RPDisplayName: "Bench", Origins: []string{origin}})
	if err := errors.Join(errT, errL, errW); err != nil {
		return nil, err
	}
	var err error
	s.m, err = mfa.New(mfa.Config{
		Store: store, Session: session, Factors: []mfa.Factor{totp, codes, web},
		Keys:   [][]byte{[]byte("0123456789abcdef0123456789ABCDEF")},
		User:   func(_ context.Context, id string) (mfa.User, error) { return mfa.User{ID: id, Name: id}, nil },
		Now:    s.now,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return s, s.enroll(context.Background())
}

func (s *setup) enroll(ctx context.Context) error {
	var err error
	if s.aal2, err = s.m.Start(ctx, mfa.State{}, "user-1", mfa.Password()); err != nil {
		return err
	}
	var prompt struct {
		URI   string
		Codes []string
	}
	if err := s.enrollMethod(ctx, "totp", &prompt, func() ([]byte, error) {
		u, err := url.Parse(prompt.URI)
		if err != nil {
			return nil, err
		}
		s.secret = u.Query().Get("secret")
		return s.code()
	}); err != nil {
		return err
	}
	var options json.RawMessage
	s.key = newKey()
	if err := s.enrollMethod(ctx, "webauthn", &options, func() ([]byte, error) { return s.key.register(options) }); err != nil {
		return err
	}
	if err := s.renewCodes(ctx); err != nil {
		return err
	}
	s.clock.Add(period.Milliseconds())
	s.first, err = s.m.Start(ctx, mfa.State{}, "user-1", mfa.Password())
	return err
}

func (s *setup) renewCodes(ctx context.Context) error {
	var prompt struct{ Codes []string }
	err := s.enrollMethod(ctx, "lookup_secret", &prompt, func() ([]byte, error) { return []byte("saved"), nil })
	s.codes = prompt.Codes
	return err
}

func (s *setup) enrollMethod(ctx context.Context, method string, prompt any, answer func() ([]byte, error)) error {
	c, err := s.m.BeginEnroll(ctx, s.aal2, mfa.EnrollOptions{Method: method})
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
	_, s.aal2, err = s.m.FinishEnroll(ctx, s.aal2, c.ID, response)
	return err
}

func newMemory(session mfa.Session) (*setup, error) { return newSetup(memory.New(), session) }

// signedIn returns a session of a password and an authenticator, as most are.
func (s *setup) signedIn() (mfa.State, error) {
	code, err := s.code()
	if err != nil {
		return mfa.State{}, err
	}
	return s.m.Verify(context.Background(), s.first, mfa.VerifyOptions{Method: "totp"}, code)
}
