package redisstore_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/redisstore"
	"github.com/go-mfa/mfa/storage/storetest"
)

func TestP01_RedisConforms(t *testing.T) {
	for name, protocol := range map[string]int{"RESP2": 2, "RESP3": 3} {
		t.Run(name, func(t *testing.T) {
			client := connect(t, testenv.Redis(t).Addr(), func(o *redis.Options) { o.Protocol = protocol })
			storetest.RunRecords(t, func(t *testing.T) mfa.Records { return open(t, client, redisstore.Options{}) })
		})
	}
}

func TestP01_SplitWithRedisConforms(t *testing.T) {
	client := connect(t, testenv.Redis(t).Addr())
	storetest.Run(t, func(t *testing.T) mfa.Store {
		return storage.Split(memory.New(), open(t, client, redisstore.Options{}))
	})
}

// watch lets another request come before each command.
type watch struct{ between func(context.Context) }

func (watch) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w watch) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		w.between(ctx)
		return next(ctx, cmd)
	}
}

func (w watch) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		w.between(ctx)
		return next(ctx, cmds)
	}
}

// P03: there is one command for a write, and what comes before it changes
// nothing.
func TestP03_RedisConformsInterleaved(t *testing.T) {
	storetest.RunRecordsInterleaved(t, func(t *testing.T, between func(context.Context)) mfa.Records {
		client := connect(t, testenv.Redis(t).Addr())
		client.AddHook(watch{between})
		return open(t, client, redisstore.Options{})
	})
}

func TestP01_RedisClusterConforms(t *testing.T) {
	client := connectCluster(t, testenv.StartRedisCluster(t, 3, 1))
	for name, o := range map[string]redisstore.Options{"at once": {}, "replicated": {WaitReplicas: 1}} {
		t.Run(name, func(t *testing.T) {
			storetest.RunRecords(t, func(t *testing.T) mfa.Records { return open(t, client, o) })
		})
	}
}
