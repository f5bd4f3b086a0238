package redisstore_test

import (
	"context"
	"errors"
	"fmt"
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

// requireBusy requires all writes to fail without effect, and to say so.
func requireBusy(t *testing.T, s *redisstore.Store) {
	t.Helper()
	for _, w := range writes {
		requireFault(t, w.do(t.Context(), s, "ceremony/busy"), true)
	}
}

func once(o *redis.Options) { o.DialerRetries = 1 }

func TestBusyWhileNobodyListens(t *testing.T) {
	server := testenv.StartRedis(t)
	client := connect(t, server.Addr(), once)
	s := open(t, client, redisstore.Options{})
	server.Stop()
	requireBusy(t, s)
	_, err := s.Record(t.Context(), "ceremony/busy")
	requireFault(t, err, true)
	server.Restart()
	for _, w := range writes {
		require.NoError(t, w.do(t.Context(), s, w.prepare(t, s)))
	}
}

func TestBusyReplies(t *testing.T) {
	for reply, c := range map[string]struct {
		args  []string
		reads bool // which are possible all the same
	}{
		"READONLY":    {[]string{"--replicaof", "127.0.0.1", "1"}, true},
		"MASTERDOWN":  {[]string{"--replicaof", "127.0.0.1", "1", "--replica-serve-stale-data", "no"}, false},
		"NOREPLICAS":  {[]string{"--min-replicas-to-write", "1"}, true},
		"CLUSTERDOWN": {[]string{"--cluster-enabled", "yes"}, false},
	} {
		t.Run(reply, func(t *testing.T) {
			s := open(t, connect(t, testenv.StartRedis(t, c.args...).Addr()), redisstore.Options{})
			requireBusy(t, s)
			_, err := s.Record(t.Context(), "ceremony/busy")
			if c.reads {
				require.ErrorIs(t, err, mfa.ErrNotFound)
			} else {
				requireFault(t, err, true)
				require.ErrorContains(t, err, reply)
			}
		})
	}
}

func TestBusyWhileAScriptRuns(t *testing.T) {
	server := testenv.StartRedis(t)
	s := open(t, connect(t, server.Addr()), redisstore.Options{})
	release := occupy(t, connect(t, server.Addr()))
	requireBusy(t, s)
	release()
	for _, w := range writes {
		require.NoError(t, w.do(t.Context(), s, w.prepare(t, s)))
	}
}

func TestBusyWhileLoading(t *testing.T) {
	server := testenv.StartRedis(t, "--enable-debug-command", "yes", "--rdbcompression", "no", "--loading-process-events-interval-bytes", "1024")
	admin := connect(t, server.Addr(), func(o *redis.Options) { o.ReadTimeout = time.Minute })
	s := open(t, connect(t, server.Addr()), redisstore.Options{})
	for i := range 100 {
		require.NoError(t, admin.Set(t.Context(), "other:"+strconv.Itoa(i), make([]byte, 1<<10), 0).Err())
	}
	require.NoError(t, admin.ConfigSet(t.Context(), "key-load-delay", "100000").Err()) // ten seconds in all
	loaded := make(chan error, 1)
	go func() { loaded <- admin.Do(t.Context(), "DEBUG", "RELOAD").Err() }()
	require.Eventually(t, func() bool {
		return redis.IsLoadingError(connect(t, server.Addr()).Ping(t.Context()).Err())
	}, time.Minute, 10*time.Millisecond)
	requireBusy(t, s)
	require.NoError(t, connect(t, server.Addr()).ConfigSet(t.Context(), "key-load-delay", "0").Err())
	require.NoError(t, <-loaded)
}

func TestBusyWhileAllConnectionsAreTaken(t *testing.T) {
	client := connect(t, testenv.Redis(t).Addr(), func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 1, time.Millisecond })
	s := open(t, client, redisstore.Options{})
	taken := client.Conn()
	require.NoError(t, taken.Ping(t.Context()).Err())
	requireBusy(t, s)
	require.NoError(t, taken.Close())
	for _, w := range writes {
		require.NoError(t, w.do(t.Context(), s, w.prepare(t, s)))
	}
}

