package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-mfa/mfa/factor"
)

// EnrollOptions says what to enrol.
type EnrollOptions struct {
	Method string
	Name   string            // what the user calls the credential, at most 64 characters; the method's name if empty
	Params map[string]string // for the factor
}

const maxName = 64

// BeginEnroll starts the enrolment of a credential. It needs
// Config.Privileged; a pending session may enrol only if no second factor is
// available to it, and a recovery method only beside a real one. Nothing
// changes until FinishEnroll. Errors: ErrNoSession, *StepUpError,
// ErrNotEnrolled for a recovery method on its own, ErrNotFound for a method
// that is not configured, ErrInvalid for a name or parameters that cannot be,
// ErrConflict for too many credentials, or a fault.
func (m *Manager) BeginEnroll(ctx context.Context, s State, o EnrollOptions) (*Ceremony, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	e := &enrollment{m: m, s: s, method: o.Method, params: o.Params, id: newID()}
	name := strings.TrimSpace(o.Name)
	if name == "" {
		name = o.Method
	}
	if err := errors.Join(checkName(name), checkParams(o.Params)); err != nil {
		return nil, err
	}
	creds, err := e.load(ctx)
	if err != nil {
		return nil, err
	}
	step, err := e.step(ctx)
	if err != nil {
		return nil, err
	}
	c := &ceremony{
		purpose: factor.PurposeEnroll, method: o.Method, userID: s.UserID, session: s.ID,
		digest: credentialDigest(s.UserID, creds), name: name, params: o.Params,
	}
	return m.begin(ctx, c, e.id, step)
}

// begin loads beside these credentials and has the factor begin.
func (e *enrollment) begin(ctx context.Context, creds []Credential) (factor.Step, error) {
	if err := e.use(ctx, creds); err != nil {
		return factor.Step{}, err
	}
	return e.step(ctx)
}

func (e *enrollment) step(ctx context.Context) (factor.Step, error) {
	step, err := e.f.BeginEnroll(ctx, e.request)
	return step, e.m.notBegun(ctx, e.event(), err)
}

