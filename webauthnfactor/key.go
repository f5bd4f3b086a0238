package webauthnfactor

import (
	"errors"
	"math"

	"github.com/go-mfa/mfa/internal/wire"
)

const keyVersion = 1

var errKey = errors.New("webauthnfactor: stored credential is unreadable")

// key is what is kept of a public key credential: the credential record of
// Web Authentication Level 3, section 4, with the user handle.
type key struct {
	id             []byte
	handle         []byte
	publicKey      []byte // COSE_Key
	signCount      uint32
	userVerified   bool // at enrolment
	backupEligible bool
	backedUp       bool // at the last use
	aaguid         [16]byte
	format         string
	transports     []string
}

const (
	flagUserVerified = 1 << iota
	flagBackupEligible
	flagBackedUp
	flagsEnd
)

func (k *key) encode() []byte {
	b := make([]byte, 0, 128+len(k.id)+len(k.handle)+len(k.publicKey))
	b = append(b, keyVersion)
	b = wire.AppendString(b, k.id)
	b = wire.AppendString(b, k.handle)
	b = wire.AppendString(b, k.publicKey)
	b = wire.AppendUint(b, uint64(k.signCount))
	var flags byte
	if k.userVerified {
		flags |= flagUserVerified
	}
	if k.backupEligible {
		flags |= flagBackupEligible
	}
	if k.backedUp {
		flags |= flagBackedUp
	}
	b = append(b, flags)
	b = wire.AppendString(b, k.aaguid[:])
	b = wire.AppendString(b, k.format)
	b = wire.AppendUint(b, uint64(len(k.transports)))
	for _, t := range k.transports {
		b = wire.AppendString(b, t)
	}
	return b
}

// decodeKeyID reads the credential id alone.
func decodeKeyID(data []byte) ([]byte, error) {
	r := wire.NewReader(data)
	version, id := r.Byte(), r.Bytes()
	if version != keyVersion || len(id) == 0 {
		return nil, errKey
	}
	return id, nil
}

// decodeKey reads what encode wrote. The result shares memory with data.
func decodeKey(data []byte) (key, error) {
	r := wire.NewReader(data)
	if r.Byte() != keyVersion {
		return key{}, errKey
	}
	k := key{id: r.Bytes(), handle: r.Bytes(), publicKey: r.Bytes()}
	count, flags := r.Uint(), r.Byte()
	aaguid := r.Bytes()
	k.format = r.String()
	if n := r.Len(); n > 0 {
		k.transports = make([]string, n)
		for i := range k.transports {
			k.transports[i] = r.String()
		}
	}
	if r.Done() != nil || len(k.id) == 0 || len(k.handle) == 0 || len(k.publicKey) == 0 ||
		count > math.MaxUint32 || flags >= flagsEnd || len(aaguid) != len(k.aaguid) {
		return key{}, errKey
	}
	k.signCount = uint32(count)
	k.userVerified = flags&flagUserVerified != 0
	k.backupEligible = flags&flagBackupEligible != 0
	k.backedUp = flags&flagBackedUp != 0
	copy(k.aaguid[:], aaguid)
	return k, nil
}
