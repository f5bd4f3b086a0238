package faultstore_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/storetest"
)

func TestHealthyStoreConforms(t *testing.T) {
	storetest.Run(t, func(*testing.T) mfa.Store { return faultstore.New(memory.New()) })
}

func TestFaults(t *testing.T) {
	for _, fault := range faultstore.All {
		t.Run(fault.String(), func(t *testing.T) {
			s := faultstore.New(memory.New())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.CancelWith(cancel)
			s.Fail(2, fault)
			put := func(ctx context.Context, key string) (err error) {
				defer func() {
					if p := recover(); p != nil {
						assert.Equal(t, faultstore.ErrInjected, p)
						err = faultstore.ErrInjected
					}
				}()
				return s.PutRecord(ctx, mfa.Record{Key: key, Version: 1}, 0)
			}
			require.NoError(t, put(ctx, "a"), "the first call is not the second")
			if fault == faultstore.Hang {
				time.AfterFunc(time.Millisecond, cancel)
			}
			err := put(ctx, "b")
			_, missing := s.Inner.Record(t.Context(), "b")
			effect := slices.Contains([]faultstore.Fault{faultstore.After, faultstore.CancelAfter, faultstore.TimeoutAfter, faultstore.PanicAfter}, fault)
			assert.Equal(t, effect, missing == nil)
			assert.Equal(t, fault == faultstore.CancelAfter, err == nil)
			timeout := fault == faultstore.Timeout || fault == faultstore.TimeoutAfter
			assert.Equal(t, timeout, errors.Is(err, context.DeadlineExceeded))
			assert.Equal(t, err != nil && ctx.Err() == nil, errors.Is(err, faultstore.ErrInjected))
			assert.Equal(t, fault == faultstore.CancelBefore || fault == faultstore.CancelAfter || fault == faultstore.Hang, ctx.Err() != nil)
			assert.Equal(t, 1, s.Fired())
			assert.Len(t, s.Calls(), 2)
			require.NoError(t, put(t.Context(), "c"), "only one call fails")
			s.Heal()
			assert.Empty(t, s.Calls())
			assert.Zero(t, s.Fired())
		})
	}
}

func TestAFaultAfterTheEffectHidesWhatTheCallReturned(t *testing.T) {
	s := faultstore.New(memory.New())
	for _, fault := range []faultstore.Fault{faultstore.After, faultstore.TimeoutAfter} {
		s.Fail(1, fault)
		_, err := s.Record(t.Context(), "missing")
		require.ErrorIs(t, err, faultstore.ErrInjected)
		require.NotErrorIs(t, err, mfa.ErrNotFound)
	}
}

func TestAListingFailsAtItsBeginningOrItsEnd(t *testing.T) {
	s := faultstore.New(memory.New())
	require.NoError(t, s.CreateCredential(t.Context(), mfa.Credential{ID: "a", UserID: "u", Method: "totp", Key: "a", Version: 1}))
	for fault, want := range map[faultstore.Fault]int{faultstore.None: 1, faultstore.Before: 0, faultstore.After: 1} {
		s.Fail(1, fault)
		listed, failed := 0, false
		for _, err := range s.AllCredentials(t.Context()) {
			if err != nil {
				assert.ErrorIs(t, err, faultstore.ErrInjected)
				failed = true
				continue
			}
			listed++
		}
		assert.Equal(t, want, listed, fault)
		assert.Equal(t, fault != faultstore.None, failed, fault)
	}
	s.Fail(1, faultstore.After)
	for _, err := range s.AllCredentials(t.Context()) {
		require.NoError(t, err, "who stops early does not see the end")
		break
	}
}
