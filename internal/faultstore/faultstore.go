// Package faultstore wraps stores and sessions so that tests can make single
// calls fail: before or after their effect, by an error, a cancelled request,
// a timeout of their own, a hang or a panic.
package faultstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/go-mfa/mfa"
)

// ErrInjected is the error of a call that was made to fail.
var ErrInjected = errors.New("faultstore: injected")

// errTimeout is ErrInjected from a driver that would not wait any longer: the
// context that it was given lives on.
var errTimeout = fmt.Errorf("%w: %w", ErrInjected, context.DeadlineExceeded)

// Fault says how a call fails.
type Fault int

// The faults. Where one comes after the effect, what the call returned is lost,
// be it an error or not.
const (
	None         Fault = iota
	Before             // ErrInjected, without effect
	After              // ErrInjected after the effect, as when the connection breaks behind COMMIT
	CancelBefore       // the request is cancelled, then the call is made
	CancelAfter        // the call is made, then the request is cancelled; what the call returned stands
	Timeout            // ErrInjected and context.DeadlineExceeded, without effect, although the context lives on
	TimeoutAfter       // the same after the effect
	Hang               // without effect, returns when the context ends
	Panic              // a panic, without effect
	PanicAfter         // a panic after the effect
)

// All are the faults, for sweeps.
var All = []Fault{Before, After, CancelBefore, CancelAfter, Timeout, TimeoutAfter, Hang, Panic, PanicAfter}

// String returns the fault's name, for the names of tests.
func (f Fault) String() string {
	return [...]string{
		"none", "before", "after", "cancel-before", "cancel-after", "timeout", "timeout-after", "hang", "panic", "panic-after",
	}[f]
}

// Call is one call of a Store or Session.
type Call struct {
	N    int    // from 1, since the last On, Fail or Heal
	Op   string // the method: "UpdateCredential", "Load"
	Key  string // the record's key, or the credential's id, if the call names one
	Args any    // what the call was to write: an mfa.Credential, an mfa.Record, an mfa.State; else nil
}

// Faults decides which calls fail. It is safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	calls  []Call
	fault  func(Call) Fault
	fired  int
	cancel func()
}

// On makes every call from now on fail as fault says, and forgets the calls so
// far. Nil heals. fault must be safe for concurrent use, and may make calls of
// its own to the inner store: that is how interleavings are forced.
func (f *Faults) On(fault func(Call) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.fault, f.fired = nil, fault, 0
}

// Fail makes the n-th call from now on fail, and no other.
func (f *Faults) Fail(n int, fault Fault) {
	f.On(func(c Call) Fault {
		if c.N == n {
			return fault
		}
		return None
	})
}

// Heal makes no call fail from now on, and forgets the calls so far.
func (f *Faults) Heal() { f.On(nil) }

// CancelWith sets what CancelBefore and CancelAfter call: the cancel function
// of the request's context.
func (f *Faults) CancelWith(cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancel = cancel
}

// Calls returns the calls since the last On, Fail or Heal.
func (f *Faults) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.calls...)
}

// Fired returns how many calls have failed since then.
func (f *Faults) Fired() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// run makes a call, or has it fail.
func (f *Faults) run(ctx context.Context, c Call, call func() error) error {
	f.mu.Lock()
	c.N = len(f.calls) + 1
	f.calls = append(f.calls, c)
	fault, cancel := f.fault, f.cancel
	f.mu.Unlock()
	kind := None
	if fault != nil {
		kind = fault(c)
	}
	if kind != None {
		f.mu.Lock()
		f.fired++
		f.mu.Unlock()
	}
	if (kind == CancelBefore || kind == CancelAfter) && cancel == nil {
		panic("faultstore: a cancelling fault without CancelWith")
	}
	switch kind {
	case Before:
		return ErrInjected
	case Timeout:
		return errTimeout
	case Hang:
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Minute):
			panic("faultstore: a call without a deadline hung for a minute")
		}
	case Panic:
		panic(ErrInjected)
	case CancelBefore:
		cancel()
	case None, After, CancelAfter, TimeoutAfter, PanicAfter:
	}
	err := call()
	switch kind {
	case After:
		return ErrInjected
	case TimeoutAfter:
		return errTimeout
	case CancelAfter:
		cancel()
	case PanicAfter:
		panic(ErrInjected)
	case None, Before, CancelBefore, Timeout, Hang, Panic:
	}
	return err
}

