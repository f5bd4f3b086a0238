package mfa

import (
	"fmt"
	"slices"
)

// AAL is an authenticator assurance level, after NIST SP 800-63B-4. It is
// always computed from what a session has proved, never stored.
type AAL uint8

// The levels. The zero value is the lowest as a result, and HighestAvailable
// as a requirement.
const (
	AAL0 AAL = 0 // nothing proved
	AAL1 AAL = 1 // one factor, whatever its role
	AAL2 AAL = 2 // a first-role and a second-role use that are independent of each other
	AAL3 AAL = 3 // not reached by the default profile

	// HighestAvailable is AAL2 for a session that has AAL2 or to which a
	// second factor is available, and AAL1 otherwise.
	HighestAvailable AAL = 127
)

// String returns "aal0" to "aal3" or "highest_available".
func (a AAL) String() string {
	switch a {
	case AAL0, AAL1, AAL2, AAL3:
		return "aal" + string('0'+rune(a))
	case HighestAvailable:
		return "highest_available"
	default:
		return fmt.Sprintf("aal(%d)", uint8(a))
	}
}

// MarshalText implements [encoding.TextMarshaler].
func (a AAL) MarshalText() ([]byte, error) {
	if !a.known() {
		return nil, fmt.Errorf("mfa: unknown level %d", uint8(a))
	}
	return []byte(a.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler] with [ParseAAL].
func (a *AAL) UnmarshalText(text []byte) error {
	level, err := ParseAAL(string(text))
	if err == nil {
		*a = level
	}
	return err
}

// ParseAAL reads what [AAL.String] writes, byte for byte. For anything else it
// returns AAL0 and an error.
func ParseAAL(s string) (AAL, error) {
	for _, a := range []AAL{AAL0, AAL1, AAL2, AAL3, HighestAvailable} {
		if s == a.String() {
			return a, nil
		}
	}
	return AAL0, fmt.Errorf("mfa: unknown level %q: use aal0, aal1, aal2, aal3 or highest_available", s)
}

func (a AAL) known() bool { return a <= AAL3 || a == HighestAvailable }

// Assurance is a profile: the rules that turn what was proved into a level.
type Assurance uint8

// The profiles, a closed set. The default one is the only one built so far.
const (
	DefaultAssurance    Assurance = iota
	UserVerifiedPasskey           // reserved: New refuses it
	NIST800_63B4                  // reserved: New refuses it
)

// Level returns the level that the methods add up to in the default profile.
// It is a pure function and trusts what it is given; Manager.Status and the
// gate leave out the methods whose credential is gone before they call it.
func Level(methods []Method) AAL {
	if len(methods) == 0 {
		return AAL0
	}
	for i := range methods {
		if completesAAL2(methods, i) {
			return AAL2
		}
	}
	return AAL1
}

// completesAAL2 reports whether methods[i] closes aal2: because it is aal2 by
// itself, or as a second-role use beside an independent first-role one.
func completesAAL2(methods []Method, i int) bool {
	m := &methods[i]
	if m.vouchedAAL2() {
		return true
	}
	if m.Role != RoleSecond {
		return false
	}
	for j := range methods {
		if methods[j].Role == RoleFirst && independent(&methods[j], m.CredentialID, m.Evidence.Channel) {
			return true
		}
	}
	return false
}

// independent reports whether a first-role use shares neither credential nor
// channel with something else. Empty values equal nothing.
func independent(first *Method, credentialID, channel string) bool {
	return (credentialID == "" || first.CredentialID != credentialID) &&
		(channel == "" || first.Evidence.Channel != channel)
}

// amrPrefix makes a name that RFC 8176 does not register a private one.
const amrPrefix = "urn:go-mfa:amr:"

// AMR returns the authentication method references of a list of methods, as
// the values registered by RFC 8176, section 2, in a fixed order without
// repetitions. A method that has no registered value gets one in a name space
// of this library. "mfa" is there if and only if the level is at least AAL2.
func AMR(methods []Method) []string {
	amr := []string{}
	add := func(values ...string) {
		for _, v := range values {
			if !slices.Contains(amr, v) {
				amr = append(amr, v)
			}
		}
	}
	for i := range methods {
		m := &methods[i]
		switch m.Name {
		case "password":
			add("pwd")
		case "totp", "email":
			add("otp")
		case "sms":
			add("otp", "sms")
		case "webauthn":
			if m.Evidence.HardwareBound {
				add("hwk")
			} else {
				add("pop")
			}
			add("user")
		default:
			add(amrPrefix + m.Name)
		}
	}
	slices.Sort(amr)
	if Level(methods) >= AAL2 {
		amr = append(amr, "mfa")
	}
	return amr
}
