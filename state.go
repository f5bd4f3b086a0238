package mfa

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/wire"
)

// State is what a session has proved. A Session loads and saves it whole. It
// is a value: whoever adds to it makes a copy. The zero State is nobody.
//
// A State says what was proved, not what it is worth now: a credential that
// has since been removed no longer counts. Ask Manager.Allow or
// Manager.Status.
type State struct {
	ID      string   // names the session in ceremonies and events; survives renewal; never the cookie's value
	UserID  string   // the app's primary key of the user
	Methods []Method // the AMR, oldest first; immutable
	Pending bool     // the sign-in requirement is not met: the app must not treat the user as signed in
	Device  string   // the trusted-device credential that vouched at sign-in, if any
}

// Role says in which role a method was used.
type Role uint8

// The roles. The zero value is no role and counts for nothing.
const (
	RoleFirst  Role = 1
	RoleSecond Role = 2
)

// String returns "first", "second", or nothing.
func (r Role) String() string {
	switch r {
	case RoleFirst:
		return "first"
	case RoleSecond:
		return "second"
	default:
		return ""
	}
}

// Method is one completed use of a method of authentication.
type Method struct {
	Name         string    // the AMR name: "password", "totp"
	Role         Role      // the role it was used in
	At           time.Time // when it was completed, by the Manager's clock, in whole milliseconds
	CredentialID string    // the credential used; empty where there is none
	Evidence     Evidence  // what was proved; in a State the Channel is a hash
	Upstream     *Upstream // for a federated sign-in
}

// Upstream is what an identity provider said of a federated sign-in.
type Upstream struct {
	Provider string   // which provider, as the app names it
	ACR      string   // its acr claim
	AMR      []string // its amr claim
	// AAL2 is the app's word that this provider, with these claims, has
	// proved two factors. The sign-in is then aal2 by itself.
	AAL2 bool
}

func (m *Method) vouchedAAL2() bool {
	return m.Role == RoleFirst && m.Upstream != nil && m.Upstream.AAL2
}

// Password returns the first factor of an app that has just checked a
// password.
func Password() Method {
	return FirstFactor("password", Evidence{Category: factor.Knowledge})
}

// OIDC returns the first factor of an app that has just accepted a federated
// sign-in. upstream.Provider is set to provider.
func OIDC(provider string, upstream Upstream) Method {
	upstream.Provider = provider
	upstream.AMR = slices.Clone(upstream.AMR)
	m := FirstFactor("oidc", Evidence{})
	m.Upstream = &upstream
	return m
}

// FirstFactor returns a first factor that the app has just checked: a magic
// link, a password reset, a remember-me cookie, an impersonation. The name
// consists of a-z, 0-9 and underscore. Set evidence.Channel with EmailChannel
// or PhoneChannel if the factor went through an inbox or a phone: a code sent
// there later is then not a second factor.
func FirstFactor(name string, evidence Evidence) Method {
	return Method{Name: name, Role: RoleFirst, Evidence: evidence}
}

// maxMethods is how many uses a State remembers.
const maxMethods = 12

// with returns the state with m appended. Of too many methods the oldest goes
// that has a newer one of the same name, role and credential; failing that,
// the oldest that is not the last of its role.
func (s State) with(m Method) State {
	m.At = m.At.UTC().Truncate(time.Millisecond)
	m.Evidence.Channel = hashChannel(s.UserID, m.Evidence.Channel)
	methods := append(slices.Clip(slices.Clone(s.Methods)), m)
	for len(methods) > maxMethods {
		methods = slices.Delete(methods, superseded(methods), superseded(methods)+1)
	}
	s.Methods = methods
	return s
}

func superseded(methods []Method) int {
	for i, old := range methods {
		if slices.ContainsFunc(methods[i+1:], func(m Method) bool {
			return m.Name == old.Name && m.Role == old.Role && m.CredentialID == old.CredentialID
		}) {
			return i
		}
	}
	for i, old := range methods {
		if slices.ContainsFunc(methods[i+1:], func(m Method) bool { return m.Role == old.Role }) {
			return i
		}
	}
	return 0
}

// without returns the state with the uses of a credential removed.
func (s State) without(credentialID string) State {
	s.Methods = slices.DeleteFunc(slices.Clone(s.Methods), func(m Method) bool { return m.CredentialID == credentialID })
	return s
}

// hashChannel returns what a State keeps of a channel: 16 bytes that are equal
// for equal channels of one user and say nothing else. There is no key in it,
// so that rotating keys never makes one inbox look like two.
func hashChannel(userID, channel string) string {
	if channel == "" {
		return ""
	}
	h := digest("channel", userID, channel)
	return string(h[:16])
}

