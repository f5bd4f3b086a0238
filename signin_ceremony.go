package mfa

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/go-mfa/mfa/factor"
)

// SignInOptions says how somebody signs in with a factor as first factor.
type SignInOptions struct {
	Method string
	// Name is what the person typed to say who they are, at most 320 bytes.
	// Config.FindUser decides whom it means.
	Name string
	// Binding names the browser: at least 16 random bytes, encoded, that
	// nobody else knows, such as the value of an HttpOnly cookie of this
	// sign-in. The ceremony ends only with the same Binding.
	Binding string
	Params  map[string]string // for the factor
}

// Purposes of ceremonies that look like a sign-in and whose answer is always
// wrong. What they cost is the same person's, whatever the method: if a user had
// another budget where there is nothing to sign in with, that would show.
const (
	purposeNobody  factor.Purpose = "sign_in_nobody"  // nobody has the name; the user is who nobodyOf says
	purposeNothing factor.Purpose = "sign_in_nothing" // the user has nothing to sign in with by this method
)

const (
	maxSignInName = 320
	minBinding    = 22 // 16 bytes in base64
)

// FirstFactors returns the methods that BeginSignIn takes, in the order of
// Config.Factors: none if Config.FindUser is nil.
func (m *Manager) FirstFactors() []string {
	if m.cfg.FindUser == nil {
		return nil
	}
	var methods []string
	for _, name := range m.order {
		if m.infos[name].FirstFactor {
			methods = append(methods, name)
		}
	}
	return methods
}

