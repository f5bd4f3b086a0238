package storage_test

import (
	"context"
	"fmt"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/memory"
)

func ExampleSplit() {
	ctx := context.Background()
	durable, expiring := memory.New(), memory.New() // say, a database and a cache
	store := storage.Split(durable, expiring)

	_ = store.PutRecord(ctx, mfa.Record{Key: "ceremony/1", Version: 1}, 0)
	_ = store.PutRecord(ctx, mfa.Record{Key: mfa.KeepPrefix + "budget/1", Version: 1}, 0)

	_, err := durable.Record(ctx, "ceremony/1")
	fmt.Println("ceremony in the durable half:", err == nil)
	_, err = durable.Record(ctx, mfa.KeepPrefix+"budget/1")
	fmt.Println("budget in the durable half:", err == nil)
	// Output:
	// ceremony in the durable half: false
	// budget in the durable half: true
}
