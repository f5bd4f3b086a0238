package mfa

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/go-mfa/mfa/internal/returnto"
)

// gate is the context of a request that passed one: what it loaded, for
// handlers and for gates further in. It is a type of its own because that is
// one allocation less on every request.
type gate struct {
	context.Context
	m     *Manager
	state State
	creds []Credential
}

type gateKey struct{}

// Value implements context.Context.
func (g *gate) Value(key any) any {
	if key == (gateKey{}) {
		return g
	}
	return g.Context.Value(key)
}

// FromContext returns the state that Require loaded for this request. It does
// not see what the handler has changed since.
func FromContext(ctx context.Context) (State, bool) {
	g, ok := ctx.Value(gateKey{}).(*gate)
	if !ok {
		return State{}, false
	}
	return g.state, true
}

// RequireAAL is Require with a level only.
func (m *Manager) RequireAAL(aal AAL) func(http.Handler) http.Handler {
	return m.Require(Requirement{AAL: aal})
}

// Require returns middleware that calls the next handler only if the request's
// session meets the requirement now, and has everything else refused by
// Config.Deny. It reads the user's credentials once per request, however many
// gates are nested, and never wraps the ResponseWriter. It panics if the
// requirement is one that the profile never meets or that is not built yet.
//
// It must be inside of the middleware that loads the app's sessions.
func (m *Manager) Require(q Requirement) func(http.Handler) http.Handler {
	if err := m.validate(q); err != nil {
		panic("mfa: Require: " + err.Error())
	}
	q.Methods = slices.Clone(q.Methods)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g, err := m.check(r, q)
			if err != nil {
				m.cfg.Deny(w, r, err)
				return
			}
			if g.Context != nil {
				r = r.WithContext(g)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Check is Load and Allow: it returns the request's state if it meets the
// requirement now. Inside of a handler that Require wraps it judges what that
// gate has read: in a request that lasts, such as a WebSocket, call Load and
// Allow instead.
func (m *Manager) Check(r *http.Request, q Requirement) (State, error) {
	g, err := m.check(r, q)
	if err != nil {
		return State{}, err
	}
	return g.state, nil
}

// check returns what a gate knows of the request. Its Context is nil if a gate
// further out has put it into the request's context already. A panic of the
// session, the store or a factor is a fault.
func (m *Manager) check(r *http.Request, q Requirement) (g *gate, err error) {
	defer func() {
		if p := recover(); p != nil {
			g, err = nil, fmt.Errorf("mfa: panic (%T) in the gate\n%s", p, debug.Stack())
		}
	}()
	ctx := r.Context()
	if outer, ok := ctx.Value(gateKey{}).(*gate); ok && outer.m == m {
		g = &gate{m: m, state: outer.state, creds: outer.creds}
	} else {
		g = &gate{Context: ctx, m: m}
		if g.state, err = m.Load(r); err != nil {
			return nil, err
		}
		if g.creds, err = m.cfg.Store.Credentials(ctx, g.state.UserID); err != nil {
			return nil, fmt.Errorf("mfa: reading credentials: %w", fault(err))
		}
	}
	if err := m.allow(ctx, g.state, g.creds, q); err != nil {
		return nil, err
	}
	return g, nil
}

// Load returns the state of the request's session, a pending one too. It does
// not say what the state is worth. Without a session the error wraps
// ErrNoSession.
func (m *Manager) Load(r *http.Request) (State, error) {
	s, err := m.cfg.Session.Load(r)
	if err != nil {
		if errors.Is(err, ErrNoSession) {
			return State{}, err
		}
		return State{}, fmt.Errorf("mfa: loading the session: %w", fault(err))
	}
	if s.UserID == "" || s.ID == "" {
		return State{}, ErrNoSession
	}
	return s, nil
}

// Allow returns nil if the state meets the requirement now; ErrNoSession; a
// *StepUpError; or a fault. It reads the user's credentials.
func (m *Manager) Allow(ctx context.Context, s State, q Requirement) error {
	if err := m.validate(q); err != nil {
		return fmt.Errorf("mfa: Allow: %w", err)
	}
	if s.UserID == "" {
		return ErrNoSession
	}
	creds, err := m.cfg.Store.Credentials(ctx, s.UserID)
	if err != nil {
		return fmt.Errorf("mfa: reading credentials: %w", fault(err))
	}
	return m.allow(ctx, s, creds, q)
}

// Refuse is the default of Config.Deny. It answers by what the client is: a
// page navigation is sent to where the user can do something about it (303);
// everything else gets the status of the error as problem+json, with the
// challenge of RFC 9470 where a step-up is needed. A fault is 503 and logged.
func (m *Manager) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemFor(err)
	if p.Status == http.StatusServiceUnavailable {
		m.cfg.Logger.ErrorContext(r.Context(), "mfa: request refused because of a fault", "error", err)
	}
	to := m.Destination(err)
	if to != "" && navigates(r) {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, withReturnTo(to, returnto.Of(r)), http.StatusSeeOther)
		return
	}
	p.RedirectTo = to
	if err := p.Write(w); err != nil {
		m.cfg.Logger.DebugContext(r.Context(), "mfa: writing a refusal", "error", err)
	}
}

// Destination returns where a user can do something about an error of the
// gate: Config.VerifyURL with the methods that would do, Config.LoginURL where
// a fresh first factor would, or Config.EnrollURL, with the methods that would
// do if not every one would. It is "" for other errors.
func (m *Manager) Destination(err error) string {
	var stepUp *StepUpError
	switch {
	case errors.Is(err, ErrNoSession):
		return m.cfg.LoginURL
	case !errors.As(err, &stepUp):
		return ""
	case len(stepUp.Methods) > 0:
		return withQuery(m.cfg.VerifyURL, "methods", strings.Join(stepUp.Methods, ","))
	case stepUp.Missing == MissingFirstFactor:
		return m.cfg.LoginURL
	case len(stepUp.Enroll) > 0:
		return withQuery(m.cfg.EnrollURL, "methods", strings.Join(stepUp.Enroll, ","))
	default:
		return m.cfg.EnrollURL
	}
}

func withReturnTo(to, back string) string {
	if back == "" {
		return to
	}
	return withQuery(to, "return_to", back)
}

// withQuery adds a parameter to a URL that New has checked.
func withQuery(to, name, value string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// navigates reports whether a browser is about to show the answer as a page.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// fault hides the sentinels of a Store or Session where they would be read as
// a verdict on the user. ErrBusy is none.
func fault(err error) error {
	return hiddenError{text: err.Error(), busy: errors.Is(err, ErrBusy)}
}

type hiddenError struct {
	text string
	busy bool
}

func (e hiddenError) Error() string        { return e.text }
func (e hiddenError) Is(target error) bool { return e.busy && target == ErrBusy }
