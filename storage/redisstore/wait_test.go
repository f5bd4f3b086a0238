package redisstore_test

import (
	"crypto/rand"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/redisstore"
)

var (
	replicated = redisstore.Options{WaitReplicas: 1, WaitTimeout: 4 * time.Second}        // where a replica should acknowledge
	impatient  = redisstore.Options{WaitReplicas: 1, WaitTimeout: 300 * time.Millisecond} // where none can
)

// startReplica starts a replica and waits until it acknowledges writes.
func startReplica(t testing.TB, master *testenv.Server) *testenv.Server {
	t.Helper()
	client := connect(t, master.Addr())
	require.NoError(t, client.ConfigSet(t.Context(), "repl-diskless-sync-delay", "0").Err())
	replica := testenv.StartRedis(t, "--replicaof", "127.0.0.1", strconv.Itoa(master.Port()))
	s := open(t, client, replicated)
	require.Eventually(t, func() bool {
		return s.PutRecord(t.Context(), record(rand.Text(), 1), 0) == nil
	}, time.Minute, 10*time.Millisecond, "the replica acknowledges nothing")
	return replica
}

// occupy keeps a server busy, so that a replica acknowledges nothing, until
// the function that it returns is called.
func occupy(t testing.TB, client *redis.Client) (release func()) {
	t.Helper()
	require.NoError(t, client.ConfigSet(t.Context(), "busy-reply-threshold", "1").Err())
	done := make(chan error, 1)
	go func() { done <- client.Eval(t.Context(), "while true do end", nil).Err() }()
	require.Eventually(t, func() bool {
		return redis.HasErrorPrefix(client.Ping(t.Context()).Err(), "BUSY")
	}, time.Minute, 10*time.Millisecond)
	return func() {
		t.Helper()
		require.NoError(t, client.ScriptKill(t.Context()).Err())
		require.ErrorContains(t, <-done, "SCRIPT KILL")
	}
}

func TestP10_WritesWaitForReplicas(t *testing.T) {
	master := testenv.StartRedis(t)
	replica := connect(t, startReplica(t, master).Addr())
	s, waiting := open(t, connect(t, master.Addr()), redisstore.Options{}), open(t, connect(t, master.Addr()), impatient)

	release := occupy(t, replica)
	for _, w := range writes {
		key := w.prepare(t, s)
		begin := time.Now()
		err := w.do(t.Context(), waiting, key)
		requireFault(t, err, false)
		assert.ErrorContains(t, err, "it is done, but 0 of 1 replicas acknowledged it within 300ms")
		assert.GreaterOrEqual(t, time.Since(begin), impatient.WaitTimeout)
		assert.Equal(t, w.to, versionOf(t, s, key), "%s: what was written is not taken back", w.name)
		require.ErrorIs(t, w.do(t.Context(), waiting, key), mfa.ErrConflict, w.name)
	}
	release()
	waiting = open(t, connect(t, master.Addr()), replicated)
	for _, w := range writes {
		key := w.prepare(t, s)
		require.NoError(t, w.do(t.Context(), waiting, key))
		// Acknowledged means that it is there.
		n, err := replica.Exists(t.Context(), "mfa:"+key).Result()
		require.NoError(t, err)
		assert.Equal(t, w.to != 0, n == 1, w.name)
	}
}

func TestP10_WritesFailWithoutReplicas(t *testing.T) {
	client := connect(t, testenv.Redis(t).Addr())
	s, waiting := open(t, client, redisstore.Options{}), open(t, client, impatient)
	for _, w := range writes {
		key := w.prepare(t, s)
		requireFault(t, w.do(t.Context(), waiting, key), false)
		assert.Equal(t, w.to, versionOf(t, s, key), w.name)
	}
	for _, w := range []write{updates, deletes} {
		require.ErrorIs(t, w.do(t.Context(), waiting, "absent"), mfa.ErrConflict, w.name)
	}
}

// A WAIT that fails says nothing about the write before it.
func TestFailedWaitIsNoBusyStore(t *testing.T) {
	server := testenv.StartRedis(t)
	admin := connect(t, server.Addr())
	require.NoError(t, admin.Do(t.Context(), "ACL", "SETUSER", "app", "on", "nopass", "~*", "+@all", "-wait").Err())
	s := open(t, admin, redisstore.Options{})
	waiting := open(t, connect(t, server.Addr(), func(o *redis.Options) { o.Username, o.Password = "app", "any" }), replicated)
	for _, w := range writes {
		key := w.prepare(t, s)
		err := w.do(t.Context(), waiting, key)
		requireFault(t, err, false)
		assert.ErrorContains(t, err, "it is done, but WAIT failed: NOPERM")
		assert.Equal(t, w.to, versionOf(t, s, key), w.name)
	}
}
