package mfa

import (
	"time"

	"github.com/go-mfa/mfa/factor"
)

// Ceremony is one pending enrolment or verification, as the client may see it.
type Ceremony struct {
	ID        string    `json:"id"`
	Method    string    `json:"method"`
	ExpiresAt time.Time `json:"expires_at"`
	Prompt    any       `json:"prompt,omitempty"` // what the factor asks; it may contain a new secret, shown only here
}

// EnrollOptions says what to enrol.
type EnrollOptions struct {
	Method string
	Name   string            // what the user calls the credential; the method's name if empty
	Params map[string]string // for the factor
}

// VerifyOptions says what to verify with.
type VerifyOptions struct {
	Method string
	// Refresh verifies although the session has AAL2 already, to make the
	// proof fresh, and allows every credential of the method.
	Refresh bool
	Params  map[string]string // for the factor
}

// CredentialInfo describes a credential to its owner. There is no secret in it.
type CredentialInfo struct {
	ID         string         `json:"id"`
	Method     string         `json:"method"`
	Name       string         `json:"name"`
	CreatedAt  time.Time      `json:"created_at"`
	LastUsedAt *time.Time     `json:"last_used_at"` // nil if never used
	Details    map[string]any `json:"details"`      // from Factor.Describe; nil for a method that is not configured
}

// purposes of a ceremony, from package factor.
const (
	purposeEnroll = factor.PurposeEnroll
	purposeVerify = factor.PurposeVerify
)