// Inner is a store with every optional part.
type Inner interface {
	mfa.Store
	mfa.RecordSweeper
	mfa.UserDeleter
	mfa.CredentialLister
}

// Store is an mfa.Store whose calls fail as its Faults say.
type Store struct {
	Faults
	Inner Inner // calls to it are not counted and do not fail
}

// New wraps a store.
func New(inner Inner) *Store { return &Store{Inner: inner} }

// Credentials implements mfa.Store.
func (s *Store) Credentials(ctx context.Context, userID string) (out []mfa.Credential, err error) {
	err = s.run(ctx, Call{Op: "Credentials"}, func() (err error) {
		out, err = s.Inner.Credentials(ctx, userID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// FindCredential implements mfa.Store.
func (s *Store) FindCredential(ctx context.Context, method, key string) (out mfa.Credential, err error) {
	err = s.run(ctx, Call{Op: "FindCredential", Key: key}, func() (err error) {
		out, err = s.Inner.FindCredential(ctx, method, key)
		return err
	})
	if err != nil {
		return mfa.Credential{}, err
	}
	return out, nil
}

// CreateCredential implements mfa.Store.
func (s *Store) CreateCredential(ctx context.Context, c mfa.Credential) error {
	return s.run(ctx, Call{Op: "CreateCredential", Key: c.ID, Args: c}, func() error { return s.Inner.CreateCredential(ctx, c) })
}

// UpdateCredential implements mfa.Store.
func (s *Store) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	return s.run(ctx, Call{Op: "UpdateCredential", Key: c.ID, Args: c}, func() error { return s.Inner.UpdateCredential(ctx, c, prev) })
}

// DeleteCredential implements mfa.Store.
func (s *Store) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	return s.run(ctx, Call{Op: "DeleteCredential", Key: id}, func() error { return s.Inner.DeleteCredential(ctx, userID, id, prev) })
}

// Record implements mfa.Store.
func (s *Store) Record(ctx context.Context, key string) (out mfa.Record, err error) {
	err = s.run(ctx, Call{Op: "Record", Key: key}, func() (err error) {
		out, err = s.Inner.Record(ctx, key)
		return err
	})
	if err != nil {
		return mfa.Record{}, err
	}
	return out, nil
}

// PutRecord implements mfa.Store.
func (s *Store) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	return s.run(ctx, Call{Op: "PutRecord", Key: r.Key, Args: r}, func() error { return s.Inner.PutRecord(ctx, r, prev) })
}

// DeleteRecord implements mfa.Store.
func (s *Store) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return s.run(ctx, Call{Op: "DeleteRecord", Key: key}, func() error { return s.Inner.DeleteRecord(ctx, key, prev) })
}

// SweepRecords implements mfa.RecordSweeper.
func (s *Store) SweepRecords(ctx context.Context, before time.Time) error {
	return s.run(ctx, Call{Op: "SweepRecords"}, func() error { return s.Inner.SweepRecords(ctx, before) })
}

// DeleteUser implements mfa.UserDeleter.
func (s *Store) DeleteUser(ctx context.Context, userID string) error {
	return s.run(ctx, Call{Op: "DeleteUser"}, func() error { return s.Inner.DeleteUser(ctx, userID) })
}

// AllCredentials implements mfa.CredentialLister. Its effect is the whole
// listing, so that it fails at its beginning or at its end.
func (s *Store) AllCredentials(ctx context.Context) iter.Seq2[mfa.Credential, error] {
	return func(yield func(mfa.Credential, error) bool) {
		stopped := false
		err := s.run(ctx, Call{Op: "AllCredentials"}, func() error {
			for c, err := range s.Inner.AllCredentials(ctx) {
				if err != nil {
					return err
				}
				if stopped = !yield(c, nil); stopped {
					break
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(mfa.Credential{}, err)
		}
	}
}
