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

func TestNewRefusesWhatIsWrong(t *testing.T) {
	client := connect(t, "127.0.0.1:1")
	for want, o := range map[string]redisstore.Options{
		"use letters, digits": {Prefix: "a b"}, `"{mfa}:"`: {Prefix: "{mfa}:"}, `"ü"`: {Prefix: "ü"}, `"a\n"`: {Prefix: "a\n"},
		"at most 64":                                 {Prefix: strings.Repeat("p", 65)},
		"WaitReplicas is -1":                         {WaitReplicas: -1},
		"WaitTimeout is -1s":                         {WaitTimeout: -time.Second},
		"WaitTimeout is 999µs":                       {WaitTimeout: 999 * time.Microsecond},
		"WaitTimeout is 5s, and the client gives up": {WaitReplicas: 1, WaitTimeout: 5 * time.Second},
	} {
		_, err := redisstore.New(client, o)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, "redisstore: Options.")
	}
}

func TestNewRefusesClientsThatCannotDo(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	t.Cleanup(func() { require.NoError(t, ring.Close()) })
	caching := connect(t, testenv.Redis(t).Addr(), func(o *redis.Options) { o.ClientSideCacheConfig = &redis.ClientSideCacheConfig{} })
	random := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, RouteRandomly: true})
	t.Cleanup(func() { require.NoError(t, random.Close()) })
	pipeliner, err := connect(t, testenv.Redis(t).Addr()).AutoPipeline()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pipeliner.Close()) })
	for want, client := range map[string]redis.UniversalClient{
		"use Redis Cluster or Sentinel":   ring,
		"give one without client-side":    caching,
		"give one without ReadOnly":       random,
		"the client is a *redis.AutoPipe": pipeliner,
		"the client is a <nil>":           nil,
	} {
		_, err := redisstore.New(client, redisstore.Options{})
		assert.ErrorContains(t, err, want)
	}
}

func TestPrefixesKeepStoresApart(t *testing.T) {
	client := connect(t, testenv.Redis(t).Addr())
	a, b := open(t, client, redisstore.Options{Prefix: "app-a:mfa:"}), open(t, client, redisstore.Options{Prefix: "app-b:mfa:"})
	key := deletes.prepare(t, a)
	assert.Zero(t, versionOf(t, b, key))
	require.NoError(t, creates.do(t.Context(), b, key))
	require.NoError(t, deletes.do(t.Context(), a, key))
	assert.EqualValues(t, 1, versionOf(t, b, key))
	n, err := client.Exists(t.Context(), "app-b:mfa:"+key).Result()
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)
}

// Redis forgets an hour after a record has expired, and never before that.
func TestP10_RecordsHaveALife(t *testing.T) {
	client := connect(t, testenv.Redis(t).Addr())
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) // not that of Redis
	s := open(t, client, redisstore.Options{Now: func() time.Time { return now }})
	key := creates.prepare(t, s)
	version := int64(0)
	for _, c := range []struct {
		expires time.Time
		life    time.Duration // -1: for ever
	}{
		{now.Add(5 * time.Minute), time.Hour + 5*time.Minute},
		{now, time.Hour},
		{now.Add(-time.Minute), time.Hour},
		{now.AddDate(-10, 0, 0), time.Hour},
		{time.Time{}, -1},
		{now.Add(time.Minute), time.Hour + time.Minute},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), 290 * 365 * 24 * time.Hour}, // and more: a Duration ends there
		{time.Time{}, -1},
	} {
		r := record(key, version+1)
		r.ExpiresAt = c.expires
		require.NoError(t, s.PutRecord(t.Context(), r, version))
		version = r.Version

		ms, err := client.Do(t.Context(), "PTTL", "mfa:"+key).Int64()
		require.NoError(t, err)
		switch {
		case c.life < 0:
			assert.EqualValues(t, -1, ms, "%v", c.expires)
		case c.expires.Year() == 9999:
			assert.InDelta(t, c.expires.Sub(now).Hours(), float64(c.life/time.Hour), 1e6)
			assert.InDelta(t, 7968*365.25*24, float64(ms)/3.6e6, 24*366)
		default:
			assert.InDelta(t, c.life.Milliseconds(), ms, 30_000, "%v", c.expires)
			assert.LessOrEqual(t, ms, c.life.Milliseconds(), "%v", c.expires)
		}
	}
}
