package faultstore_test

import (
	"context"
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
			if fault == faultstore.Hang {
				time.AfterFunc(time.Millisecond, cancel)
			}
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
			err := put(ctx, "b")
			_, missing := s.Inner.Record(t.Context(), "b")
			effect := fault == faultstore.After || fault == faultstore.CancelAfter || fault == faultstore.PanicAfter
			assert.Equal(t, effect, missing == nil)
			assert.Equal(t, fault == faultstore.CancelAfter, err == nil)
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
