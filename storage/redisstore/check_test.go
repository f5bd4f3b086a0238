package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/redisstore"
)

func TestP10_CheckSaysWhatIsMissing(t *testing.T) {
	server := testenv.StartRedis(t)
	client := connect(t, server.Addr())
	s, waiting := open(t, client, redisstore.Options{}), open(t, client, replicated)
	require.NoError(t, s.Check(t.Context()))
	keys, err := client.Keys(t.Context(), "mfa:check/*").Result()
	require.NoError(t, err)
	assert.Empty(t, keys, "it leaves something behind")
	assert.ErrorContains(t, waiting.Check(t.Context()), server.Addr()+" has 0 replicas, and every write waits for 1")

	replica := startReplica(t, server)
	require.NoError(t, waiting.Check(t.Context()))
	assert.ErrorContains(t, open(t, connect(t, replica.Addr()), redisstore.Options{}).Check(t.Context()), replica.Addr()+" is a replica")

	for _, policy := range []string{"allkeys-lru", "volatile-ttl"} {
		require.NoError(t, client.ConfigSet(t.Context(), "maxmemory-policy", policy).Err())
		assert.ErrorContains(t, s.Check(t.Context()), "set maxmemory-policy to noeviction instead of "+policy)
	}
	server.Stop()
	requireFault(t, s.Check(t.Context()), true)
}

func TestP10_CheckAsksEveryMaster(t *testing.T) {
	cluster := startShards(t)
	client := connectCluster(t, cluster.RedisCluster)
	waiting := open(t, client, redisstore.Options{WaitReplicas: 1})
	require.NoError(t, waiting.Check(t.Context()))
	assert.ErrorContains(t, open(t, client, redisstore.Options{WaitReplicas: 2}).Check(t.Context()), "has 1 replicas, and every write waits for 2")
	last := cluster.Nodes()[2].Addr()
	require.NoError(t, cluster.direct[last].ConfigSet(t.Context(), "maxmemory-policy", "allkeys-random").Err())
	assert.ErrorContains(t, waiting.Check(t.Context()), last+" drops running ceremonies")
}

// A managed Redis may not let itself be asked.
func TestCheckNeedsNoINFO(t *testing.T) {
	server := testenv.StartRedis(t, "--maxmemory-policy", "allkeys-lru")
	admin := connect(t, server.Addr())
	as := func(name string, rights ...any) *redisstore.Store {
		t.Helper()
		require.NoError(t, admin.Do(t.Context(), append([]any{"ACL", "SETUSER", name, "on", "nopass", "~mfa:*"}, rights...)...).Err())
		return open(t, connect(t, server.Addr(), func(o *redis.Options) { o.Username, o.Password = name, "any" }), redisstore.Options{})
	}
	require.ErrorContains(t, as("all", "+@all").Check(t.Context()), "noeviction")
	require.NoError(t, as("less", "+@all", "-info").Check(t.Context()))
	require.NoError(t, as("least", "+get", "+eval", "+exists", "+getrange", "+set", "+del").Check(t.Context()))
	for _, right := range []string{"get", "eval", "set", "del"} {
		err := as("no-"+right, "+@all", "-info", "-"+right).Check(t.Context())
		requireFault(t, err, false)
		assert.ErrorContains(t, err, "command", right)
	}

	unknown := testenv.StartRedis(t, "--rename-command", "INFO", "")
	require.NoError(t, open(t, connect(t, unknown.Addr()), redisstore.Options{}).Check(t.Context()))
}
