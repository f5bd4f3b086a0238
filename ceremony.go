package mfa

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/wire"
)

// Ceremony is one pending enrolment or verification, as the client may see it.
type Ceremony struct {
	ID        string    `json:"id"`
	Method    string    `json:"method"`
	ExpiresAt time.Time `json:"expires_at"`
	Prompt    any       `json:"prompt,omitempty"` // what the factor asks; it may contain a new secret, shown only here
}

const (
	// callTime bounds one call of a ceremony.
	callTime = leaseLife
	// defaultTTL is how long a ceremony lives if its factor does not say.
	defaultTTL = 5 * time.Minute
	maxTTL     = time.Hour
)

// ceremony is what the server keeps of a Ceremony. It ends at most once, by
// the deletion of its record.
type ceremony struct {
	key     string // of the record
	version int64

	purpose factor.Purpose
	method  string
	userID  string
	session string
	digest  string // of the user's credential ids when it began
	state   []byte // the factor's
	tries   int    // wrong answers left, the last included
	refresh bool
	name    string // of the credential to be enrolled
	params  map[string]string
	began   time.Time
	expires time.Time
}

const ceremonyVersion = 1

func (c *ceremony) encode() []byte {
	b := append(make([]byte, 0, 192+len(c.state)), ceremonyVersion)
	b = wire.AppendString(b, c.purpose)
	b = wire.AppendString(b, c.method)
	b = wire.AppendString(b, c.userID)
	b = wire.AppendString(b, c.session)
	b = wire.AppendString(b, c.digest)
	b = wire.AppendString(b, c.state)
	b = wire.AppendInt(b, int64(c.tries))
	b = wire.AppendBool(b, c.refresh)
	b = wire.AppendString(b, c.name)
	b = wire.AppendUint(b, uint64(len(c.params)))
	for _, k := range slices.Sorted(maps.Keys(c.params)) {
		b = wire.AppendString(b, k)
		b = wire.AppendString(b, c.params[k])
	}
	b = wire.AppendTime(b, c.began)
	return wire.AppendTime(b, c.expires)
}

func decodeCeremony(b []byte) (*ceremony, error) {
	r := wire.NewTextReader(b)
	if r.Byte() != ceremonyVersion {
		return nil, errors.New("mfa: unknown version of a ceremony")
	}
	c := &ceremony{
		purpose: factor.Purpose(r.String()), method: r.String(), userID: r.String(), session: r.String(), digest: r.String(),
		state: r.Bytes(), tries: int(r.Int()), refresh: r.Bool(), name: r.String(),
	}
	if n := r.Len(); n > 0 {
		c.params = make(map[string]string, n)
		for i, last := 0, ""; i < n; i++ {
			k := r.String()
			if i > 0 && k <= last {
				r.Fail() // in their order, each once, so that there is one encoding
			}
			c.params[k], last = r.String(), k
		}
	}
	c.began, c.expires = r.Time(), r.Time()
	return c, r.Done()
}

// put stores the ceremony in place of its version, 0 for a new one.
func (m *Manager) putCeremony(ctx context.Context, c *ceremony) error {
	data, err := m.ring.Seal(c.encode(), kindCeremony, c.key)
	if err != nil {
		return fmt.Errorf("mfa: sealing a ceremony: %w", err)
	}
	next := newVersion()
	err = m.cfg.Store.PutRecord(ctx, Record{Key: c.key, Data: data, ExpiresAt: c.expires, Version: next}, c.version)
	if err == nil {
		c.version = next
	}
	return storeError("writing a ceremony", err)
}

// errSpent means that a ceremony ended while its answer was being judged.
var errSpent = fmt.Errorf("%w: the ceremony was spent meanwhile", ErrReplayed)

// errNoTries means that the last try of a ceremony is being judged, or that
// nobody came back to say how it ended.
var errNoTries = fmt.Errorf("%w: the ceremony has no tries left", ErrReplayed)

