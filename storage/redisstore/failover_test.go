package redisstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/redisstore"
)

const records, spenders = 90, 4

// testFailover spends records while their master dies and its replica takes
// over. What was spent stays spent, and no fault looks like a lost race.
func testFailover(t *testing.T, client redis.UniversalClient, keys []string, kill func()) {
	t.Helper()
	s, waiting := open(t, client, redisstore.Options{}), open(t, client, impatient)
	for _, key := range keys {
		require.NoError(t, s.PutRecord(t.Context(), record(key, 1), 0))
	}

	outcomes := make([]error, len(keys))
	var all sync.WaitGroup
	third := make(chan struct{}) // of the records is spent
	for i := range spenders {
		all.Go(func() {
			for k := i; k < len(keys); k += spenders {
				if k == len(keys)/3 {
					close(third)
				}
				outcomes[k] = patiently(t, func(ctx context.Context) error { return waiting.DeleteRecord(ctx, keys[k], 1) })
			}
		})
	}
	<-third
	kill()
	all.Wait()

	spent := 0
	for k, key := range keys {
		require.NotErrorIs(t, outcomes[k], mfa.ErrConflict, "nobody else has spent it")
		again := patiently(t, func(ctx context.Context) error { return s.DeleteRecord(ctx, key, 1) })
		if outcomes[k] == nil {
			spent++
			assert.ErrorIs(t, again, mfa.ErrConflict, "it can be spent twice")
		}
	}
	assert.Positive(t, spent)
	assert.Less(t, spent, len(keys), "nothing has failed, and nobody is left to acknowledge")

	// And the store goes on.
	for _, w := range writes {
		key := w.prepare(t, s)
		require.NoError(t, w.do(t.Context(), s, key), w.name)
		assert.Equal(t, w.to, versionOf(t, s, key), w.name)
	}
}

// patiently tries again while the store is busy, but not for as long as a
// cluster client goes by an old map by itself.
func patiently(t *testing.T, try func(context.Context) error) error {
	t.Helper()
	for begin := time.Now(); ; {
		err := try(t.Context())
		if !errors.Is(err, mfa.ErrBusy) || !assert.Less(t, time.Since(begin), 30*time.Second, "it is still busy: %v", err) {
			return err
		}
	}
}

func TestP10_SpentStaysSpentThroughAClusterFailover(t *testing.T) {
	cluster := startShards(t)
	client := connectCluster(t, cluster.RedisCluster)
	var keys []string
	for len(keys) < records {
		key := "ceremony/" + rand.Text()
		if _, master := cluster.of(t, key); master.Options().Addr == cluster.Addrs()[0] {
			keys = append(keys, key)
		}
	}
	testFailover(t, client, keys, cluster.Nodes()[0].Kill)
	cluster.WaitHealthy(t)
}

func TestP10_SpentStaysSpentThroughASentinelFailover(t *testing.T) {
	master := testenv.StartRedis(t)
	startReplica(t, master)
	sentinel := testenv.StartRedisSentinel(t, master)
	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: testenv.SentinelMaster, SentinelAddrs: []string{sentinel.Addr()}})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	keys := make([]string, records)
	for i := range keys {
		keys[i] = "ceremony/" + rand.Text()
	}
	testFailover(t, client, keys, master.Kill)
}
