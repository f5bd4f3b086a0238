package totpfactor

import (
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-mfa/mfa/internal/wire"
)

const (
	secretSize    = 20 // RFC 4226, requirement R6, recommends 160 bits
	minSecretSize = 16 // and requires 128
	maxSecretSize = 64
	minPeriod     = 15  // seconds
	maxPeriod     = 300 // seconds

	credentialVersion = 1
	enrollmentVersion = 0x81 // another number, so that neither is taken for the other
)

// errUndecodable is a fault. It says nothing of the bytes.
var errUndecodable = errors.New("totpfactor: stored secret cannot be decoded")

// params are what a secret is used with.
type params struct {
	algorithm Algorithm
	digits    int
	period    int64 // seconds
}

// key is a secret with its parameters: the state of an enrolment, and the
// part of a credential that never changes. It prints nothing of the secret.
type key struct {
	params
	secret []byte
}

// credential is what is stored of an authenticator.
type credential struct {
	key
	last uint64 // the last time step that was accepted
}

const redacted = "totp secret (redacted)"

// Format implements [fmt.Formatter] without the secret.
func (key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer] without the secret.
func (key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText makes encoding/json leave out the secret.
func (key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// GobEncode makes encoding/gob leave out the secret.
func (key) GobEncode() ([]byte, error) { return []byte(redacted), nil }

func (k key) base32() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(k.secret)
}

func (k key) append(b []byte) []byte {
	b = append(b, byte(k.algorithm))
	b = wire.AppendUint(b, uint64(k.digits))
	b = wire.AppendUint(b, uint64(k.period))
	return wire.AppendString(b, k.secret)
}

func (k key) encode() []byte { return k.append([]byte{enrollmentVersion}) }

func (c credential) encode() []byte {
	return wire.AppendUint(c.append([]byte{credentialVersion}), c.last)
}

// decodeKey reads the state of an enrolment.
func decodeKey(b []byte) (key, error) {
	r := wire.NewReader(b)
	k := readKey(&r, enrollmentVersion)
	if r.Done() != nil {
		return key{}, errUndecodable
	}
	return k, nil
}

// decodeCredential reads the Data of a credential.
func decodeCredential(b []byte) (credential, error) {
	r := wire.NewReader(b)
	c := credential{key: readKey(&r, credentialVersion), last: r.Uint()}
	if r.Done() != nil {
		return credential{}, errUndecodable
	}
	return c, nil
}

// readKey refuses whatever New and BeginEnroll could not have made, an empty
// secret above all: code computation would accept that one.
func readKey(r *wire.Reader, version byte) key {
	if r.Byte() != version {
		r.Fail()
	}
	k := key{params: params{algorithm: Algorithm(r.Byte())}}
	digits, period := r.Uint(), r.Uint()
	k.secret = r.Bytes()
	if k.algorithm > SHA512 || digits != 6 && digits != 8 || period < minPeriod || period > maxPeriod ||
		len(k.secret) < minSecretSize || len(k.secret) > maxSecretSize || allZero(k.secret) {
		r.Fail()
	}
	k.digits, k.period = int(digits), int64(period)
	return k
}

func allZero(b []byte) bool {
	var or byte
	for _, c := range b {
		or |= c
	}
	return or == 0
}