// readCeremony loads a ceremony by its record's key. One that is unknown or
// expired is rejected.
func (m *Manager) readCeremony(ctx context.Context, key string) (*ceremony, error) {
	rec, err := m.cfg.Store.Record(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, factor.Reject("no such ceremony")
	}
	if err != nil {
		return nil, storeError("reading a ceremony", err)
	}
	data, err := m.ring.Open(rec.Data, kindCeremony, key)
	if err != nil {
		return nil, fmt.Errorf("mfa: opening a ceremony: %w", err)
	}
	c, err := decodeCeremony(data)
	if err != nil {
		return nil, err
	}
	c.key, c.version = key, rec.Version
	if now := m.now(); !now.Before(c.expires) || now.Before(c.began.Add(-skew)) {
		return nil, factor.Reject("the ceremony has expired")
	}
	return c, nil
}

// ceremonyOf loads the ceremony that a client names, if it is this session's
// and for one of these purposes, and if the user's credentials are still the
// same.
func (m *Manager) ceremonyOf(ctx context.Context, s State, id string, creds []Credential, purposes ...factor.Purpose) (*ceremony, error) {
	c, err := m.readCeremony(ctx, recordKey(kindCeremony, id))
	if err != nil {
		return nil, err
	}
	if c.userID != s.UserID || c.session != s.ID || !slices.Contains(purposes, c.purpose) {
		return nil, factor.Reject("the ceremony belongs to another user, session or purpose")
	}
	return c, m.unchanged(ctx, c, creds)
}

// notBegun returns what the caller is told of a factor that did not begin.
func (m *Manager) notBegun(ctx context.Context, ev Event, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, factor.ErrUnusable):
		return ErrNotEnrolled
	default:
		return m.refused(ctx, ev, err)
	}
}

// unchanged rejects a ceremony whose method, or whose user's set of
// credentials, is not what it was when the ceremony began.
func (m *Manager) unchanged(ctx context.Context, c *ceremony, creds []Credential) error {
	if m.factors[c.method] == nil {
		return factor.Reject("the ceremony's method is not configured any more")
	}
	if subtle.ConstantTimeCompare([]byte(c.digest), []byte(credentialDigest(c.userID, creds))) != 1 {
		if err := m.deleteCeremony(ctx, c); err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
		return factor.Reject("the user's credentials have changed since the ceremony began")
	}
	return nil
}

func (m *Manager) deleteCeremony(ctx context.Context, c *ceremony) error {
	return storeError("deleting a ceremony", m.cfg.Store.DeleteRecord(ctx, c.key, c.version))
}

// credentialDigest identifies the set of a user's credentials, devices left
// out.
func credentialDigest(userID string, creds []Credential) string {
	ids := make([]string, 0, len(creds)+1)
	for i := range creds {
		if creds[i].Method != deviceMethod {
			ids = append(ids, creds[i].ID)
		}
	}
	slices.Sort(ids)
	h := digest("credentials", append(ids, userID)...)
	return string(h[:16])
}

// begin stores a ceremony for a factor's step and delivers it.
func (m *Manager) begin(ctx context.Context, c *ceremony, id string, step factor.Step) (*Ceremony, error) {
	ttl := step.TTL
	if ttl <= 0 {
		ttl = defaultTTL
	}
	c.key, c.state, c.tries = recordKey(kindCeremony, id), step.State, max(1, step.Tries)
	c.began = m.now().Truncate(time.Millisecond)
	c.expires = c.began.Add(min(ttl, maxTTL))
	if err := m.deliver(ctx, c, step); err != nil {
		return nil, err
	}
	return &Ceremony{ID: id, Method: c.method, ExpiresAt: c.expires, Prompt: step.Prompt}, nil
}

// deliver charges, stores and then sends.
func (m *Manager) deliver(ctx context.Context, c *ceremony, step factor.Step) error {
	if err := m.charge(ctx, step.Charges); err != nil {
		return err
	}
	if err := m.putStep(ctx, c, step); err != nil {
		return err
	}
	if step.Deliver == nil {
		return nil
	}
	if err := step.Deliver(ctx); err != nil {
		return fmt.Errorf("mfa: delivering a %s step: %w", c.method, fault(err))
	}
	return nil
}

