package mfa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/seal"
)

// Config is what a Manager is made of. New copies and checks it. Store,
// Session, Factors, Keys and User are required.
type Config struct {
	Store   Store
	Session Session
	Factors []Factor
	// Retired names methods that are no longer offered. Credentials of any
	// other method that no Factor serves still count as available: their
	// owners are refused rather than let in with less.
	Retired []string
	// Keys seal what is stored: 32 bytes of crypto/rand each, newest first.
	// The first seals, all open. Losing them loses every enrolment.
	Keys [][]byte
	// User returns what the app knows of a user: name, display name, verified
	// e-mail and phone, locale. An error is a fault. With FindUser it is also
	// asked about ids that no user has, while somebody signs in by a name that
	// nobody has: it must take as long then, and what it returns is ignored.
	User func(ctx context.Context, userID string) (User, error)
	// FindUser returns the id of the user who signs in with a name, as
	// BeginSignIn is given it, and ErrNotFound for a name that nobody has. It
	// must return one id however the name is written, and take as long either
	// way. Other errors are faults. Nil means that nobody signs in through a
	// factor.
	FindUser func(ctx context.Context, name string) (userID string, err error)

	// SignIn is what a login must reach before it counts. HighestAvailable,
	// the default, asks those who have a second factor for it; AAL1 asks
	// nobody; AAL2 makes a second factor mandatory. It carries AAL only.
	SignIn Requirement
	// SignInFor is reserved for requirements per user. New refuses it so far.
	SignInFor func(context.Context, User) (Requirement, time.Time)
	// Privileged is what managing credentials needs: AAL and MaxAge only. The
	// default is HighestAvailable within 15 minutes. The level is capped at
	// the highest that is available to the session.
	Privileged Requirement
	Assurance  Assurance
	Limits     Limits

	// OnEvent is told of everything that happens, synchronously, after the
	// fact. It cannot veto, and its panics are logged and dropped.
	OnEvent func(context.Context, Event)
	// Logger receives every event, and every fault for which the gate refuses.
	// Other faults are returned to the caller. Nil means slog.Default.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// Deny answers a request that the gate refuses. Nil means Refuse. err is
	// ErrNoSession, a *StepUpError, or a fault; it must not answer with 2xx.
	Deny func(w http.ResponseWriter, r *http.Request, err error)
	// Where the default refusal sends browsers: a path or an https URL each.
	// The defaults are "/login", "/mfa/verify" and "/mfa/".
	LoginURL, VerifyURL, EnrollURL string
}

// Limits bounds what one user may do. Zero values mean the defaults.
type Limits struct {
	Credentials int // credentials per user and method, 20
	Attempts    int // wrong answers before the delays begin, 5
	Closed      int // wrong answers in a row after which only another factor, AdminReset or Unlock opens the budget again, 100
	Lookups     int // wrong recovery codes per hour, 20
	SignIns     int // sign-ins through a factor that one client address (see WithClient) may begin per hour, 100
}

// Manager is the library: ceremonies, management of credentials, and the gate.
// It keeps nothing in memory between two calls. It is safe for concurrent use.
type Manager struct {
	cfg     Config
	factors map[string]Factor
	infos   map[string]factor.Info
	order   []string // methods in the order of Config.Factors
	ring    *seal.Ring

	decoyKey []byte
}

var methodName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// deviceMethod is reserved for trusted devices, which are never a factor.
const deviceMethod = "device"

// New makes a Manager. It refuses a Config that is incomplete or unsafe with
// one sentence that says how to mend it.
func New(cfg Config) (*Manager, error) {
	m := &Manager{cfg: cfg, factors: map[string]Factor{}, infos: map[string]factor.Info{}}
	for _, step := range []func() error{m.initRequired, m.initReserved, m.initFactors, m.initRequirements, m.initURLs} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("mfa: %w", err)
		}
	}
	ring, err := seal.NewRing("store", cfg.Keys)
	if err != nil {
		return nil, fmt.Errorf("mfa: Config.Keys: %w", err)
	}
	m.ring = ring
	if m.decoyKey, err = newDecoyKey(cfg.Keys); err != nil {
		return nil, fmt.Errorf("mfa: Config.Keys: %w", err)
	}
	m.cfg.Keys = nil
	m.cfg.Factors = nil
	m.cfg.Retired = slices.Clone(cfg.Retired)
	if m.cfg.Logger == nil {
		m.cfg.Logger = slog.Default()
	}
	if m.cfg.Now == nil {
		m.cfg.Now = time.Now
	}
	if m.cfg.Deny == nil {
		m.cfg.Deny = m.Refuse
	}
	return m, nil
}

func (m *Manager) initRequired() error {
	c := &m.cfg
	switch {
	case isNil(c.Store):
		return errors.New("Config.Store is missing or a nil pointer: implement Store over your database, or take sqlstore.New")
	case isNil(c.Session):
		return errors.New("Config.Session is missing or a nil pointer: take scssession.New or cookiesession.New, or write an adapter for your sessions")
	case len(c.Factors) == 0:
		return errors.New("Config.Factors is empty: add at least one, such as totpfactor.New")
	case c.User == nil:
		return errors.New("Config.User is missing: give a function that returns the name of one of your users")
	}
	return nil
}

