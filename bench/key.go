package main

import (
	"encoding/json"

	"github.com/descope/virtualwebauthn"
)

// key is a virtual security key.
type key struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

func newKey() *key {
	return &key{
		rp:   virtualwebauthn.RelyingParty{ID: rpID, Name: "Bench", Origin: origin},
		auth: virtualwebauthn.NewAuthenticator(),
		cred: virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2),
	}
}

func (k *key) register(options json.RawMessage) ([]byte, error) {
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		return nil, err
	}
	response := virtualwebauthn.CreateAttestationResponse(k.rp, k.auth, k.cred, *parsed)
	k.auth.AddCredential(k.cred)
	return []byte(response), nil
}

// assert answers a challenge with a signature counter that rises.
func (k *key) assert(options []byte) ([]byte, error) {
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		return nil, err
	}
	k.cred.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(k.rp, k.auth, k.cred, *parsed)), nil
}
