package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

// A store that between is not wired to passes nothing: the first test says what
// to mend, and there is no second.
func TestP01_InterleavingHasToBeWired(t *testing.T) {
	for name, c := range map[string]struct {
		says  string
		store func(between func(ctx context.Context)) mfa.Store
	}{
		"never called": {
			"UpdateCredential wrote and never called between: have the store call the between that it is built with before every statement that writes",
			func(func(ctx context.Context)) mfa.Store { return memory.New() },
		},
		"another context": {
			"UpdateCredential called between with a context that is not made from the one that it was given: pass that one on",
			func(between func(ctx context.Context)) mfa.Store {
				return hooked{memory.New(), func(context.Context) { between(context.Background()) }}
			},
		},
		"a lock is held": {
			"had not come to its end after 50ms: call between while the store holds no lock and no connection",
			func(between func(ctx context.Context)) mfa.Store {
				return &locking{hooked: hooked{memory.New(), between}}
			},
		},
		"the only connection is held": {
			"had not come to its end after 50ms: call between while the store holds no lock and no connection",
			func(between func(ctx context.Context)) mfa.Store {
				return pooled{hooked{memory.New(), between}, make(chan struct{}, 1)}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := expectCaught(t, "", func(t *testing.T) {
				runInterleaved(t, 50*time.Millisecond, func(_ *testing.T, between func(ctx context.Context)) mfa.Store { return c.store(between) })
			})
			require.Contains(t, out, c.says)
			require.Contains(t, out, "UpdateDuringUpdate")
			require.NotContains(t, out, "DeleteDuringUpdate")
		})
	}
}

// locking calls between with its lock held.
type locking struct {
	hooked
	mu sync.Mutex
}

func (s *locking) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hooked.UpdateCredential(ctx, c, prev)
}

// pooled calls between while it has a connection, and waits for one as long as
// its context allows.
type pooled struct {
	hooked
	pool chan struct{}
}

func (s pooled) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	select {
	case s.pool <- struct{}{}:
		defer func() { <-s.pool }()
		return s.hooked.UpdateCredential(ctx, c, prev)
	case <-ctx.Done():
		return ctx.Err()
	}
}