// digest hashes a label and parts, each with its length.
func digest(label string, parts ...string) [sha256.Size]byte {
	b := wire.AppendString(make([]byte, 0, 128), "go-mfa/mfa "+label)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}

const stateVersion = 1

// Bits of a method's flags byte.
const (
	flagSecond = 1 << iota
	flagUserVerified
	flagPhishingResistant
	flagHardwareBound
	flagUpstream
	flagUpstreamAAL2
	flagsEnd
)

// MarshalBinary implements [encoding.BinaryMarshaler]. The encoding is compact
// and versioned, and it is not encrypted. The zero State is empty.
func (s State) MarshalBinary() ([]byte, error) {
	if s.isZero() {
		return []byte{}, nil
	}
	b := append(make([]byte, 0, 64+64*len(s.Methods)), stateVersion)
	b = wire.AppendString(b, s.ID)
	b = wire.AppendString(b, s.UserID)
	b = wire.AppendString(b, s.Device)
	b = wire.AppendBool(b, s.Pending)
	b = wire.AppendUint(b, uint64(len(s.Methods)))
	for i := range s.Methods {
		m := &s.Methods[i]
		if m.Role != RoleFirst && m.Role != RoleSecond {
			return nil, errors.New("mfa: a method of a State has no role: make first factors with Password, OIDC or FirstFactor")
		}
		b = append(b, m.flags())
		b = wire.AppendString(b, m.Name)
		b = wire.AppendTime(b, m.At)
		b = wire.AppendString(b, m.CredentialID)
		b = append(b, byte(m.Evidence.Category))
		b = wire.AppendString(b, m.Evidence.Channel)
		if u := m.Upstream; u != nil {
			b = wire.AppendString(b, u.Provider)
			b = wire.AppendString(b, u.ACR)
			b = wire.AppendUint(b, uint64(len(u.AMR)))
			for _, v := range u.AMR {
				b = wire.AppendString(b, v)
			}
		}
	}
	return b, nil
}

func (m *Method) flags() (f byte) {
	set := func(on bool, bit byte) {
		if on {
			f |= bit
		}
	}
	set(m.Role == RoleSecond, flagSecond)
	set(m.Evidence.UserVerified, flagUserVerified)
	set(m.Evidence.PhishingResistant, flagPhishingResistant)
	set(m.Evidence.HardwareBound, flagHardwareBound)
	set(m.Upstream != nil, flagUpstream)
	set(m.Upstream != nil && m.Upstream.AAL2, flagUpstreamAAL2)
	return f
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. Empty input is the
// zero State. An unknown version is an error: a Session answers it with
// ErrNoSession.
func (s *State) UnmarshalBinary(b []byte) error {
	*s = State{}
	if len(b) == 0 {
		return nil
	}
	r := wire.NewTextReader(b)
	if r.Byte() != stateVersion {
		return errors.New("mfa: unknown version of a session's state")
	}
	out := State{ID: r.String(), UserID: r.String(), Device: r.String(), Pending: r.Bool()}
	if n := r.Len(); n > 0 {
		out.Methods = make([]Method, 0, min(n, maxMethods))
		for range n {
			out.Methods = append(out.Methods, readMethod(&r))
		}
	}
	if out.ID == "" || out.UserID == "" || len(out.Methods) > maxMethods {
		r.Fail()
	}
	if err := r.Done(); err != nil {
		return err
	}
	*s = out
	return nil
}

func readMethod(r *wire.Reader) Method {
	flags := r.Byte()
	if flags >= flagsEnd {
		r.Fail()
	}
	m := Method{Role: RoleFirst, Name: r.String(), At: r.Time(), CredentialID: r.String()}
	if flags&flagSecond != 0 {
		m.Role = RoleSecond
	}
	m.Evidence = Evidence{
		Category:          factor.Category(r.Byte()),
		Channel:           r.String(),
		UserVerified:      flags&flagUserVerified != 0,
		PhishingResistant: flags&flagPhishingResistant != 0,
		HardwareBound:     flags&flagHardwareBound != 0,
	}
	if flags&flagUpstream != 0 {
		u := &Upstream{Provider: r.String(), ACR: r.String(), AAL2: flags&flagUpstreamAAL2 != 0}
		for range r.Len() {
			u.AMR = append(u.AMR, r.String())
		}
		m.Upstream = u
	} else if flags&flagUpstreamAAL2 != 0 {
		r.Fail()
	}
	return m
}

func (s State) isZero() bool {
	return s.ID == "" && s.UserID == "" && s.Device == "" && len(s.Methods) == 0 && !s.Pending
}

func (s State) equal(t State) bool {
	a, errA := s.MarshalBinary()
	b, errB := t.MarshalBinary()
	return errA == nil && errB == nil && string(a) == string(b)
}
