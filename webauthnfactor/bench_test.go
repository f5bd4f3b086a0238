package webauthnfactor

import (
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
)

// BenchmarkFinishVerify compares a verification with go-webauthn's own parse
// and validate of the same answer.
func BenchmarkFinishVerify(b *testing.B) {
	d := newDevice(b)
	b.Run("go-webauthn", func(b *testing.B) {
		r := newRaw(b, d, up)
		b.ReportAllocs()
		for b.Loop() {
			parsed, err := protocol.ParseCredentialRequestResponseBytes(r.answer)
			if err != nil {
				b.Fatal(err)
			}
			if _, err = r.rp.ValidateLogin(r.user, r.session, parsed); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("factor", func(b *testing.B) {
		f := newFactor(b, nil)
		c := enroll(b, f, d)
		step := beginVerify(b, f, c)
		answer := d.get(b, step)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := finishVerify(f, step, answer, c); err != nil {
				b.Fatal(err)
			}
		}
	})
}
