package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/storetest"
)

func TestP01_SplitConforms(t *testing.T) {
	storetest.Run(t, func(*testing.T) mfa.Store { return storage.Split(memory.New(), memory.New()) })
}

func TestP03_SplitConformsInterleaved(t *testing.T) {
	storetest.RunInterleaved(t, func(_ *testing.T, between func(ctx context.Context)) mfa.Store {
		return storage.Split(hooked{memory.New(), between}, hooked{memory.New(), between})
	})
}

// hooked calls between before every method that writes: each is one step.
type hooked struct {
	*memory.Store
	between func(ctx context.Context)
}

func (h hooked) CreateCredential(ctx context.Context, c mfa.Credential) error {
	h.between(ctx)
	return h.Store.CreateCredential(ctx, c)
}

func (h hooked) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	h.between(ctx)
	return h.Store.UpdateCredential(ctx, c, prev)
}

func (h hooked) DeleteCredential(ctx context.Context, userID, id string, prev int64) error {
	h.between(ctx)
	return h.Store.DeleteCredential(ctx, userID, id, prev)
}

func (h hooked) DeleteUser(ctx context.Context, userID string) error {
	h.between(ctx)
	return h.Store.DeleteUser(ctx, userID)
}

func (h hooked) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	h.between(ctx)
	return h.Store.PutRecord(ctx, r, prev)
}

func (h hooked) DeleteRecord(ctx context.Context, key string, prev int64) error {
	h.between(ctx)
	return h.Store.DeleteRecord(ctx, key, prev)
}

func (h hooked) SweepRecords(ctx context.Context, before time.Time) error {
	h.between(ctx)
	return h.Store.SweepRecords(ctx, before)
}

func TestSplitSendsEachRecordToItsHalf(t *testing.T) {
	durable, expiring := memory.New(), memory.New()
	store := storage.Split(durable, expiring)
	for key, half := range map[string]*memory.Store{
		"keep/budget": durable, "keep/": durable, "ceremony/1": expiring, "keep": expiring, "KEEP/x": expiring, "x/keep/": expiring, "": expiring,
	} {
		require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: key, Version: 1}, 0))
		_, err := half.Record(t.Context(), key)
		require.NoError(t, err, "%q", key)
		_, err = store.Record(t.Context(), key)
		require.NoError(t, err, "%q", key)
		require.NoError(t, store.DeleteRecord(t.Context(), key, 1))
		_, err = half.Record(t.Context(), key)
		require.ErrorIs(t, err, mfa.ErrNotFound, "%q", key)
	}
}

// Stores with some of the optional parts only.
type (
	bare        struct{ mfa.Store }
	bareRecords struct{ mfa.Records }
)

// The Manager finds optional parts by type assertion: what durable has not,
// the result must not seem to have.
func TestSplitHasTheOptionalPartsOfItsHalves(t *testing.T) {
	full := memory.New()
	expiring := map[bool]mfa.Records{false: bareRecords{full}, true: full}
	for i := range 16 {
		s, d, l, e := i&1 != 0, i&2 != 0, i&4 != 0, i&8 != 0
		var durable mfa.Store = bare{full}
		switch {
		case s && d && l:
			durable = full
		case s && d:
			durable = struct {
				bare
				mfa.RecordSweeper
				mfa.UserDeleter
			}{bare{full}, full, full}
		case s && l:
			durable = struct {
				bare
				mfa.RecordSweeper
				mfa.CredentialLister
			}{bare{full}, full, full}
		case d && l:
			durable = struct {
				bare
				mfa.UserDeleter
				mfa.CredentialLister
			}{bare{full}, full, full}
		case s:
			durable = struct {
				bare
				mfa.RecordSweeper
			}{bare{full}, full}
		case d:
			durable = struct {
				bare
				mfa.UserDeleter
			}{bare{full}, full}
		case l:
			durable = struct {
				bare
				mfa.CredentialLister
			}{bare{full}, full}
		}
		t.Run(fmt.Sprintf("sweeps=%t deletes=%t lists=%t expiring sweeps=%t", s, d, l, e), func(t *testing.T) {
			store := storage.Split(durable, expiring[e])
			_, sweeps := store.(mfa.RecordSweeper)
			_, deletes := store.(mfa.UserDeleter)
			_, lists := store.(mfa.CredentialLister)
			assert.Equal(t, s || e, sweeps)
			assert.Equal(t, d, deletes)
			assert.Equal(t, l, lists)
		})
	}
}

var errSweep = errors.New("cannot sweep")

type failingSweeper struct{ mfa.Store }

func (failingSweeper) SweepRecords(context.Context, time.Time) error { return errSweep }

func TestSplitSweepsBothHalvesEvenIfOneFails(t *testing.T) {
	expiring := memory.New()
	store := storage.Split(failingSweeper{memory.New()}, expiring)
	past := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, expiring.PutRecord(t.Context(), mfa.Record{Key: "ceremony/1", ExpiresAt: past, Version: 1}, 0))
	require.ErrorIs(t, store.(mfa.RecordSweeper).SweepRecords(t.Context(), past.Add(time.Hour)), errSweep)
	_, err := expiring.Record(t.Context(), "ceremony/1")
	require.ErrorIs(t, err, mfa.ErrNotFound)
}

func TestSplitRefusesNil(t *testing.T) {
	require.Panics(t, func() { storage.Split(nil, memory.New()) })
	require.Panics(t, func() { storage.Split(memory.New(), nil) })
}
