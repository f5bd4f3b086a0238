package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// verification is one answer on its way: reserve, judge, spend, settle.
type verification struct {
	m        *Manager
	s        State // of a sign-in only the user
	purpose  factor.Purpose
	as       factor.Purpose // of a sign-in: what its ceremony is kept as
	decoy    []byte         // of a sign-in that cannot succeed
	method   string
	refresh  bool
	params   map[string]string
	id       string    // of the ceremony; empty if answered at once
	ceremony *ceremony // nil while none is stored, or if answered at once
	response []byte
	closed   bool // the budget of a sign-in is used up: whatever is answered is wrong

	f       Factor
	info    factor.Info
	user    *User
	sealed  []Credential // what may be used, as stored
	request factor.Request
	result  factor.Result
}

// event names the user, who is nobody in a sign-in as nobody.
func (v *verification) event() Event {
	role := RoleSecond
	if v.purpose == factor.PurposeSignIn {
		role = RoleFirst
	}
	if v.as == purposeNobody {
		return Event{Method: v.method, Role: role}
	}
	return Event{UserID: v.s.UserID, SessionID: v.s.ID, Method: v.method, Role: role, CredentialID: v.result.Credential.ID}
}

// begin loads and has the factor begin.
func (v *verification) begin(ctx context.Context, creds []Credential) (factor.Step, error) {
	if err := v.load(ctx, creds); err != nil {
		return factor.Step{}, err
	}
	step, err := v.f.BeginVerify(ctx, v.request)
	return step, v.m.notBegun(ctx, v.event(), err)
}

// load decides which of the user's credentials may be used and opens them.
func (v *verification) load(ctx context.Context, creds []Credential) error {
	if v.purpose == factor.PurposeSignIn {
		return v.loadFirst(ctx, creds)
	}
	m := v.m
	methods := m.live(v.s.Methods, creds)
	if !hasFirst(methods) {
		return firstFactorGone(Level(methods))
	}
	f := m.factors[v.method]
	if f == nil {
		return ErrNotEnrolled
	}
	v.f, v.info = f, m.infos[v.method]
	again := v.refresh || v.s.Pending && Level(methods) >= AAL2
	if !again && Level(methods) >= AAL2 {
		return ErrAlreadySatisfied
	}
	want := AAL2
	if again {
		want = AAL1
	}
	sealed, err := m.usable(v.s, methods, creds, v.method, want)
	if err != nil {
		return err
	}
	if len(sealed) == 0 {
		contact, err := m.contactRaises(ctx, v.s, methods, v.method)
		if err != nil {
			return err
		}
		if !contact {
			return ErrNotEnrolled
		}
	}
	return v.use(ctx, sealed)
}

// use opens the credentials that may be used.
func (v *verification) use(ctx context.Context, sealed []Credential) error {
	if v.user == nil {
		u, err := v.m.user(ctx, v.s.UserID)
		if v.decoy != nil {
			u, err = User{}, nil // asked only so that it takes as long
		}
		if v.purpose == factor.PurposeSignIn && errors.Is(err, errNoUser) {
			err = ErrNotEnrolled // there is nothing to sign in with, as without an address
		}
		if err != nil {
			return err
		}
		v.user = &u
	}
	v.sealed = sealed
	var err error
	v.request, err = v.m.request(*v.user, sealed, v.params, v.purpose, v.id)
	if v.ceremony != nil {
		v.request.Expires = v.ceremony.expires
	}
	return err
}

// request opens credentials for a factor.
func (m *Manager) request(u User, sealed []Credential, params map[string]string, purpose factor.Purpose, id string) (factor.Request, error) {
	opened := make([]Credential, 0, len(sealed))
	for _, c := range sealed {
		o, err := m.open(c)
		if err != nil {
			return factor.Request{}, err
		}
		opened = append(opened, o)
	}
	return factor.Request{User: u, Credentials: opened, Params: params, Purpose: purpose, Ceremony: id, Now: m.now()}, nil
}

func (v *verification) finish(ctx context.Context, creds []Credential) (State, error) {
	if err := v.answer(ctx, creds); err != nil {
		return State{}, err
	}
	return v.m.settlePending(ctx, v.s.with(v.used(RoleSecond)), creds)
}

// answer loads, reserves, has the answer judged, spends it and settles.
func (v *verification) answer(ctx context.Context, creds []Credential) error {
	if err := v.load(ctx, creds); err != nil {
		return err
	}
	b, err := v.m.reserve(ctx, v.s.UserID, v.info, v.purpose)
	if v.purpose == factor.PurposeSignIn && spent(err) {
		return v.rejectUnjudged(ctx, err)
	}
	if err != nil {
		return v.m.refused(ctx, v.event(), err)
	}
	if err := b.settle(ctx, v.event(), v.judgeAndSpend(ctx)); err != nil {
		return v.m.refused(ctx, v.event(), err)
	}
	v.announce(ctx)
	return nil
}