// initReserved refuses what would be ignored.
func (m *Manager) initReserved() error {
	c := &m.cfg
	switch {
	case c.SignInFor != nil:
		return errors.New("Config.SignInFor is set, and requirements per user are not built yet: leave it nil and use SignIn")
	case c.Assurance != DefaultAssurance:
		return errors.New("Config.Assurance names a profile that is not built yet: leave it at DefaultAssurance")
	}
	return nil
}

func (m *Manager) initFactors() error {
	for i, f := range m.cfg.Factors {
		if isNil(f) {
			return fmt.Errorf("Config.Factors[%d] is nil: check the error of its constructor", i)
		}
		info := f.Info()
		switch {
		case !methodName.MatchString(info.Method) || info.Method == deviceMethod:
			return fmt.Errorf("Config.Factors[%d] calls its method %q: use a-z, 0-9 and underscore, and not %q", i, info.Method, deviceMethod)
		case m.factors[info.Method] != nil:
			return fmt.Errorf("Config.Factors has %q twice: give each method once", info.Method)
		case slices.Contains(m.cfg.Retired, info.Method):
			return fmt.Errorf("Config.Retired names %q, which Config.Factors offers: take it out of one of them", info.Method)
		}
		m.factors[info.Method], m.infos[info.Method] = f, info
		m.order = append(m.order, info.Method)
	}
	if !slices.ContainsFunc(m.order, func(name string) bool { return !m.infos[name].Recovery }) {
		return errors.New("Config.Factors has recovery methods only: add a real factor, such as totpfactor.New")
	}
	if !slices.ContainsFunc(m.order, func(name string) bool { return !m.infos[name].Recovery && !m.infos[name].Restricted }) {
		return errors.New("Config.Factors has no factor beside SMS, which can be intercepted: offer another one too, such as totpfactor.New (NIST SP 800-63B-4, section 3.2.9)")
	}
	if m.cfg.FindUser != nil && !slices.ContainsFunc(m.order, func(name string) bool { return m.infos[name].FirstFactor }) {
		return errors.New("Config.FindUser is set, and no factor of Config.Factors can be a first one: add one that can, such as otpdelivery.NewEmail with SignIn, or leave it nil")
	}
	return nil
}

func (m *Manager) initRequirements() error {
	c := &m.cfg
	if err := m.validate(c.SignIn); err != nil {
		return fmt.Errorf("Config.SignIn: %w", err)
	}
	if c.SignIn.MaxAge > 0 || c.SignIn.PhishingResistant || len(c.SignIn.Methods) > 0 {
		return errors.New("Config.SignIn carries AAL only, because a user whose factor is old or another could never finish signing in: put MaxAge, PhishingResistant and Methods on routes")
	}
	p := &c.Privileged
	if err := m.validate(*p); err != nil {
		return fmt.Errorf("Config.Privileged: %w", err)
	}
	if p.PhishingResistant || len(p.Methods) > 0 {
		return errors.New("Config.Privileged carries AAL and MaxAge only: leave the rest out")
	}
	if p.MaxAge == 0 {
		p.MaxAge = 15 * time.Minute
	}
	for _, l := range []struct {
		name  string
		value *int
		def   int
	}{
		{"Credentials", &c.Limits.Credentials, 20},
		{"Attempts", &c.Limits.Attempts, 5},
		{"Closed", &c.Limits.Closed, 100},
		{"Lookups", &c.Limits.Lookups, 20},
		{"SignIns", &c.Limits.SignIns, 100},
	} {
		if *l.value < 0 {
			return fmt.Errorf("Config.Limits.%s is negative: leave it zero for the default of %d", l.name, l.def)
		}
		if *l.value == 0 {
			*l.value = l.def
		}
	}
	return nil
}

func (m *Manager) initURLs() error {
	c := &m.cfg
	for _, u := range []struct {
		name  string
		value *string
		def   string
	}{{"LoginURL", &c.LoginURL, "/login"}, {"VerifyURL", &c.VerifyURL, "/mfa/verify"}, {"EnrollURL", &c.EnrollURL, "/mfa/"}} {
		if *u.value == "" {
			*u.value = u.def
		}
		parsed, err := url.Parse(*u.value)
		path := err == nil && parsed.Scheme == "" && parsed.Host == "" && strings.HasPrefix(parsed.Path, "/")
		absolute := err == nil && parsed.Scheme == "https" && parsed.Host != ""
		if !path && !absolute {
			return fmt.Errorf("Config.%s is %q: give a path that begins with a slash, or an https URL", u.name, *u.value)
		}
	}
	return nil
}

// isNil reports whether an interface holds nothing, or a nil pointer: what is
// left of a constructor whose error was not checked.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

func (m *Manager) now() time.Time { return m.cfg.Now().UTC() }
