package webauthnfactor

import (
	"testing"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/factor/factortest"
)

// authenticator plays the user of a device in the conformance suite.
type authenticator struct{ *device }

func (a authenticator) Answer(t testing.TB, r factor.Request, step factor.Step) []byte {
	t.Helper()
	if r.Purpose == factor.PurposeEnroll {
		return a.create(t, step)
	}
	if a.counts() {
		a.count++
	}
	return a.get(t, step)
}

func (a authenticator) counts() bool { return a.flags&uv == 0 }

// Secrets are none: the private key never leaves the authenticator.
func (a authenticator) Secrets() []string { return nil }

func TestConformance(t *testing.T) {
	for name, flags := range map[string]byte{"counting": up, "not counting": up | uv} {
		t.Run(name, func(t *testing.T) {
			factortest.Run(t, factortest.Harness{
				Factor: newFactor(t, nil),
				NewAuthenticator: func(t testing.TB) factortest.Authenticator {
					return authenticator{newDevice(t).with(func(d *device) { d.flags = flags })}
				},
			})
		})
	}
}
