package mfa

import (
	"time"
)

// Status is what a session is worth now, computed from the credentials that
// exist now. Its JSON is the public session document of the HTTP API.
type Status struct {
	ID               string         `json:"id"`     // State.ID
	Active           bool           `json:"active"` // signed in: the session is not Pending
	AuthenticatedAt  *time.Time     `json:"authenticated_at"`
	AAL              AAL            `json:"authenticator_assurance_level"`
	Completed        []StatusMethod `json:"authentication_methods"`
	AMR              []string       `json:"amr"` // RFC 8176
	HighestAvailable AAL            `json:"highest_available_aal"`

	UserID  string         `json:"-"`
	Pending bool           `json:"-"`
	SignIn  *StepUpError   `json:"-"` // what keeps a pending session from being signed in; nil otherwise
	Methods []MethodStatus `json:"-"` // the configured methods, in the order of Config.Factors
}

// StatusMethod is one completed use that still counts.
type StatusMethod struct {
	Method      string    `json:"method"`
	AAL         AAL       `json:"aal"` // what this use closes: AAL2 if it forms aal2, else AAL1
	CompletedAt time.Time `json:"completed_at"`
}

// MethodStatus is what a configured method is to a session.
type MethodStatus struct {
	Method      string `json:"method"`
	Enrolled    int    `json:"enrolled"`     // credentials the user has of it
	Usable      bool   `json:"usable"`       // can be verified with now: it would raise, or with refresh renew, the session
	FirstFactor bool   `json:"first_factor"` // can be a first factor too
	Recovery    bool   `json:"recovery"`
	Promptless  bool   `json:"promptless"` // may be answered without a ceremony
	Enrollable  bool   `json:"enrollable"` // BeginEnroll would be let through now, privilege aside
}
