package redisstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/redisstore"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// connect returns a client of one server that ends with the test.
func connect(t testing.TB, addr string, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	o := &redis.Options{Addr: addr}
	for _, c := range change {
		c(o)
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// connectCluster returns a client of a cluster that ends with the test.
func connectCluster(t testing.TB, c *testenv.RedisCluster, change ...func(*redis.ClusterOptions)) *redis.ClusterClient {
	t.Helper()
	o := &redis.ClusterOptions{Addrs: c.Addrs()}
	for _, c := range change {
		c(o)
	}
	client := redis.NewClusterClient(o)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func open(t testing.TB, client redis.UniversalClient, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(client, o)
	require.NoError(t, err)
	return s
}

// write is one of the three kinds of writes: it takes a record from one
// version to another, where 0 is no record.
type write struct {
	name     string
	from, to int64
}

var (
	creates = write{"create", 0, 1}
	updates = write{"update", 1, 2}
	deletes = write{"delete", 1, 0}
	writes  = []write{creates, updates, deletes}
)

// prepare makes what the write needs, under a new key.
func (w write) prepare(t testing.TB, s mfa.Records) (key string) {
	t.Helper()
	key = "ceremony/" + rand.Text()
	if w.from != 0 {
		require.NoError(t, s.PutRecord(t.Context(), record(key, w.from), 0))
	}
	return key
}

func (w write) do(ctx context.Context, s mfa.Records, key string) error {
	if w.to == 0 {
		return s.DeleteRecord(ctx, key, w.from)
	}
	return s.PutRecord(ctx, record(key, w.to), w.from)
}

func record(key string, version int64) mfa.Record {
	return mfa.Record{Key: key, Data: []byte("sealed"), ExpiresAt: time.Now().Add(5 * time.Minute), Version: version}
}

// versionOf returns the version of a record, 0 if there is none.
func versionOf(t testing.TB, s mfa.Records, key string) int64 {
	t.Helper()
	r, err := s.Record(t.Context(), key)
	if errors.Is(err, mfa.ErrNotFound) {
		return 0
	}
	require.NoError(t, err)
	return r.Version
}

// requireFault requires an error that is no answer about the data.
func requireFault(t testing.TB, err error, busy bool) {
	t.Helper()
	require.Error(t, err)
	require.NotErrorIs(t, err, mfa.ErrConflict)
	require.NotErrorIs(t, err, mfa.ErrNotFound)
	require.Equal(t, busy, errors.Is(err, mfa.ErrBusy), "%v", err)
}
