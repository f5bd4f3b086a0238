package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/go-mfa/mfa"
)

// rawUser is go-webauthn's view of one user with one key.
type rawUser struct {
	id   []byte
	cred webauthn.Credential
}

func (u rawUser) WebAuthnID() []byte                         { return u.id }
func (rawUser) WebAuthnName() string                         { return "user-1" }
func (rawUser) WebAuthnDisplayName() string                  { return "user-1" }
func (u rawUser) WebAuthnCredentials() []webauthn.Credential { return []webauthn.Credential{u.cred} }

// rawVerification prepares go-webauthn's own parse and validate, with its
// session and credential in memory.
func rawVerification() (func() (func() error, error), error) {
	w, err := webauthn.New(&webauthn.Config{RPID: rpID, RPDisplayName: "Bench", RPOrigins: []string{origin}})
	if err != nil {
		return nil, err
	}
	user := rawUser{id: []byte("0123456789abcdef")}
	creation, session, err := w.BeginRegistration(user)
	if err != nil {
		return nil, err
	}
	options, err := json.Marshal(creation)
	if err != nil {
		return nil, err
	}
	k := newKey()
	response, err := k.register(options)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, err
	}
	cred, err := w.CreateCredential(user, *session, parsed)
	if err != nil {
		return nil, err
	}
	user.cred = *cred
	return func() (func() error, error) {
		assertion, session, err := w.BeginLogin(user)
		if err != nil {
			return nil, err
		}
		options, err := json.Marshal(assertion)
		if err != nil {
			return nil, err
		}
		response, err := k.assert(options)
		return func() error {
			parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
			if err != nil {
				return err
			}
			_, err = w.ValidateLogin(user, *session, parsed)
			return err
		}, err
	}, nil
}

// ourVerification prepares Manager.FinishVerify over the memory store.
func ourVerification() (func() (func() error, error), error) {
	s, err := newMemory(fixed{new(mfa.State)})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	return func() (func() error, error) {
		c, err := s.m.BeginVerify(ctx, s.first, mfa.VerifyOptions{Method: "webauthn"})
		if err != nil {
			return nil, err
		}
		options, err := json.Marshal(c.Prompt)
		if err != nil {
			return nil, err
		}
		response, err := s.key.assert(options)
		return func() error {
			next, err := s.m.FinishVerify(ctx, s.first, c.ID, response)
			if err == nil && mfa.Level(next.Methods) != mfa.AAL2 {
				return errors.New("not elevated")
			}
			return err
		}, err
	}, nil
}

func webauthnPairs() ([]pair, error) {
	raw, err := rawVerification()
	if err != nil {
		return nil, fmt.Errorf("go-webauthn: %w", err)
	}
	ours, err := ourVerification()
	if err != nil {
		return nil, err
	}
	return []pair{{
		name: "a WebAuthn verification through the Manager, memory store", primitive: "go-webauthn's parse and validate", n: 300,
		raw: batched(raw), ours: batched(ours), ratio: 1.15,
	}}, nil
}
