// Package seal encrypts what the library stores or hands to browsers:
// XChaCha20-Poly1305 under one of several keys, bound to where it belongs.
//
// A sealed value is: format version (1 byte), key id (8 bytes), nonce
// (24 bytes), ciphertext and tag. The version and the key id are
// authenticated with the context that the caller names.
package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// Overhead is how much longer a sealed value is than its plaintext.
const Overhead = header + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

const (
	version = 1
	idSize  = 8
	header  = 1 + idSize
)

var (
	// ErrUnknownKey means that the value was sealed under a key that is not
	// in the ring, or is not a sealed value at all. It is a fault of the
	// configuration, never a wrong answer.
	ErrUnknownKey = errors.New("seal: sealed under a key that is not configured")
	// ErrOpen means that the value was changed, cut, or moved from elsewhere.
	ErrOpen = errors.New("seal: sealed value does not open")
	// ErrContext means that a part of the context is empty.
	ErrContext = errors.New("seal: empty context")
)

// Ring seals under its first key and opens under all. It is safe for
// concurrent use, and prints no key.
type Ring struct{ keys []ringKey }

type ringKey struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// NewRing derives the keys of one purpose (RFC 5869, with the purpose in
// info), so that keys of different purposes are unrelated even if their
// secrets are the same.
func NewRing(purpose string, secrets [][]byte) (*Ring, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no key: make one with 32 bytes of crypto/rand and keep it where the app keeps its secrets")
	}
	ring := &Ring{keys: make([]ringKey, 0, len(secrets))}
	for i, secret := range secrets {
		if len(secret) != KeySize {
			return nil, fmt.Errorf("key %d has %d bytes: a key is %d bytes of crypto/rand", i, len(secret), KeySize)
		}
		if allEqual(secret) {
			return nil, fmt.Errorf("key %d is one byte repeated: a key is %d bytes of crypto/rand", i, KeySize)
		}
		key, err := derive(secret, purpose)
		if err != nil {
			return nil, err
		}
		if ring.find(key.id[:]) != nil {
			return nil, fmt.Errorf("key %d is there twice: name each key once", i)
		}
		ring.keys = append(ring.keys, key)
	}
	return ring, nil
}

func derive(secret []byte, purpose string) (ringKey, error) {
	var key ringKey
	id, err := hkdf.Key(sha256.New, secret, nil, "go-mfa/mfa key id v1 "+purpose, idSize)
	if err != nil {
		return key, err
	}
	k, err := hkdf.Key(sha256.New, secret, nil, "go-mfa/mfa seal v1 "+purpose, KeySize)
	if err != nil {
		return key, err
	}
	copy(key.id[:], id)
	key.aead, err = chacha20poly1305.NewX(k)
	return key, err
}

func allEqual(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

func (r *Ring) find(id []byte) cipher.AEAD {
	for i := range r.keys {
		if string(r.keys[i].id[:]) == string(id) {
			return r.keys[i].aead
		}
	}
	return nil
}

// Seal encrypts plaintext under the first key. It opens only with the same
// context, whose parts must not be empty.
func (r *Ring) Seal(plaintext []byte, context ...string) ([]byte, error) {
	key := &r.keys[0]
	out := make([]byte, header+chacha20poly1305.NonceSizeX, len(plaintext)+Overhead)
	out[0] = version
	copy(out[1:], key.id[:])
	if _, err := rand.Read(out[header:]); err != nil {
		return nil, err
	}
	ad, err := associated(out[:header], context)
	if err != nil {
		return nil, err
	}
	return key.aead.Seal(out, out[header:], plaintext, ad), nil
}

// Open decrypts a sealed value under whichever key sealed it.
func (r *Ring) Open(sealed []byte, context ...string) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return nil, ErrUnknownKey
	}
	aead := r.find(sealed[1:header])
	if aead == nil {
		return nil, ErrUnknownKey
	}
	ad, err := associated(sealed[:header], context)
	if err != nil {
		return nil, err
	}
	nonce := sealed[header : header+chacha20poly1305.NonceSizeX]
	plaintext, err := aead.Open(nil, nonce, sealed[header+chacha20poly1305.NonceSizeX:], ad)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// Current reports whether a sealed value is under the first key.
func (r *Ring) Current(sealed []byte) bool {
	return len(sealed) >= Overhead && sealed[0] == version && string(sealed[1:header]) == string(r.keys[0].id[:])
}

// Format implements [fmt.Formatter]. It leaves the keys out under every verb.
func (r Ring) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "seal.Ring(%d keys redacted)", len(r.keys))
}

// LogValue implements [slog.LogValuer]. It leaves the keys out.
func (r Ring) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

func associated(header []byte, context []string) ([]byte, error) {
	if len(context) == 0 {
		return nil, ErrContext
	}
	n := len(header)
	for _, part := range context {
		if part == "" {
			return nil, ErrContext
		}
		n += binary.MaxVarintLen32 + len(part)
	}
	ad := append(make([]byte, 0, n), header...)
	for _, part := range context {
		ad = binary.AppendUvarint(ad, uint64(len(part)))
		ad = append(ad, part...)
	}
	return ad, nil
}
