package stores

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
)

// nodes is how many parties there are, and nodes of a Galera cluster, and
// masters of a Redis Cluster.
const nodes = 3

// losses is how many nodes are lost, one after the other.
func losses() int {
	if long {
		return 9
	}
	return 1
}

// guesses is how many wrong codes are judged.
const guesses = 20

func onNodes(t *testing.T, s spec) *crowd {
	t.Helper()
	c := newCrowd(t, s, nodes, func(s *setup) { s.Limits = mfa.Limits{Attempts: guesses, Lookups: many} })
	c.store.db.SetMaxIdleConns(0) // none to a node that dies
	return c
}

// P06: a node of a Galera cluster dies while people verify at all of them. The
// others go on within seconds. The party of the dead node is not available, and
// says of no right answer that it is wrong.
func TestP06_LostGaleraNode(t *testing.T) {
	cluster := testenv.StartGalera(t, nodes)
	s := freshGalera(t, cluster)
	for i := range s.DSNs {
		s.DSNs[i] += "&timeout=2s&readTimeout=10s&writeTimeout=10s"
	}
	c := onNodes(t, s)
	for n := range losses() {
		node := (n + 1) % nodes
		next := (node + 1) % nodes
		dead := newResident(t, newJournal(c), next)
		session := c.must(t, node, order{Op: "start", User: dead.name}).State
		r := startRush(t, c)

		killed := time.Now()
		cluster.Nodes()[node].Kill()
		r.goesOn(t, next, (node+2)%nodes)
		for _, o := range []order{
			code(session, "totp", dead.devices[0].app.Code(c.now)), code(session, "lookup_secret", dead.codes[0]),
		} {
			require.Equal(t, "unavailable", c.member(node).ask(o).Code)
			require.Empty(t, c.member(next).ask(o).Code, "the answer is as good as new")
		}

		cluster.Nodes()[node].Restart()
		cluster.WaitHealthy(t)
		t.Logf("the node is back after %v", time.Since(killed).Round(time.Millisecond))
		r.goesOn(t, node)
		r.end(t)
	}
}

// P10: a master of a Redis Cluster dies while people verify with keys, among
// them the one that has a ceremony that is under way. The parties go on within
// seconds.
func TestP10_LostRedisMaster(t *testing.T) {
	// Two replicas, so that a master that was one has still one to wait for.
	cluster := testenv.StartRedisCluster(t, nodes, 2)
	c := onNodes(t, withRedis(freshPostgreSQL(t, testenv.PostgreSQL(t)), 1, cluster.Addrs()...))
	for range losses() {
		p := newResident(t, newJournal(c), 0)
		session := c.must(t, 0, order{Op: "start", User: p.name}).State
		begun := c.must(t, 0, order{Op: "begin verification", State: session, Method: "webauthn"})
		slot := slotOfTheOnlyKey(t, c)
		r := startRush(t, c)

		victim := cluster.MasterFor(slot)
		killed := time.Now()
		victim.Kill()
		assertion := order{Op: "finish verification", State: session, Ceremony: begun.Ceremony, Response: p.devices[1].key.Assert(t, begun.Prompt)}
		for given := r.j.give(begun.Ceremony, assertion, r.everybody...); !concluded(given); {
			require.Less(t, time.Since(killed), 15*time.Second, "%v", given)
			given = r.j.give(begun.Ceremony, assertion, r.everybody...)
		}
		t.Logf("the ceremony was over after %v", time.Since(killed).Round(time.Millisecond))
		r.goesOn(t, r.everybody...)
		victim.Restart()
		cluster.WaitHealthy(t)
		r.goesOn(t, r.everybody...)
		r.end(t)
	}
}

// slotOfTheOnlyKey returns the hash slot of the one ceremony that there is.
func slotOfTheOnlyKey(t *testing.T, c *crowd) int {
	t.Helper()
	cluster, ok := c.store.redis.(*redis.ClusterClient)
	require.True(t, ok)
	found := make(chan string, 100)
	require.NoError(t, cluster.ForEachMaster(t.Context(), func(ctx context.Context, master *redis.Client) error {
		keys, err := master.Keys(ctx, c.setup.Spec.RedisPrefix+"*").Result()
		for _, key := range keys {
			found <- key
		}
		return err
	}))
	close(found)
	require.Len(t, found, 1)
	slot, err := cluster.ClusterKeySlot(t.Context(), <-found).Result()
	require.NoError(t, err)
	return int(slot)
}

func concluded(reports []report) bool {
	got := codes(reports)
	return got[""]+got["rejected"] == len(reports)
}