// putStep stores a ceremony with a factor's step, over whatever a try has made
// of it meanwhile.
func (m *Manager) putStep(ctx context.Context, c *ceremony, step factor.Step) error {
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		c.state = step.State
		if err := m.putCeremony(ctx, c); !errors.Is(err, ErrConflict) || c.version == 0 {
			return err
		}
		if err := m.reload(ctx, c); err != nil {
			return err
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

// spend has an answer judged and ends the ceremony if it is right. Of any
// number of right answers one gets nil. A guessable factor's tries are counted
// before judging; a wrong answer on the last one ends the ceremony.
func (m *Manager) spend(ctx context.Context, c *ceremony, guessable bool, judge func(*ceremony) error) error {
	counted, wasRight := !guessable, false
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		if !counted {
			if c.tries <= 0 {
				return errNoTries
			}
			c.tries--
			err := m.putCeremony(ctx, c)
			if errors.Is(err, ErrConflict) {
				if err := m.reload(ctx, c); err != nil {
					return err
				}
				continue
			}
			if err != nil {
				return err
			}
			counted = true
		}
		if err := judge(c); err != nil {
			if wasRight && errors.Is(err, ErrRejected) {
				return errSpent // the step was replaced while its answer was being spent
			}
			m.wrongAnswer(ctx, c, guessable, err)
			return err
		}
		wasRight = true
		err := m.deleteCeremony(ctx, c)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if err := m.reload(ctx, c); err != nil {
			return err
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

// wrongAnswer ends the ceremony where its last try was wrong, and gives a try
// back where nothing was answered. A fault of the store changes nothing about
// the judgement: what is stored has no try left either way.
func (m *Manager) wrongAnswer(ctx context.Context, c *ceremony, guessable bool, judgement error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	var err error
	switch {
	case errors.Is(judgement, ErrWaiting) && guessable:
		err = m.giveTryBack(ctx, c)
	case errors.Is(judgement, ErrRejected) && (guessable && c.tries <= 0 || !guessable && c.tries <= 1):
		err = m.deleteCeremony(ctx, c)
	}
	if err != nil && !errors.Is(err, ErrConflict) {
		m.cfg.Logger.ErrorContext(ctx, "mfa: ending a ceremony after a wrong answer", "error", err)
	}
}

// giveTryBack returns a try that was counted and not used, if the ceremony is
// still there.
func (m *Manager) giveTryBack(ctx context.Context, c *ceremony) error {
	for i := range maxSwaps {
		if err := pause(ctx, i); err != nil {
			return err
		}
		c.tries++
		err := m.putCeremony(ctx, c)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if err := m.reload(ctx, c); err != nil {
			if errors.Is(err, ErrRejected) {
				return nil
			}
			return err
		}
	}
	return &ThrottledError{RetryAfter: time.Second}
}

// maxParams is how many bytes of parameters a client may send.
const maxParams = 4 << 10

func checkParams(params map[string]string) error {
	n := 0
	for k, v := range params {
		n += len(k) + len(v)
	}
	if n > maxParams {
		return fmt.Errorf("%w: parameters of more than %d bytes", ErrInvalid, maxParams)
	}
	return nil
}

// reload replaces a ceremony by what is stored of it now. If it is gone, its
// answer was spent by somebody else, or it ran out of tries.
func (m *Manager) reload(ctx context.Context, c *ceremony) error {
	now, err := m.readCeremony(ctx, c.key)
	if errors.Is(err, ErrRejected) {
		return errSpent
	}
	if err != nil {
		return err
	}
	*c = *now
	return nil
}

// storeError names what was being done; a conflict stays one.
func storeError(doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrConflict) {
		return ErrConflict
	}
	return fmt.Errorf("mfa: %s: %w", doing, fault(err))
}
