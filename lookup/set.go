package lookup

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/go-mfa/mfa/internal/wire"
)

const (
	setVersion = 1
	maxCodes   = 50
	keySize    = sha256.Size
	// digestSize is that of HMAC-SHA-256-128 (RFC 4868, section 2.1): as long
	// as the longest code is strong, and half of what every read would carry.
	digestSize = 16
)

// errUndecodable is a fault. It says nothing of the bytes.
var errUndecodable = errors.New("lookup: stored set cannot be decoded")

// set is what is stored of the codes, during the enrolment and after it. It
// prints nothing.
type set struct {
	total   int                // how many codes there were
	key     []byte             // of the HMAC; never the key of another set
	digests [][digestSize]byte // of the codes that are left
}

// newSet makes a set and returns it with its codes.
func newSet(random io.Reader, codes, groups int) (set, []string, error) {
	s := set{total: codes, key: make([]byte, keySize), digests: make([][digestSize]byte, codes)}
	if _, err := io.ReadFull(random, s.key); err != nil {
		return set{}, nil, fmt.Errorf("lookup: no randomness for a set: %w", err)
	}
	shown := make([]string, codes)
	for i := range shown {
		code, err := newCode(random, groups)
		if err != nil {
			return set{}, nil, fmt.Errorf("lookup: no randomness for a set: %w", err)
		}
		plain, err := normalize([]byte(code))
		if err != nil {
			return set{}, nil, err
		}
		shown[i], s.digests[i] = code, s.digest(plain)
	}
	return s, shown, nil
}

func (s set) digest(code []byte) [digestSize]byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(code)
	return [digestSize]byte(mac.Sum(nil))
}

// spend returns the set without code, and whether code was in it. It compares
// with every digest, whichever is the right one.
func (s set) spend(code []byte) (set, bool) {
	d := s.digest(code)
	left := make([][digestSize]byte, 0, len(s.digests))
	for i := range s.digests {
		if !hmac.Equal(s.digests[i][:], d[:]) {
			left = append(left, s.digests[i])
		}
	}
	found := len(left) < len(s.digests)
	s.digests = left
	return s, found
}

func (s set) encode() []byte {
	b := make([]byte, 0, 4+len(s.key)+len(s.digests)*digestSize)
	b = wire.AppendUint(append(b, setVersion), uint64(s.total))
	b = wire.AppendString(b, s.key)
	b = wire.AppendUint(b, uint64(len(s.digests)))
	for i := range s.digests {
		b = append(b, s.digests[i][:]...)
	}
	return b
}

func decodeSet(b []byte) (set, error) {
	r := wire.NewReader(b)
	if r.Byte() != setVersion {
		return set{}, errUndecodable
	}
	total, key, left := r.Uint(), r.Bytes(), r.Uint()
	if total == 0 || total > maxCodes || left > total || len(key) != keySize {
		return set{}, errUndecodable
	}
	s := set{total: int(total), key: key, digests: make([][digestSize]byte, left)}
	for i := range s.digests {
		for j := range s.digests[i] {
			s.digests[i][j] = r.Byte()
		}
	}
	if r.Done() != nil {
		return set{}, errUndecodable
	}
	return s, nil
}

const redacted = "lookup secrets (redacted)"

// Format implements [fmt.Formatter] without the digests and their key.
func (set) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer] without the digests and their key.
func (set) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText makes encoding/json leave out the digests and their key.
func (set) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// GobEncode makes encoding/gob leave out the digests and their key.
func (set) GobEncode() ([]byte, error) { return []byte(redacted), nil }
