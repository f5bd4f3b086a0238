package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// skew is how far in the future a use may lie and still count as recent: the
// clocks of several servers differ a little.
const skew = time.Minute

// allow judges a state, pending ones included, against a requirement and the
// credentials that exist now.
func (m *Manager) allow(ctx context.Context, s State, creds []Credential, q Requirement) error {
	if s.UserID == "" {
		return ErrNoSession
	}
	if !s.Pending {
		return m.judge(ctx, s, creds, q)
	}
	if err := m.judge(ctx, s, creds, m.cfg.SignIn); err != nil {
		return err
	}
	// What kept the sign-in pending is gone. Only signing in again clears it.
	methods := m.live(s.Methods, creds)
	return &StepUpError{Have: Level(methods), Want: AAL1, Missing: MissingFirstFactor}
}

// judge is the one place that decides whether a state meets a requirement. It
// ignores Pending. It returns nil, a *StepUpError, or a fault.
func (m *Manager) judge(ctx context.Context, s State, creds []Credential, q Requirement) error {
	methods := m.live(s.Methods, creds)
	have := Level(methods)
	want := q.AAL
	if want != AAL1 && !hasFirst(methods) {
		return firstFactorGone(have)
	}
	if want == AAL0 || want == HighestAvailable {
		var err error
		if want, err = m.highest(ctx, s, methods, creds); err != nil {
			return err
		}
	}
	if have >= want {
		now := m.now()
		newest, closed := newestClosing(methods, want, q, now)
		if closed && (q.MaxAge <= 0 || now.Sub(newest) <= q.MaxAge) {
			return nil
		}
	}
	return m.stepUp(ctx, s, methods, creds, have, want, q)
}

// firstFactorGone refuses a session whose first factor was taken from the user:
// what is available beside a first factor says nothing about it any more, and
// only signing in again helps.
func firstFactorGone(have AAL) error {
	return &StepUpError{Have: have, Want: AAL1, Missing: MissingFirstFactor}
}

// live leaves out the uses that no longer count: of a credential that is gone,
// or of a second factor that nobody knows. It allocates only if there are any.
func (m *Manager) live(methods []Method, creds []Credential) []Method {
	for i := range methods {
		if !m.counts(&methods[i], creds) {
			left := slices.Clone(methods[:i])
			for j := i + 1; j < len(methods); j++ {
				if m.counts(&methods[j], creds) {
					left = append(left, methods[j])
				}
			}
			return left
		}
	}
	return methods
}

func (m *Manager) counts(use *Method, creds []Credential) bool {
	switch use.Role {
	case RoleFirst:
		if use.Name == "" {
			return false
		}
	case RoleSecond:
		if _, known := m.infos[use.Name]; !known && !slices.Contains(m.cfg.Retired, use.Name) {
			return false
		}
	default:
		return false
	}
	if use.CredentialID == "" {
		return true
	}
	for i := range creds {
		if creds[i].ID == use.CredentialID {
			return creds[i].Method == use.Name
		}
	}
	return false
}

// newestClosing returns the time of the newest use that closes a level under
// the requirement's restrictions. Where age matters, a use from the future is
// none: the clock was set back since, and it would stay the newest for long.
func newestClosing(methods []Method, level AAL, q Requirement, now time.Time) (newest time.Time, closed bool) {
	for i := range methods {
		use := &methods[i]
		if q.MaxAge > 0 && use.At.After(now.Add(skew)) || level >= AAL2 && !completesAAL2(methods, i) ||
			q.PhishingResistant && !use.Evidence.PhishingResistant ||
			len(q.Methods) > 0 && !slices.Contains(q.Methods, use.Name) {
			continue
		}
		if !closed || use.At.After(newest) {
			newest, closed = use.At, true
		}
	}
	return newest, closed
}

