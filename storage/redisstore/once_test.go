package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/redisstore"
)

// clients are the ways to a cluster of one master and one replica, through a
// wire.
var clients = map[string]func(t testing.TB, c *testenv.RedisCluster, w *wire) redis.UniversalClient{
	"server": func(t testing.TB, c *testenv.RedisCluster, w *wire) redis.UniversalClient {
		return connect(t, c.Addrs()[0], func(o *redis.Options) { o.Dialer, o.ReadTimeout = w.dial, 2*time.Second })
	},
	"cluster": func(t testing.TB, c *testenv.RedisCluster, w *wire) redis.UniversalClient {
		return connectCluster(t, c, func(o *redis.ClusterOptions) { o.Dialer, o.ReadTimeout = w.dial, 2*time.Second })
	},
}

// A write whose outcome is unknown is neither sent again, when it would lose
// against itself, nor taken for one that did not happen.
func TestP10_LostWritesAreFaults(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, 1, 1)
	seen := open(t, connect(t, cluster.Addrs()[0]), redisstore.Options{})
	for name, client := range clients {
		for mode, o := range map[string]redisstore.Options{"at once": {}, "replicated": {WaitReplicas: 1}} {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel() // it waits for what does not come
				w := &wire{t: t}
				s := open(t, client(t, cluster, w), o)
				for _, write := range writes {
					for lost, want := range map[loss]int64{requestLost: write.from, answerLost: write.to, answerLate: write.to} {
						key := write.prepare(t, s)
						w.lose(lost)
						requireFault(t, write.do(t.Context(), s, key), false)
						assert.Equal(t, want, versionOf(t, seen, key), "%s, loss %d", write.name, lost)

						if want == write.from {
							require.NoError(t, write.do(t.Context(), s, key))
						} else {
							require.ErrorIs(t, write.do(t.Context(), s, key), mfa.ErrConflict)
						}
						assert.Equal(t, write.to, versionOf(t, seen, key))
					}
				}
			})
		}
	}
}

// Connections that the server has closed while they were idle cost nothing.
func TestStaleConnectionsAreReplaced(t *testing.T) {
	cluster := testenv.StartRedisCluster(t, 1, 1)
	for name, client := range clients {
		for mode, o := range map[string]redisstore.Options{"at once": {}, "replicated": {WaitReplicas: 1}} {
			t.Run(name+" "+mode, func(t *testing.T) {
				w := &wire{t: t}
				s := open(t, client(t, cluster, w), o)
				for _, write := range writes {
					key := write.prepare(t, s)
					before := w.count
					w.cut()
					require.NoError(t, write.do(t.Context(), s, key))
					require.Equal(t, write.to, versionOf(t, s, key))
					require.Greater(t, w.count, before)
				}
			})
		}
	}
}
