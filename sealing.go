package mfa

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// Kinds of sealed values and of records.
const (
	kindCredential = "credential"
	kindCeremony   = "ceremony"
)

// open returns the credential with its Data opened. A failure is a fault:
// the key is missing, or the row was changed or moved.
func (m *Manager) open(c Credential) (Credential, error) {
	data, err := m.ring.Open(c.Data, kindCredential, c.ID, c.UserID, c.Method)
	if err != nil {
		return Credential{}, fmt.Errorf("mfa: opening credential %s: %w", c.ID, err)
	}
	c.Data = data
	return c, nil
}

// seal returns the credential with its Data sealed.
func (m *Manager) seal(c Credential) (Credential, error) {
	data, err := m.ring.Seal(c.Data, kindCredential, c.ID, c.UserID, c.Method)
	if err != nil {
		return Credential{}, fmt.Errorf("mfa: sealing credential %s: %w", c.ID, err)
	}
	c.Data = data
	return c, nil
}

// newID returns 128 random bits as 22 characters.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// newVersion returns a random version that is not zero.
func newVersion() int64 {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if v := int64(binary.LittleEndian.Uint64(b[:]) >> 1); v != 0 {
			return v
		}
	}
}

// recordKey names a record by a hash of its id, so that a dump of the table
// shows no live id.
func recordKey(kind, id string) string {
	h := digest("record", kind, id)
	return kind + "/" + base64.RawURLEncoding.EncodeToString(h[:])
}