// checkName refuses names that would break a line or a page.
func checkName(name string) error {
	switch {
	case name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName:
		return fmt.Errorf("%w: a name has 1 to %d characters", ErrInvalid, maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%w: a name consists of printable characters", ErrInvalid)
	}
	return nil
}

// FinishEnroll has the answer to an enrolment judged, ends the ceremony if it
// is right, and stores the credential. Where enrolling proves something the
// returned state has the use appended; the caller must save it (Update does).
// It asks for the same as BeginEnroll again. The credential is withdrawn, and
// ErrConflict returned, if at the same moment the user got another second
// factor and the session is at aal1, or too many of the method, or lost one to
// an AdminReset.
func (m *Manager) FinishEnroll(ctx context.Context, s State, id string, response []byte) (CredentialInfo, State, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if s.UserID == "" {
		return CredentialInfo{}, State{}, ErrNoSession
	}
	creds, err := m.credentials(ctx, s.UserID)
	if err != nil {
		return CredentialInfo{}, State{}, err
	}
	c, err := m.ceremonyOf(ctx, s, id, creds, factor.PurposeEnroll)
	if err != nil {
		return CredentialInfo{}, State{}, m.refused(ctx, Event{UserID: s.UserID, SessionID: s.ID}, err)
	}
	e := &enrollment{m: m, s: s, method: c.method, params: c.params, id: id, ceremony: c, response: response}
	if err := e.use(ctx, creds); err != nil {
		return CredentialInfo{}, State{}, err
	}
	return e.finish(ctx, creds)
}

// enrollment is one new credential on its way.
type enrollment struct {
	m        *Manager
	s        State
	method   string
	params   map[string]string
	id       string
	ceremony *ceremony
	response []byte

	f       Factor
	info    factor.Info
	sealed  []Credential
	request factor.Request
	result  factor.Enrolled
}

func (e *enrollment) event() Event {
	return Event{UserID: e.s.UserID, SessionID: e.s.ID, Method: e.method}
}

// load reads the user's credentials and checks that the session may enrol.
func (e *enrollment) load(ctx context.Context) ([]Credential, error) {
	if e.s.UserID == "" {
		return nil, ErrNoSession
	}
	creds, err := e.m.credentials(ctx, e.s.UserID)
	if err != nil {
		return nil, err
	}
	return creds, e.use(ctx, creds)
}

// use checks that the session may enrol beside these credentials, and opens
// those of the method.
func (e *enrollment) use(ctx context.Context, creds []Credential) error {
	m := e.m
	if err := m.mayEnroll(ctx, e.s, creds); err != nil {
		return err
	}
	f := m.factors[e.method]
	if f == nil {
		return fmt.Errorf("%w: method %q is not configured", ErrNotFound, e.method)
	}
	e.f, e.info = f, m.infos[e.method]
	if e.info.Recovery && !m.hasReal(creds) {
		return fmt.Errorf("%w: a recovery method needs another second factor first", ErrNotEnrolled)
	}
	e.sealed = nil
	for _, c := range creds {
		if c.Method == e.method {
			e.sealed = append(e.sealed, c)
		}
	}
	if !e.info.Recovery && len(e.sealed) >= m.cfg.Limits.Credentials { // a recovery set replaces the one before
		return fmt.Errorf("%w: %d credentials of a method are the limit", ErrConflict, m.cfg.Limits.Credentials)
	}
	u, err := m.user(ctx, e.s.UserID)
	if err != nil {
		return err
	}
	e.request, err = m.request(u, e.sealed, e.params, factor.PurposeEnroll, e.id)
	if e.ceremony != nil {
		e.request.Expires = e.ceremony.expires
	}
	return err
}

func (m *Manager) hasReal(creds []Credential) bool {
	return slices.ContainsFunc(creds, func(c Credential) bool { return m.real(&c) })
}

// mayEnroll decides who may add credentials: whoever may manage them, and a
// pending session to which no second factor is available.
func (m *Manager) mayEnroll(ctx context.Context, s State, creds []Credential) error {
	if s.Pending {
		methods := m.live(s.Methods, creds)
		available, err := m.available(ctx, s, methods, creds)
		if err != nil {
			return err
		}
		if available {
			return m.allow(ctx, s, creds, Requirement{})
		}
	}
	return m.privileged(ctx, s, creds)
}

// privileged judges Config.Privileged, its level capped at the highest that is
// available to the session. It ignores Pending.
func (m *Manager) privileged(ctx context.Context, s State, creds []Credential) error {
	q, methods := m.cfg.Privileged, m.live(s.Methods, creds)
	if !hasFirst(methods) {
		return firstFactorGone(Level(methods))
	}
	highest, err := m.highest(ctx, s, methods, creds)
	if err != nil {
		return err
	}
	if q.AAL == AAL0 || q.AAL > highest {
		q.AAL = highest
	}
	return m.judge(ctx, s, creds, q)
}

// mayManage decides who may rename and remove credentials.
func (m *Manager) mayManage(ctx context.Context, s State, creds []Credential) error {
	if s.Pending {
		return m.allow(ctx, s, creds, Requirement{})
	}
	return m.privileged(ctx, s, creds)
}

func (e *enrollment) finish(ctx context.Context, before []Credential) (CredentialInfo, State, error) {
	m := e.m
	fail := func(err error) (CredentialInfo, State, error) {
		return CredentialInfo{}, State{}, m.refused(ctx, e.event(), err)
	}
	b, err := m.reserve(ctx, e.s.UserID, e.info, factor.PurposeEnroll)
	if err != nil {
		return fail(err)
	}
	err = m.spend(ctx, e.ceremony, e.info.Guessable, func(c *ceremony) error { return e.judge(ctx, c.state) })
	if err := b.settle(ctx, e.event(), err); err != nil {
		return fail(err)
	}
	stored, err := e.store(ctx)
	if err != nil {
		return fail(err)
	}
	after, err := e.settled(ctx, before, stored)
	if err != nil {
		return fail(err)
	}
	ev := e.event()
	opened := stored
	opened.Data = e.result.Credential.Data
	ev.Kind, ev.CredentialID, ev.Name, ev.Channel = EventEnrolled, stored.ID, stored.Name, m.channelOf(opened)
	m.emit(ctx, ev)
	next := e.s
	if ev := e.result.Evidence; ev != nil {
		evidence := *ev
		evidence.PhishingResistant = evidence.PhishingResistant && !e.info.Guessable
		next = next.with(Method{Name: e.method, Role: RoleSecond, At: e.request.Now, CredentialID: stored.ID, Evidence: evidence})
	}
	if next, err = m.settlePending(ctx, next, after); err != nil {
		return CredentialInfo{}, State{}, err
	}
	return m.describe(opened), next, nil
}

func (e *enrollment) judge(ctx context.Context, state []byte) error {
	res, err := e.f.FinishEnroll(ctx, e.request, state, e.response)
	if err != nil {
		return err
	}
	if id := res.Credential.ID; id != "" && e.index(id) < 0 {
		return fmt.Errorf("mfa: factor %s replaces a credential that it was not given", e.method)
	}
	if len(res.Credential.Key) > 64 {
		return fmt.Errorf("mfa: factor %s returned a Key of more than 64 bytes", e.method)
	}
	e.result = res
	return nil
}

func (e *enrollment) index(id string) int {
	return slices.IndexFunc(e.sealed, func(c Credential) bool { return c.ID == id })
}