// BeginSignIn starts a sign-in with a factor as first factor: a code by e-mail,
// say, instead of a password. It looks the same for a name that nobody has, and
// whether or not something could be sent: what went wrong, and which budget of
// the factor's is used up, is told to the operator alone. Errors: ErrNotFound
// where the method is no first factor or Config.FindUser is nil, ErrInvalid, a
// *ThrottledError, or a fault.
//
// Config.Limits.SignIns is counted per client address, if WithClient has named
// one; a *ThrottledError says that it is used up.
func (m *Manager) BeginSignIn(ctx context.Context, o SignInOptions) (*Ceremony, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := m.checkSignIn(o); err != nil {
		return nil, err
	}
	if err := m.admitClient(ctx); err != nil {
		return nil, m.refused(ctx, Event{Method: o.Method, Role: RoleFirst}, err)
	}
	userID, err := m.findUser(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	v := &verification{m: m, purpose: factor.PurposeSignIn, method: o.Method, params: o.Params, id: newID()}
	as, nobody := factor.PurposeSignIn, m.nobodyOf(o.Name)
	if userID == "" {
		userID, as = nobody, purposeNobody
	}
	v.identify(userID, as)
	creds, err := m.credentials(ctx, v.s.UserID)
	if err != nil {
		return nil, err
	}
	step, err := v.begin(ctx, creds)
	if errors.Is(err, ErrNotEnrolled) && v.decoy == nil {
		v.identify(userID, purposeNothing)
		v.user, creds = &User{}, nil // the app was asked already
		step, err = v.begin(ctx, creds)
	}
	if err != nil {
		return nil, err
	}
	c := &ceremony{
		purpose: v.as, method: o.Method, userID: v.s.UserID, session: bindingID(o.Binding),
		digest: credentialDigest(v.s.UserID, creds), params: o.Params,
	}
	if err := v.charge(ctx, &step); err != nil {
		return nil, m.refused(ctx, v.event(), err)
	}
	begun, err := m.begin(ctx, c, v.id, step)
	if err != nil {
		return nil, m.refused(ctx, v.event(), err)
	}
	return begun, nil
}

// FinishSignIn has the answer judged, ends the ceremony if it is right, and
// returns who has signed in and with what: give both to SignIn. Errors:
// ErrRejected for whatever is wrong with the answer or the ceremony, and for
// every answer once too many were wrong; a *ThrottledError for a second while
// many are being judged; or a fault, after which the answer may be spent.
func (m *Manager) FinishSignIn(ctx context.Context, binding, id string, response []byte) (userID string, first Method, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	v, creds, err := m.signInOf(ctx, binding, id)
	if err != nil {
		return "", Method{}, err
	}
	v.response = response
	err = v.answer(ctx, creds)
	if errors.Is(err, ErrNotEnrolled) {
		err = m.refused(ctx, v.event(), factor.Reject("there is nothing left to sign in with"))
	}
	if err != nil {
		return "", Method{}, err
	}
	return v.s.UserID, v.used(RoleFirst), nil
}

// ResendSignIn is Resend for a sign-in, which looks the same for a name that
// nobody has. A *ThrottledError says that it is too soon for this ceremony.
func (m *Manager) ResendSignIn(ctx context.Context, binding, id string) (*Ceremony, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	v, creds, err := m.signInOf(ctx, binding, id)
	if err != nil {
		return nil, err
	}
	step, err := v.begin(ctx, creds)
	if errors.Is(err, ErrNotEnrolled) {
		err = m.refused(ctx, v.event(), factor.Reject("there is nothing left to sign in with"))
	}
	if err != nil {
		return nil, err
	}
	if step.Deliver != nil {
		err = v.charge(ctx, &step)
	}
	if err != nil {
		return nil, m.refused(ctx, v.event(), err)
	}
	again, err := m.sendAgain(ctx, v.ceremony, id, step)
	if err != nil {
		return nil, m.refused(ctx, v.event(), err)
	}
	return again, nil
}

func (m *Manager) checkSignIn(o SignInOptions) error {
	switch {
	case m.cfg.FindUser == nil || !m.infos[o.Method].FirstFactor:
		return fmt.Errorf("%w: nobody signs in with method %q: it has to be a first factor, and Config.FindUser set", ErrNotFound, o.Method)
	case o.Name == "" || len(o.Name) > maxSignInName || !utf8.ValidString(o.Name):
		return fmt.Errorf("%w: a name to sign in with has 1 to %d bytes", ErrInvalid, maxSignInName)
	case len(o.Binding) < minBinding:
		return fmt.Errorf("%w: a binding has at least 16 random bytes, in base64", ErrInvalid)
	}
	return checkParams(o.Params)
}

// findUser asks the app who has a name; nobody is the empty id.
func (m *Manager) findUser(ctx context.Context, name string) (userID string, err error) {
	userID, err = m.cfg.FindUser(ctx, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("mfa: Config.FindUser: %w", fault(err))
	case userID == "":
		return "", errors.New("mfa: Config.FindUser returned no user and no error: return ErrNotFound for a name that nobody has")
	}
	return userID, nil
}

// signInOf loads a sign-in that a client names, if it is this browser's, with
// the credentials of its user.
func (m *Manager) signInOf(ctx context.Context, binding, id string) (*verification, []Credential, error) {
	c, err := m.readCeremony(ctx, recordKey(kindCeremony, id))
	purposes := []factor.Purpose{factor.PurposeSignIn, purposeNobody, purposeNothing}
	if err == nil && (!slices.Contains(purposes, c.purpose) ||
		subtle.ConstantTimeCompare([]byte(c.session), []byte(bindingID(binding))) != 1) {
		err = factor.Reject("the ceremony belongs to another browser or purpose")
	}
	if err != nil {
		return nil, nil, m.refused(ctx, Event{}, err)
	}
	creds, err := m.credentials(ctx, c.userID)
	if err != nil {
		return nil, nil, err
	}
	v := &verification{m: m, purpose: factor.PurposeSignIn, method: c.method, params: c.params, id: id, ceremony: c}
	v.identify(c.userID, c.purpose)
	if v.decoy != nil {
		creds = nil // as it began
	}
	if err := m.unchanged(ctx, c, creds); err != nil {
		return nil, nil, m.refused(ctx, v.event(), err)
	}
	return v, creds, nil
}

// identify says who signs in, and whether that can succeed. It takes as long for
// everybody.
func (v *verification) identify(userID string, as factor.Purpose) {
	decoy := v.m.decoy("user", userID)
	if as == factor.PurposeSignIn {
		decoy = nil
	}
	v.s, v.as, v.decoy = State{UserID: userID}, as, decoy
}

// loadFirst opens what somebody may sign in with.
func (v *verification) loadFirst(ctx context.Context, creds []Credential) error {
	v.f, v.info = v.m.factors[v.method], v.m.infos[v.method]
	if v.f == nil || !v.info.FirstFactor {
		return ErrNotEnrolled
	}
	var sealed []Credential
	for i := range creds {
		if creds[i].Method == v.method {
			sealed = append(sealed, creds[i])
		}
	}
	if err := v.use(ctx, sealed); err != nil {
		return err
	}
	v.request.Decoy = v.decoy
	return nil
}

// charge reserves what a step charges and leaves its delivery to be called. Only
// the ceremony's own budget refuses aloud: where another is used up nothing is
// delivered, and what was delivered before stays good.
func (v *verification) charge(ctx context.Context, step *factor.Step) error {
	var own, others []factor.Charge
	for _, c := range step.Charges {
		if c.Ceremony {
			own = append(own, c)
		} else {
			others = append(others, c)
		}
	}
	step.Charges = nil
	if err := v.m.charge(ctx, own); err != nil {
		return err
	}
	err := v.m.charge(ctx, others)
	if _, throttled := errors.AsType[*ThrottledError](err); throttled {
		_ = v.m.refused(ctx, v.event(), err) // tells the operator
		step.Deliver = func(context.Context) error { return nil }
		if v.ceremony != nil {
			step.State = v.ceremony.state
		}
		return nil
	}
	step.Deliver = v.quietly(step.Deliver)
	return err
}

// quietly delivers without telling the client whether it worked: that would
// say that there is somebody to deliver to.
func (v *verification) quietly(deliver func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if deliver == nil {
			return nil
		}
		if err := deliver(ctx); err != nil {
			ev := v.event()
			ev.Kind, ev.Outcome, ev.Reason = EventFault, OutcomeFault, fmt.Sprintf("delivering a %s step: %v", v.method, err)
			v.m.emit(ctx, ev)
		}
		return nil
	}
}

// bindingID is what a ceremony keeps of a binding.
func bindingID(binding string) string {
	h := digest("binding", binding)
	return base64.RawURLEncoding.EncodeToString(h[:])
}
