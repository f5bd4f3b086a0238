package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// tryAndWait sends a write and, behind it on the same connection, the WAIT for
// its replicas: WAIT speaks of the writes of its own connection only.
func (s *Store) tryAndWait(ctx context.Context, key string, write once, last error) (wrote bool, err error) {
	server, asking, err := s.server(ctx, key, last)
	if err != nil {
		return false, err
	}
	wait := once{redis.NewCmd(ctx, "wait", s.options.WaitReplicas, s.options.WaitTimeout.Milliseconds())}
	pipe := server.Pipeline()
	if asking {
		pipe.Do(ctx, "asking")
	}
	_ = pipe.Process(ctx, write) // only queues
	_ = pipe.Process(ctx, wait)
	_, err = pipe.Exec(ctx)
	if write.Val() == nil {
		return false, cmp.Or(write.Err(), err, errors.New("the client returns no answer"))
	}
	if wrote, err := write.Bool(); err != nil || !wrote {
		return false, err
	}
	switch n, err := wait.Int(); {
	case err != nil:
		return true, fmt.Errorf("it is done, but WAIT failed: %v", err) //nolint:errorlint // nothing of it must say that nothing was done
	case n < s.options.WaitReplicas:
		return true, fmt.Errorf("it is done, but %d of %d replicas acknowledged it within %v", n, s.options.WaitReplicas, s.options.WaitTimeout)
	}
	return true, nil
}

// server returns where a key is, and whether it must be asked for because its
// slot is moving: where the last try was redirected to, else the master by the
// client's map of the cluster.
func (s *Store) server(ctx context.Context, key string, last error) (server redis.UniversalClient, asking bool, err error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return s.client, false, nil
	}
	addr, redirected := redis.IsMovedError(last)
	if !redirected {
		addr, redirected = redis.IsAskError(last)
		asking = redirected
	}
	if redirected {
		var found atomic.Pointer[redis.Client]
		err := cluster.ForEachMaster(ctx, func(_ context.Context, master *redis.Client) error { // reads the map anew
			if master.Options().Addr == addr {
				found.Store(master)
			}
			return nil
		})
		if master := found.Load(); err != nil || master != nil {
			return master, asking, err
		}
	}
	server, err = cluster.MasterForKey(ctx, key)
	return server, false, err
}