// highest returns the highest level available to a session.
func (m *Manager) highest(ctx context.Context, s State, methods []Method, creds []Credential) (AAL, error) {
	if Level(methods) >= AAL2 {
		return AAL2, nil
	}
	available, err := m.available(ctx, s, methods, creds)
	if err != nil || !available {
		return AAL1, err
	}
	return AAL2, nil
}

// available reports whether a second factor that is no recovery method, beside
// one of the session's first-role uses, gives aal2. It opens sealed Data only
// if a channel could matter, and asks the app about the user only if no
// credential is available.
func (m *Manager) available(ctx context.Context, s State, methods []Method, creds []Credential) (bool, error) {
	if !hasFirst(methods) {
		return false, nil
	}
	for i := range creds {
		if !m.real(&creds[i]) {
			continue
		}
		raises, err := m.raises(s, methods, &creds[i])
		if err != nil || raises {
			return raises, err
		}
	}
	return m.contactAvailable(ctx, s, methods)
}

func hasFirst(methods []Method) bool {
	return slices.ContainsFunc(methods, func(use Method) bool { return use.Role == RoleFirst })
}

// real reports whether a credential is a second factor of its own: no recovery
// method, no trusted device, not retired. A method that nobody knows counts.
func (m *Manager) real(c *Credential) bool {
	return c.Method != deviceMethod && !m.infos[c.Method].Recovery && !slices.Contains(m.cfg.Retired, c.Method)
}

// raises reports whether using a sealed credential as second factor, beside
// one of the session's first-role uses, gives aal2.
func (m *Manager) raises(s State, methods []Method, c *Credential) (bool, error) {
	channel := ""
	f := m.factors[c.Method]
	if f != nil && factor.HasChannels(f) && slices.ContainsFunc(methods, func(use Method) bool {
		return use.Role == RoleFirst && use.Evidence.Channel != ""
	}) {
		opened, err := m.open(*c)
		if err != nil {
			return false, err
		}
		if ch, ok := factor.Channel(f, User{ID: s.UserID}, &opened); ok {
			channel = hashChannel(s.UserID, ch)
		}
	}
	return besideFirst(methods, c.ID, channel), nil
}

func besideFirst(methods []Method, credentialID, channel string) bool {
	for i := range methods {
		if methods[i].Role == RoleFirst && independent(&methods[i], credentialID, channel) {
			return true
		}
	}
	return false
}

// contactAvailable reports whether a verified contact of the user is an
// available second factor.
func (m *Manager) contactAvailable(ctx context.Context, s State, methods []Method) (bool, error) {
	for _, name := range m.order {
		if m.infos[name].Recovery {
			continue
		}
		raises, err := m.contactRaises(ctx, s, methods, name)
		if err != nil || raises {
			return raises, err
		}
	}
	return false, nil
}

// contactRaises reports whether the user's verified contact for a method,
// beside one of the session's first-role uses, gives aal2.
func (m *Manager) contactRaises(ctx context.Context, s State, methods []Method, method string) (bool, error) {
	f := m.factors[method]
	if f == nil || !factor.HasChannels(f) {
		return false, nil
	}
	user, err := m.user(ctx, s.UserID)
	if err != nil {
		return false, err
	}
	ch, ok := factor.Channel(f, user, nil)
	return ok && ch != "" && besideFirst(methods, "", hashChannel(s.UserID, ch)), nil
}

// errNoUser means that the app does not know a user any more.
var errNoUser = errors.New("the user is gone")

// user asks the app about a user and makes sure that it answers about that one.
func (m *Manager) user(ctx context.Context, userID string) (User, error) {
	u, err := m.cfg.User(ctx, userID)
	if errors.Is(err, ErrNotFound) {
		return User{}, fmt.Errorf("mfa: Config.User: %w: %w", errNoUser, fault(err))
	}
	if err != nil {
		return User{}, fmt.Errorf("mfa: Config.User: %w", fault(err))
	}
	u.ID = userID
	return u, nil
}

