package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/redisstore"
)

// shards is a cluster of three masters, each with a replica.
type shards struct {
	*testenv.RedisCluster
	direct map[string]*redis.Client // by address
}

func startShards(t testing.TB) shards {
	t.Helper()
	s := shards{testenv.StartRedisCluster(t, 3, 1), map[string]*redis.Client{}}
	for _, addr := range s.Addrs() {
		s.direct[addr] = connect(t, addr)
	}
	return s
}

// of returns the slot of a record, and the node that has it.
func (s shards) of(t testing.TB, key string) (slot int, master *redis.Client) {
	t.Helper()
	n, err := s.direct[s.Addrs()[0]].ClusterKeySlot(t.Context(), "mfa:"+key).Result()
	require.NoError(t, err)
	return int(n), s.direct[s.MasterFor(int(n)).Addr()]
}

// other returns a master that is not the given one.
func (s shards) other(master *redis.Client) *redis.Client {
	for _, node := range s.Nodes()[:3] {
		if c := s.direct[node.Addr()]; c != master {
			return c
		}
	}
	panic("one master is not three")
}

func setSlot(t testing.TB, node *redis.Client, slot int, args ...any) {
	t.Helper()
	require.NoError(t, node.Do(t.Context(), append([]any{"CLUSTER", "SETSLOT", slot}, args...)...).Err())
}

func nodeID(t testing.TB, node *redis.Client) string {
	t.Helper()
	id, err := node.Do(t.Context(), "CLUSTER", "MYID").Text()
	require.NoError(t, err)
	return id
}

// While a slot moves the old master answers ASK for what has moved, and
// afterwards MOVED for all of it.
func TestClusterRedirectsAreFollowed(t *testing.T) {
	cluster := startShards(t)
	for name, o := range map[string]redisstore.Options{"at once": {}, "replicated": replicated} {
		t.Run(name, func(t *testing.T) {
			for _, w := range writes {
				s, stale := open(t, connectCluster(t, cluster.RedisCluster), o), open(t, connectCluster(t, cluster.RedisCluster), o)
				key := w.prepare(t, s)
				require.Equal(t, w.from, versionOf(t, stale, key)) // it has the map now

				slot, from := cluster.of(t, key)
				to := cluster.other(from)
				setSlot(t, to, slot, "IMPORTING", nodeID(t, from))
				setSlot(t, from, slot, "MIGRATING", nodeID(t, to))
				if w.from != 0 {
					host, port, _ := strings.Cut(to.Options().Addr, ":")
					require.NoError(t, from.Migrate(t.Context(), host, port, "mfa:"+key, 0, 10*time.Second).Err())
				}
				require.NoError(t, w.do(t.Context(), s, key), "%s, ASK", w.name)
				assert.Equal(t, w.to, versionOf(t, s, key), "%s, ASK", w.name)

				for _, node := range []*redis.Client{to, from} {
					setSlot(t, node, slot, "NODE", nodeID(t, to))
				}
				back := write{"back", w.to, w.from}
				require.NoError(t, back.do(t.Context(), stale, key), "%s, MOVED", w.name)
				assert.Equal(t, w.from, versionOf(t, stale, key), "%s, MOVED", w.name)
			}
		})
	}
}

// WAIT has no key, and would go to any node if it were not sent with the write.
func TestP10_WaitsOnTheNodeOfTheKey(t *testing.T) {
	cluster := startShards(t)
	client := connectCluster(t, cluster.RedisCluster)
	s := open(t, client, redisstore.Options{})
	replica := cluster.direct[cluster.Nodes()[3].Addr()] // of the first master
	lagging := cluster.direct[cluster.Nodes()[0].Addr()]

	defer occupy(t, replica)()
	for n := map[bool]int{}; n[true] < 3 || n[false] < 3; {
		key := deletes.prepare(t, s)
		_, master := cluster.of(t, key)
		n[master == lagging]++
		if master == lagging {
			requireFault(t, deletes.do(t.Context(), open(t, client, impatient), key), false)
		} else {
			require.NoError(t, deletes.do(t.Context(), open(t, client, replicated), key))
		}
	}
}
