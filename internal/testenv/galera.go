package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// galeraLibrary is where Debian's galera-4 puts it.
const galeraLibrary = "/usr/lib/galera/libgalera_smm.so"

// Galera is a Galera Cluster of MariaDB servers for one test, which may kill
// and restart each of them. The others go on within seconds if they are more
// than half of the cluster. A node can only be restarted while others run. Its
// methods are for the goroutine of the test.
type Galera struct{ nodes []*Server }

// StartGalera starts a Galera Cluster and waits until it is healthy. On each
// node the superuser is "root" with an empty password.
func StartGalera(t testing.TB, nodes int) *Galera {
	t.Helper()
	tool(t, "rsync", "rsync")
	if _, err := os.Stat(galeraLibrary); err != nil {
		t.Skipf("%s is not installed (Debian: apt-get install galera-4), so what it would show is not tested.", galeraLibrary)
	}
	g := &Galera{}
	for range nodes {
		g.nodes = append(g.nodes, startOwn(t, g.node(t)))
	}
	g.WaitHealthy(t)
	return g
}

// node is a MariaDB server that joins the nodes that there are. The first one
// founds the cluster.
func (g *Galera) node(t testing.TB) kind {
	t.Helper()
	k := mariaDB(t)
	alone := k.command
	var position string // the last write of a node that is started again
	k.name, k.ports = "galera", 4
	if len(g.nodes) > 0 {
		k.prepare = func(s *Server) error { return s.run("mkdir", s.path("data")) } // filled by another node
	}
	k.command = func(s *Server) []string {
		group, increments, snapshots := loopback(s.ports[1]), loopback(s.ports[2]), loopback(s.ports[3])
		others := g.others(s)
		command := append(alone(s),
			"--wsrep-on=ON", "--wsrep-provider="+galeraLibrary,
			"--wsrep-cluster-address=gcomm://"+strings.Join(others, ","), "--wsrep-node-address="+group,
			"--wsrep-sst-method=rsync", "--wsrep-sst-receive-address="+snapshots,
			"--wsrep-provider-options="+strings.Join([]string{
				"base_port=" + strconv.Itoa(s.ports[1]), "gmcast.listen_addr=tcp://" + group, "ist.recv_addr=" + increments,
				"gcache.size=16M",
				"gmcast.peer_timeout=PT2S", "evs.keepalive_period=PT0.5S", "evs.inactive_check_period=PT0.25S",
				"evs.suspect_timeout=PT2S", "evs.inactive_timeout=PT4S", "evs.install_timeout=PT4S",
			}, ";"),
			"--binlog-format=ROW", "--innodb-autoinc-lock-mode=2")
		if len(others) == 0 {
			command = append(command, "--wsrep-new-cluster")
		}
		if position != "" {
			command = append(command, "--wsrep-start-position="+position)
		}
		return command
	}
	k.again = func(s *Server) error {
		position = ""
		var err error
		position, err = lastPosition(s, k.command(s))
		return err
	}
	k.ready = append(k.ready, "Synchronized with group")
	return k
}

// lastPosition returns which write was the last of a node that has ended. With
// it the node gets from the others what it has missed; without it, everything.
func lastPosition(s *Server, command []string) (string, error) {
	said := len(s.Log())
	if err := s.run(append(command, "--wsrep-recover")...); err != nil {
		return "", err
	}
	_, position, found := strings.Cut(s.Log()[said:], "WSREP: Recovered position: ")
	position, _, line := strings.Cut(position, "\n")
	if !found || !line {
		return "", errors.New("it does not say what its last write was")
	}
	return position, nil
}

// others returns where the other nodes talk to each other.
func (g *Galera) others(s *Server) []string {
	var addrs []string
	for _, node := range g.nodes {
		if node != s {
			addrs = append(addrs, loopback(node.ports[1]))
		}
	}
	return addrs
}

// Nodes returns the nodes.
func (g *Galera) Nodes() []*Server { return slices.Clone(g.nodes) }

// WaitHealthy waits until all nodes that run, and no others, are the cluster,
// and in step. A test calls it after it has killed or restarted a node.
func (g *Galera) WaitHealthy(t testing.TB) {
	t.Helper()
	client := tool(t, "mariadb-client", "mariadb")
	if err := settle(func() error { return g.healthy(client) }); err != nil {
		t.Fatalf("the Galera Cluster is not healthy %v", err)
	}
}

// healthy returns an error while there is something that WaitHealthy waits for.
func (g *Galera) healthy(client string) error {
	running := slices.DeleteFunc(g.Nodes(), func(s *Server) bool { return !s.running() })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, node := range running {
		cmd := exec.CommandContext(ctx, client, "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", //nolint:gosec // the client was found in PATH
			"--port="+strconv.Itoa(node.Port()), "--user=root", "--skip-column-names", "--execute=SHOW STATUS LIKE 'wsrep%'")
		out, err := cmd.CombinedOutput()
		status := string(out)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", node.Addr(), err, status)
		}
		for _, line := range []string{
			"wsrep_cluster_size\t" + strconv.Itoa(len(running)), "wsrep_cluster_status\tPrimary",
			"wsrep_local_state_comment\tSynced", "wsrep_ready\tON",
		} {
			if !strings.Contains(status, line+"\n") {
				return fmt.Errorf("%s does not say %q:\n%s", node.Addr(), line, status)
			}
		}
	}
	return nil
}
