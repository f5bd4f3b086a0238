package testenv

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRedisClusterGoesOnWithoutAMaster(t *testing.T) {
	t.Parallel()
	c := StartRedisCluster(t, 3, 1)
	assert.Len(t, c.Addrs(), 6)
	slot, err := strconv.Atoi(redisText(t, c.Nodes()[0], "CLUSTER KEYSLOT kept"))
	require.NoError(t, err)
	master := c.MasterFor(slot)
	redisText(t, master, "SET kept 42")
	require.NoError(t, await(func() (bool, error) {
		holders := 0
		for _, node := range c.Nodes() {
			if redisText(t, node, "DBSIZE") == "1" {
				holders++
			}
		}
		return holders == 2, nil
	}), "its replica has it")

	master.Kill()
	c.WaitHealthy(t)
	heir := c.MasterFor(slot)
	assert.NotEqual(t, master.Addr(), heir.Addr())
	assert.Equal(t, "42", redisText(t, heir, "GET kept"))

	master.Restart()
	c.WaitHealthy(t)
	assert.Equal(t, heir.Addr(), c.MasterFor(slot).Addr(), "it follows now")
}

func TestMemberMastersItsSlots(t *testing.T) {
	m := member{slots: "0-2 7 9-10"}
	for slot, want := range []bool{true, true, true, false, false, false, false, true, false, true, true, false} {
		assert.Equal(t, want, m.masters(slot), slot)
	}
}
