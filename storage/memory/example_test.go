package memory_test

import (
	"context"
	"fmt"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

func ExampleNew() {
	ctx := context.Background()
	store := memory.New()
	_ = store.CreateCredential(ctx, mfa.Credential{ID: "c1", UserID: "alice", Method: "totp", Key: "c1", Version: 7})

	// The version decides: of two writers that read version 7, one wins.
	first := store.DeleteCredential(ctx, "alice", "c1", 7)
	second := store.DeleteCredential(ctx, "alice", "c1", 7)
	fmt.Println(first, "|", second)
	// Output: <nil> | memory: delete credential: mfa: conflict
}
