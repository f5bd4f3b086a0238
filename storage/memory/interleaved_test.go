package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/storetest"
)

func TestP03_MemoryConformsInterleaved(t *testing.T) {
	storetest.RunInterleaved(t, func(_ *testing.T, between func(ctx context.Context)) mfa.Store {
		return hooked{memory.New(), between}
	})
}

func TestP03_MemoryRecordsConformInterleaved(t *testing.T) {
	storetest.RunRecordsInterleaved(t, func(_ *testing.T, between func(ctx context.Context)) mfa.Records {
		return hooked{memory.New(), between}
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
