package testenv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// slots is how many hash slots a Redis Cluster has.
const slots = 16384

// RedisCluster is a Redis Cluster for one test. Each node is a server that the
// test may kill and restart. Within seconds, a replica takes the place of a
// master that was killed. Its methods are for the goroutine of the test.
type RedisCluster struct {
	t     testing.TB
	nodes []*Server
}

// StartRedisCluster starts a Redis Cluster of masters, which share the slots,
// and of so many replicas for each of them, and waits until it is healthy. It
// needs no password.
func StartRedisCluster(t testing.TB, masters, replicasPerMaster int) *RedisCluster {
	t.Helper()
	c := &RedisCluster{t: t}
	for i := range masters * (1 + replicasPerMaster) {
		node := startOwn(t, redisNode(t))
		c.nodes = append(c.nodes, node)
		c.do(node, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)) // else they must first agree on it
		if i < masters {
			c.do(node, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/masters), strconv.Itoa((i+1)*slots/masters-1))
		}
		if i > 0 {
			c.do(c.nodes[0], "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(node.ports[0]), strconv.Itoa(node.ports[1]))
		}
	}
	check(t, settle(c.acquainted))
	for i, replica := range c.nodes[masters:] {
		c.do(replica, "CLUSTER", "REPLICATE", c.do(c.nodes[i%masters], "CLUSTER", "MYID"))
	}
	c.WaitHealthy(t)
	return c
}

func (c *RedisCluster) do(node *Server, command ...string) string {
	c.t.Helper()
	answer, err := redisDo(node.Addr(), command...)
	check(c.t, err)
	return answer
}

// redisNode is a Redis server that has a second port, for the cluster.
func redisNode(t testing.TB) kind {
	t.Helper()
	k := redis(t)
	alone := k.command
	k.ports = 2
	k.command = func(s *Server) []string {
		return append(alone(s), "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(s.ports[1]),
			"--cluster-announce-ip", "127.0.0.1", "--cluster-node-timeout", "1500",
			"--cluster-allow-replica-migration", "no", // a replica stays with its master
			"--repl-diskless-sync-delay", "0")
	}
	return k
}

// Nodes returns the nodes, masters first, as they were at the start.
func (c *RedisCluster) Nodes() []*Server { return slices.Clone(c.nodes) }

// Addrs returns the addresses of the nodes.
func (c *RedisCluster) Addrs() []string {
	var addrs []string
	for _, node := range c.nodes {
		addrs = append(addrs, node.Addr())
	}
	return addrs
}

// MasterFor returns the node that masters a slot now, which for a key is what
// CLUSTER KEYSLOT answers.
func (c *RedisCluster) MasterFor(slot int) *Server {
	c.t.Helper()
	for _, node := range c.nodes {
		if !node.running() {
			continue
		}
		view, err := viewOf(node)
		check(c.t, err)
		for _, m := range view {
			if m.masters(slot) {
				return c.at(m.addr)
			}
		}
	}
	c.t.Fatalf("no node masters slot %d", slot)
	return nil
}

// WaitHealthy waits until all nodes that run agree on who masters which slots,
// those that do run, and all replicas that run get from their masters what is
// written. A test calls it after it has killed or restarted a node.
func (c *RedisCluster) WaitHealthy(t testing.TB) {
	t.Helper()
	if err := settle(c.healthy); err != nil {
		t.Fatalf("the Redis Cluster is not healthy %v", err)
	}
}

// acquainted returns an error while there is a node that does not know all
// others.
func (c *RedisCluster) acquainted() error {
	for _, node := range c.nodes {
		view, err := viewOf(node)
		if err != nil {
			return err
		}
		if len(view) < len(c.nodes) || slices.ContainsFunc(view, func(m member) bool { return m.doubtful }) {
			return fmt.Errorf("%s knows %v", node.Addr(), view)
		}
	}
	return nil
}

// healthy returns an error while there is something that WaitHealthy waits for.
func (c *RedisCluster) healthy() error {
	var agreed []member
	replicas, online := 0, 0
	for _, node := range c.nodes {
		if !node.running() {
			continue
		}
		info, err := redisDo(node.Addr(), "CLUSTER", "INFO")
		if err != nil {
			return err
		}
		replication, err := redisDo(node.Addr(), "INFO", "replication")
		if err != nil {
			return err
		}
		if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r", slots)) ||
			strings.Contains(replication, "master_link_status:down") {
			return fmt.Errorf("%s says\n%s%s", node.Addr(), info, replication)
		}
		replicas += strings.Count(replication, "role:slave")
		online += strings.Count(replication, "state=online")
		view, err := c.liveView(node)
		if err != nil {
			return err
		}
		if agreed == nil {
			agreed = view
		}
		if !slices.Equal(agreed, view) {
			return fmt.Errorf("%v here is %v there", agreed, view)
		}
	}
	if online != replicas {
		return fmt.Errorf("masters send what is written to %d of %d replicas", online, replicas)
	}
	return nil
}

// liveView returns what a node knows of the nodes that run. It is an error if a
// node that does not run masters slots, or one that does seems not to.
func (c *RedisCluster) liveView(node *Server) ([]member, error) {
	view, err := viewOf(node)
	if err != nil {
		return nil, err
	}
	var live []member
	for _, m := range view {
		other := c.at(m.addr)
		up := other != nil && other.running()
		if up && m.doubtful || !up && m.slots != "" {
			return nil, fmt.Errorf("%s knows %v", node.Addr(), m)
		}
		if up {
			live = append(live, m)
		}
	}
	return live, nil
}

// at returns the node with an address, or nil.
func (c *RedisCluster) at(addr string) *Server {
	for _, node := range c.nodes {
		if node.Addr() == addr {
			return node
		}
	}
	return nil
}

// member is what one node knows of another, or of itself.
type member struct {
	addr, id string
	master   string // the id of the node that it replicates, or "-"
	slots    string // "0-5460" for example
	doubtful bool   // not heard of, or not yet known
}

// viewOf returns what a node knows of all nodes, in the order of addresses.
func viewOf(node *Server) ([]member, error) {
	text, err := redisDo(node.Addr(), "CLUSTER", "NODES")
	if err != nil {
		return nil, err
	}
	var view []member
	for line := range strings.Lines(text) {
		// id addr@port flags master ping pong epoch link slots…
		f := strings.Fields(line)
		if len(f) < 8 {
			return nil, fmt.Errorf("CLUSTER NODES answers %q", text)
		}
		addr, _, _ := strings.Cut(f[1], "@")
		view = append(view, member{
			id: f[0], addr: addr, master: f[3], slots: strings.Join(f[8:], " "),
			doubtful: strings.Contains(f[2], "fail") || strings.Contains(f[2], "handshake") || f[7] != "connected",
		})
	}
	slices.SortFunc(view, func(a, b member) int { return strings.Compare(a.addr, b.addr) })
	return view, nil
}

// masters reports whether a slot is one of the member's.
func (m member) masters(slot int) bool {
	for part := range strings.FieldsSeq(m.slots) {
		var first, last int
		switch n, _ := fmt.Sscanf(part, "%d-%d", &first, &last); {
		case n == 1 && first == slot, n == 2 && first <= slot && slot <= last:
			return true
		}
	}
	return false
}
