package memory_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/storetest"
)

func TestP01_MemoryConforms(t *testing.T) {
	storetest.Run(t, func(*testing.T) mfa.Store { return memory.New() })
}

func TestMemoryRecordsConform(t *testing.T) {
	storetest.RunRecords(t, func(*testing.T) mfa.Records { return memory.New() })
}

func withThree(tb testing.TB) *memory.Store {
	tb.Helper()
	store := memory.New()
	for i := range 3 {
		id := fmt.Sprint("c", i)
		require.NoError(tb, store.CreateCredential(context.Background(),
			mfa.Credential{ID: id, UserID: "u", Method: "totp", Key: id, Data: make([]byte, 120), Version: 1}))
	}
	return store
}

func TestCredentialsCostsTwoAllocations(t *testing.T) {
	store, ctx := withThree(t), t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := store.Credentials(ctx, "u"); err != nil {
			t.Error(err)
		}
	})
	require.LessOrEqual(t, allocations, 2.0)
}

func BenchmarkCredentials(b *testing.B) {
	store, ctx := withThree(b), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Credentials(ctx, "u"); err != nil {
			b.Fatal(err)
		}
	}
}

// Many goroutines deface what they gave and what they got: the store does not
// change, and the race detector finds nothing shared.
func TestP15_CopiesInAndOut(t *testing.T) {
	store, ctx := memory.New(), t.Context()
	given := mfa.Credential{ID: "c", UserID: "u", Method: "totp", Key: "c", Data: []byte("sealed"), Version: 1}
	record := mfa.Record{Key: "keep/r", Data: []byte("sealed"), Version: 1}
	require.NoError(t, store.CreateCredential(ctx, given))
	require.NoError(t, store.PutRecord(ctx, record, 0))
	clear(given.Data)
	clear(record.Data)

	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 50 {
				all, err := store.Credentials(ctx, "u")
				if assert.NoError(t, err) && assert.Len(t, all, 1) {
					assert.Equal(t, "sealed", string(all[0].Data))
					clear(all[0].Data)
				}
				found, err := store.FindCredential(ctx, "totp", "c")
				if assert.NoError(t, err) {
					assert.Equal(t, "sealed", string(found.Data))
					clear(found.Data)
				}
				r, err := store.Record(ctx, "keep/r")
				if assert.NoError(t, err) {
					assert.Equal(t, "sealed", string(r.Data))
					clear(r.Data)
				}
			}
		})
	}
	group.Wait()
}
