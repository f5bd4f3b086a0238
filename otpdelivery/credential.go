package otpdelivery

import (
	"errors"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/wire"
)

const credentialVersion = 1

// errUndecodable is a fault. It says nothing of the bytes.
var errUndecodable = errors.New("otpdelivery: stored data cannot be decoded")

// encodeCredential returns the Data of a credential: the address.
func encodeCredential(address string) []byte {
	return wire.AppendString([]byte{credentialVersion}, address)
}

func decodeCredential(data []byte) (address string, err error) {
	r := wire.NewReader(data)
	if r.Byte() != credentialVersion {
		return "", errUndecodable
	}
	address = r.String()
	if r.Done() != nil || address == "" {
		return "", errUndecodable
	}
	return address, nil
}

// Info implements factor.Factor.
func (f *Factor) Info() factor.Info {
	return factor.Info{
		Method: string(f.channel), Category: factor.Possession, FirstFactor: f.cfg.SignIn, Guessable: true, Restricted: f.channel == SMS,
	}
}

// Describe returns the address, masked.
func (f *Factor) Describe(c factor.Credential) map[string]any {
	address, err := decodeCredential(c.Data)
	if err != nil {
		return map[string]any{}
	}
	return map[string]any{"address": f.mask(address)}
}

// Channel returns the channel of a credential, or with nil that of the user's
// verified contact if Config.UseVerifiedContact makes it a second factor.
func (f *Factor) Channel(u factor.User, c *factor.Credential) (channel string, ok bool) {
	if c != nil {
		address, err := decodeCredential(c.Data)
		return f.channelOf(address), err == nil
	}
	if !f.cfg.UseVerifiedContact {
		return "", false
	}
	address, ok := f.contact(u)
	return f.channelOf(address), ok
}