// stepUp says what is missing.
func (m *Manager) stepUp(ctx context.Context, s State, methods []Method, creds []Credential, have, want AAL, q Requirement) error {
	e := &StepUpError{Have: have, Want: want, MaxAge: max(0, q.MaxAge)}
	var accepted []string
	for _, name := range m.byStrength() {
		if len(q.Methods) > 0 && !slices.Contains(q.Methods, name) || q.PhishingResistant && m.infos[name].Guessable {
			continue
		}
		if !m.infos[name].Recovery {
			accepted = append(accepted, name)
		}
		ok, err := m.canUse(ctx, s, methods, creds, name, want)
		if err != nil {
			return err
		}
		if ok {
			e.Methods = append(e.Methods, name)
		}
	}
	m.contactsAfterCredentials(e.Methods, creds)
	_, closed := newestClosing(methods, want, q, m.now())
	switch {
	case len(e.Methods) > 0 && have >= want && closed:
		e.Missing = MissingRecent
	case len(e.Methods) > 0:
		e.Missing = MissingSecondFactor
	case m.firstFactorWouldDo(methods, want, q):
		e.Missing = MissingFirstFactor
	default:
		e.Missing = MissingEnrollment
		if len(q.Methods) > 0 || q.PhishingResistant {
			e.Enroll = accepted
		}
	}
	if have >= want && !closed && e.Missing != MissingFirstFactor {
		e.Want = max(want, AAL2) // only a second factor closes it, and that gives aal2
	}
	return e
}

// firstFactorWouldDo reports whether signing in again would meet q.
func (m *Manager) firstFactorWouldDo(methods []Method, want AAL, q Requirement) bool {
	if !hasFirst(methods) {
		return true
	}
	if q.PhishingResistant {
		return false
	}
	byApp := len(q.Methods) == 0 || slices.ContainsFunc(q.Methods, func(name string) bool { return m.factors[name] == nil })
	vouched := slices.ContainsFunc(methods, func(use Method) bool { return use.vouchedAAL2() })
	return byApp && (want <= AAL1 || vouched)
}

// byStrength returns the configured methods, those that cannot be guessed
// first, recovery last.
func (m *Manager) byStrength() []string {
	rank := func(name string) int {
		switch info := m.infos[name]; {
		case info.Recovery:
			return 3
		case info.Restricted:
			return 2
		case info.Guessable:
			return 1
		default:
			return 0
		}
	}
	names := slices.Clone(m.order)
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// contactsAfterCredentials moves methods that are usable by a verified contact
// alone behind those that the user has enrolled, and before recovery.
func (m *Manager) contactsAfterCredentials(names []string, creds []Credential) {
	rank := func(name string) int {
		switch enrolled := slices.ContainsFunc(creds, func(c Credential) bool { return c.Method == name }); {
		case m.infos[name].Recovery:
			return 2
		case !enrolled:
			return 1
		default:
			return 0
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
}

// canUse reports whether the user can verify with a method now, by credential
// or by contact.
func (m *Manager) canUse(ctx context.Context, s State, methods []Method, creds []Credential, method string, want AAL) (bool, error) {
	usable, err := m.usable(s, methods, creds, method, want)
	if err != nil || len(usable) > 0 {
		return len(usable) > 0, err
	}
	return m.contactRaises(ctx, s, methods, method)
}

// usable returns the user's sealed credentials of a configured method that can
// be verified with now: none before a first factor. For a level above AAL1 only
// those that give it; and a recovery method only beside a real one.
func (m *Manager) usable(s State, methods []Method, creds []Credential, method string, want AAL) ([]Credential, error) {
	if !hasFirst(methods) || m.infos[method].Recovery && !m.hasReal(creds) {
		return nil, nil
	}
	var usable []Credential
	for i := range creds {
		if creds[i].Method != method {
			continue
		}
		if want >= AAL2 {
			raises, err := m.raises(s, methods, &creds[i])
			if err != nil {
				return nil, err
			}
			if !raises {
				continue
			}
		}
		usable = append(usable, creds[i])
	}
	return usable, nil
}
