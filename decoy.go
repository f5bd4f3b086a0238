package mfa

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// newDecoyKey derives what decoys are made with from the oldest key, which is
// the one that stays longest.
func newDecoyKey(keys [][]byte) ([]byte, error) {
	return hkdf.Key(sha256.New, keys[len(keys)-1], nil, "go-mfa/mfa decoy", sha256.Size)
}

// nobodyOf returns who signs in by a name that nobody has: an id that no user
// has, stable per name, however it is written. Nothing else is known of such a
// person; budgets are charged to it like to a user.
func (m *Manager) nobodyOf(name string) string {
	return base64.RawURLEncoding.EncodeToString(m.decoy("name", strings.ToLower(strings.TrimSpace(name))))
}

// decoy returns 32 bytes, stable per kind and id.
func (m *Manager) decoy(kind, id string) []byte {
	mac := hmac.New(sha256.New, m.decoyKey)
	mac.Write([]byte(kind + "\x00" + id)) // no kind has a zero byte
	return mac.Sum(nil)
}