// rejectUnjudged treats an answer to a sign-in as a wrong one, because the budget
// of its user is used up. Whoever has proved nothing must not learn of it: others
// may have used it up, or the same person by another name.
func (v *verification) rejectUnjudged(ctx context.Context, throttled error) error {
	v.closed = true
	if err := v.judgeAndSpend(ctx); !errors.Is(err, ErrRejected) {
		return v.m.refused(ctx, v.event(), err)
	}
	_ = v.m.refused(ctx, v.event(), throttled) // tells the operator; the caller is told less
	return ErrRejected
}

// used is what the answer has proved.
func (v *verification) used(role Role) Method {
	evidence := v.result.Evidence
	if v.info.Guessable {
		evidence.PhishingResistant = false // what can be typed can be typed into the wrong page
	}
	return Method{Name: v.method, Role: role, At: v.request.Now, CredentialID: v.result.Credential.ID, Evidence: evidence}
}

// judgeAndSpend has the answer judged and spends it by one write: the deletion
// of the ceremony, or without one the update of the credential.
func (v *verification) judgeAndSpend(ctx context.Context) error {
	var state []byte
	if v.ceremony == nil {
		if err := v.judge(ctx, nil); err != nil {
			return err
		}
	} else {
		err := v.m.spend(ctx, v.ceremony, v.info.Guessable, func(c *ceremony) error { return v.judge(ctx, c.state) })
		if err != nil {
			return err
		}
		state = v.ceremony.state
	}
	for i := range maxSwaps {
		if v.result.Credential.ID == "" {
			return nil // a contact, spent with its ceremony
		}
		err := v.update(ctx)
		// Where the ceremony is spent, a busy store is asked again: the answer
		// could not be given again.
		if !errors.Is(err, ErrConflict) && (v.ceremony == nil || !errors.Is(err, ErrBusy)) {
			return err
		}
		// Somebody else may have written the credential: judge again by what it is now.
		if err := v.judgeAgain(ctx, i, state); err != nil {
			return err
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

func (v *verification) judgeAgain(ctx context.Context, i int, state []byte) error {
	if err := pause(ctx, i+1); err != nil {
		return err
	}
	creds, err := v.m.credentials(ctx, v.s.UserID)
	if err != nil {
		return err
	}
	if err := v.load(ctx, creds); err != nil {
		return v.gone(err)
	}
	return v.judge(ctx, state)
}

// gone turns a policy error in the middle of a verification into a rejection:
// the credential went away under it.
func (v *verification) gone(err error) error {
	if errors.Is(err, ErrNotEnrolled) {
		return fmt.Errorf("%w: the credential is gone", ErrReplayed)
	}
	return err
}

func (v *verification) judge(ctx context.Context, state []byte) error {
	if v.closed {
		return factor.Reject("too many answers were wrong before it")
	}
	res, err := v.f.FinishVerify(ctx, v.request, state, v.response)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(v.request.Credentials, func(c Credential) bool { return c.ID == res.Credential.ID })
	if !known && (res.Credential.ID != "" || v.ceremony == nil) {
		return fmt.Errorf("mfa: factor %s returned a credential that it was not given", v.method)
	}
	if v.decoy != nil {
		return factor.Reject("nobody has this name, or its user has nothing to sign in with")
	}
	v.result = res
	return nil
}

// update stores the used credential in place of the version that was judged.
func (v *verification) update(ctx context.Context) error {
	i := slices.IndexFunc(v.sealed, func(c Credential) bool { return c.ID == v.result.Credential.ID })
	c := v.sealed[i]
	c.Data = v.result.Credential.Data
	c.UsedAt = v.request.Now
	return v.m.updateCredential(ctx, c)
}

// updateCredential seals and stores a credential in place of the version it
// was read at.
func (m *Manager) updateCredential(ctx context.Context, c Credential) error {
	prev := c.Version
	c, err := m.seal(c)
	if err != nil {
		return err
	}
	c.Version = newVersion()
	return storeError("writing a credential", m.cfg.Store.UpdateCredential(ctx, c, prev))
}

// announce tells of a spent answer.
func (v *verification) announce(ctx context.Context) {
	ev := v.event()
	ev.Kind = EventVerified
	if !v.info.Recovery {
		ev.Reason = v.result.Note
	}
	v.m.emit(ctx, ev)
	if v.info.Recovery && v.result.Note != "" {
		ev.Kind, ev.Reason = EventLowCodes, v.result.Note
		v.m.emit(ctx, ev)
	}
}
