package testenv

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGaleraGoesOnWithoutANode(t *testing.T) {
	t.Parallel()
	g := StartGalera(t, 3)
	nodes := g.Nodes()
	mariadb(t, nodes[0], "CREATE DATABASE d; CREATE TABLE d.kept (n INT PRIMARY KEY); INSERT INTO d.kept VALUES (42)")

	nodes[0].Kill()
	g.WaitHealthy(t)
	mariadb(t, nodes[1], "INSERT INTO d.kept VALUES (43)")

	nodes[0].Restart() // though it was the one that founded the cluster
	g.WaitHealthy(t)
	assert.NotContains(t, nodes[0].Log()[nodes[0].said:], "Flushing tables for SST", "it gets what it has missed, and not everything")
	nodes[1].Stop()
	g.WaitHealthy(t)
	for _, node := range []*Server{nodes[0], nodes[2]} {
		assert.Equal(t, "42\n43", mariadb(t, node, "SET SESSION wsrep_sync_wait = 1; SELECT n FROM d.kept ORDER BY n"))
	}
}
