package memory_test

import (
	"context"
	"fmt"
	"testing"

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
