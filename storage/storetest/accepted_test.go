package storetest

import (
	"context"
	"sync"
	"testing"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/memory"
)

// careful reads first and gives up early, but lets the write decide.
type careful struct{ hooked }

func (s careful) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	s.between(ctx)
	if now, ok := stored(ctx, s.Store, c.UserID, c.ID); !ok || now.Version != prev {
		return mfa.ErrConflict
	}
	return s.hooked.UpdateCredential(ctx, c, prev)
}

func (s careful) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	s.between(ctx)
	if now, err := s.Record(ctx, r.Key); (err == nil) != (prev != 0) || err == nil && now.Version != prev {
		return mfa.ErrConflict
	}
	return s.hooked.PutRecord(ctx, r, prev)
}

func TestP01_SuiteAcceptsStoresThatReadFirst(t *testing.T) {
	RunInterleaved(t, func(_ *testing.T, between func(ctx context.Context)) mfa.Store {
		return careful{hooked{memory.New(), between}}
	})
}

// serializing gives up every write that another has come into, as a database
// does that serializes transactions.
type serializing struct {
	hooked
	mu     *sync.Mutex
	writes *int
}

func (s serializing) step(ctx context.Context, write func() error) error {
	s.mu.Lock()
	before := *s.writes
	s.mu.Unlock()
	s.between(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if *s.writes != before {
		return mfa.ErrBusy
	}
	*s.writes++
	return write()
}

func (s serializing) CreateCredential(ctx context.Context, c mfa.Credential) error {
	return s.step(ctx, func() error { return s.Store.CreateCredential(ctx, c) })
}

func (s serializing) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	return s.step(ctx, func() error { return s.Store.UpdateCredential(ctx, c, prev) })
}

func (s serializing) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	return s.step(ctx, func() error { return s.Store.DeleteCredential(ctx, userID, id, prev) })
}

func (s serializing) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	return s.step(ctx, func() error { return s.Store.PutRecord(ctx, r, prev) })
}

func (s serializing) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return s.step(ctx, func() error { return s.Store.DeleteRecord(ctx, key, prev) })
}

func TestP05_SuiteAcceptsStoresThatAreBusy(t *testing.T) {
	newStore := func(_ *testing.T, between func(ctx context.Context)) mfa.Store {
		return serializing{hooked{memory.New(), between}, new(sync.Mutex), new(int)}
	}
	RunInterleaved(t, newStore)
	runAll(t, func(t *testing.T) mfa.Store { return newStore(t, giveWay) }, credentialRaceTests)
	runAll(t, func(t *testing.T) recordKind { return recordKind{newStore(t, giveWay), mfa.KeepPrefix} }, recordRaceTests)
}

// Such as Redis, which drops what has expired without being asked.
func TestP01_SuiteAcceptsHalvesThatSweepThemselves(t *testing.T) {
	runAll(t, func(*testing.T) mfa.Store {
		return storage.Split(memory.New(), struct{ mfa.Records }{memory.New()})
	}, optionalTests)
}
