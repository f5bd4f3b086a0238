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

// decoyOf returns who signs in by a name that nobody has: 32 bytes in base64,
// stable per name, however it is written. Nothing else is known of such a
// person; budgets are charged to it like to a user.
func (m *Manager) decoyOf(name string) string {
	mac := hmac.New(sha256.New, m.decoyKey)
	mac.Write([]byte(strings.ToLower(strings.TrimSpace(name))))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