// What is short does not pass by itself, and is not called busy.
func TestP10_AFullRedisRefusesAndForgetsNothing(t *testing.T) {
	client := connect(t, testenv.StartRedis(t, "--maxmemory", "3mb").Addr())
	s := open(t, client, redisstore.Options{})
	key := deletes.prepare(t, s)
	for i := 0; ; i++ {
		r := record(fmt.Sprint("ceremony/", i), 1)
		r.Data = make([]byte, 1<<16)
		if err := s.PutRecord(t.Context(), r, 0); err != nil {
			requireFault(t, err, false)
			require.True(t, redis.IsOOMError(errors.Unwrap(err)), "%v", err)
			require.Zero(t, versionOf(t, s, r.Key))
			require.Positive(t, i)
			break
		}
	}
	require.NoError(t, deletes.do(t.Context(), s, key))
}

func TestADoneContextWritesNothing(t *testing.T) {
	cluster := testenv.StartRedisCluster(t, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, client := range clients {
		for mode, o := range map[string]redisstore.Options{"at once": {}, "replicated": {WaitReplicas: 1}} {
			t.Run(name+" "+mode, func(t *testing.T) {
				s := open(t, client(t, cluster, &wire{t: t}), o)
				for _, w := range writes {
					key := w.prepare(t, s)
					err := w.do(ctx, s, key)
					requireFault(t, err, false)
					require.ErrorIs(t, err, context.Canceled)
					assert.Equal(t, w.from, versionOf(t, s, key), w.name)
				}
				_, err := s.Record(ctx, "ceremony/any")
				requireFault(t, err, false)
				require.ErrorIs(t, err, context.Canceled)
			})
		}
	}
}

// Waiting for a busy Redis ends with the request.
func TestADoneContextEndsTheWaiting(t *testing.T) {
	s := open(t, connect(t, testenv.StartRedis(t, "--min-replicas-to-write", "1").Addr()), redisstore.Options{})
	require.Zero(t, versionOf(t, s, "ceremony/any")) // so that it is connected
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	err := creates.do(ctx, s, "ceremony/any")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	requireFault(t, err, false)
}

// Redis repeats the arguments of commands that it does not know.
func TestErrorsKeepRecordsToThemselves(t *testing.T) {
	for _, command := range []string{"EVAL", "GET"} {
		t.Run(command, func(t *testing.T) {
			s := open(t, connect(t, testenv.StartRedis(t, "--rename-command", command, "").Addr()), redisstore.Options{})
			_, err := s.Record(t.Context(), "ceremony/secret-key")
			if command == "EVAL" {
				r := record("ceremony/secret-key", 1)
				r.Data = []byte("secret data")
				err = s.PutRecord(t.Context(), r, 0)
			}
			requireFault(t, err, false)
			assert.ErrorContains(t, err, "the server does not know a command")
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestForeignValuesAreFaults(t *testing.T) {
	client := connect(t, testenv.Redis(t).Addr())
	s := open(t, client, redisstore.Options{})
	for name, put := range map[string]func(key string) error{
		"empty": func(key string) error { return client.Set(t.Context(), key, "", 0).Err() },
		"text": func(key string) error {
			return client.Set(t.Context(), key, "a text of some other application", 0).Err()
		},
		"of tomorrow": func(key string) error { return client.Set(t.Context(), key, "\x02and twenty bytes of data", 0).Err() },
		"list":        func(key string) error { return client.RPush(t.Context(), key, "element").Err() },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, put("mfa:ceremony/"+name))
			_, err := s.Record(t.Context(), "ceremony/"+name)
			requireFault(t, err, false)
			require.ErrorIs(t, creates.do(t.Context(), s, "ceremony/"+name), mfa.ErrConflict)
			for _, w := range []write{updates, deletes} {
				require.Error(t, w.do(t.Context(), s, "ceremony/"+name))
			}
			n, err := client.Exists(t.Context(), "mfa:ceremony/"+name).Result()
			require.NoError(t, err)
			require.EqualValues(t, 1, n)
		})
	}
}
