package redisstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-mfa/mfa"
)

// once is a command that the client never sends again by itself. After a lost
// connection nobody knows whether a write happened; sent again, one that did
// would answer like one that lost a race.
type once struct{ *redis.Cmd }

// NoRetry implements redis.Cmder.
func (once) NoRetry() bool { return true }

// A write that certainly did not happen is tried four times, within half a
// second if each is answered at once.
const (
	tries     = 4
	firstWait = 25 * time.Millisecond // at most, and four times as long each time
)

// write runs a script that writes under a key. what names it in errors.
func (s *Store) write(ctx context.Context, what, script, key string, args ...any) error {
	key = s.options.Prefix + key
	args = append([]any{"eval", script, "1", key}, args...)
	wrote, err := s.try(ctx, key, args, nil)
	for i := 1; i < tries && nothingDone(err); i++ {
		s.lookAround(ctx)
		select {
		case <-ctx.Done(): // the client says so
		case <-time.After(rand.N(firstWait << (2 * (i - 1)))):
		}
		wrote, err = s.try(ctx, key, args, err)
	}
	switch {
	case err != nil:
		return fault(what, err)
	case !wrote:
		return fmt.Errorf("redisstore: %s: %w", what, mfa.ErrConflict)
	}
	return nil
}

// try sends a command that writes, and reports whether it did. last is the
// error of the try before, or nil.
func (s *Store) try(ctx context.Context, key string, args []any, last error) (wrote bool, err error) {
	write := once{redis.NewCmd(ctx, args...)}
	if s.options.WaitReplicas > 0 {
		return s.tryAndWait(ctx, key, write, last)
	}
	if err := s.client.Process(ctx, write); err != nil {
		return false, err
	}
	return write.Bool()
}

// lookAround makes a cluster client ask, in the background, who masters what:
// by itself it does so every minute only, even if a master is gone.
func (s *Store) lookAround(ctx context.Context) {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		cluster.ReloadState(ctx)
	}
}
