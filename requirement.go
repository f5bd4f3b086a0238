package mfa

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Requirement is what a route, a login or an operation asks of a session. The
// zero value asks for HighestAvailable.
type Requirement struct {
	// AAL is the level. Zero is read as HighestAvailable.
	AAL AAL
	// MaxAge is how old the proof may be, counted from the newest use that
	// closes the requirement: for AAL2 a second-role use that forms it, so
	// that a fresh password never freshens it; for AAL1 any use. Zero and
	// negative mean any age.
	MaxAge time.Duration
	// PhishingResistant asks that a use which closes the requirement is
	// phishing-resistant (NIST SP 800-63B-4, section 3.2.5).
	PhishingResistant bool
	// Methods asks that a use which closes the requirement is one of these.
	Methods []string

	TrustedDevice bool          // reserved: refused when set
	AnyOf         []Requirement // reserved: refused when set
}

// validate refuses a requirement that no session can meet, or that would be
// read otherwise than it was meant.
func (m *Manager) validate(q Requirement) error {
	switch {
	case !q.AAL.known():
		return fmt.Errorf("%s is no level: use AAL1, AAL2 or HighestAvailable", q.AAL)
	case q.AAL == AAL3:
		return errors.New("the default profile never reaches AAL3: require AAL2 with PhishingResistant")
	case q.TrustedDevice:
		return errors.New("Requirement.TrustedDevice is set, and trusted devices are not built yet: leave it false")
	case len(q.AnyOf) > 0:
		return errors.New("Requirement.AnyOf is set, and alternatives are not built yet: leave it empty")
	}
	if q.AAL == AAL2 {
		if err := m.reachable(q); err != nil {
			return err
		}
	}
	for _, name := range q.Methods {
		if !methodName.MatchString(name) {
			return fmt.Errorf("%q in Requirement.Methods is no method: use its AMR name, such as totp", name)
		}
	}
	return nil
}

// reachable refuses an AAL2 that none of the configured factors can close. A
// federated sign-in for which the app vouches closes it too.
func (m *Manager) reachable(q Requirement) error {
	can := func(name string) bool {
		info, configured := m.infos[name]
		named := len(q.Methods) == 0 || slices.Contains(q.Methods, name)
		return named && (!configured || !q.PhishingResistant || !info.Guessable)
	}
	candidates := append(slices.Clone(m.order), m.cfg.Retired...)
	if !q.PhishingResistant {
		candidates = append(candidates, "oidc")
	}
	if !slices.ContainsFunc(candidates, can) {
		return errors.New("no configured factor can close AAL2 with these Methods and PhishingResistant: name methods of Config.Factors, and for PhishingResistant add webauthnfactor.New")
	}
	return nil
}
