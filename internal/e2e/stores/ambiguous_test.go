package stores

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/redisstore"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// severed is a crowd of one party, whose connection to the store is cut around
// one of its writes.
type severed struct {
	*crowd

	mu     sync.Mutex
	writes int // since it was armed
	nth    int // the one that is cut, from 1; none if 0
	where  cut
	cut    bool
	landed bool // the write, although it was cut
}

// sever makes a party that reaches its servers through proxies, each by one
// connection.
func sever(t *testing.T, s spec, database *testenv.Server) *severed {
	t.Helper()
	v := &severed{crowd: newCrowd(t, s, 1, func(s *setup) { s.Limits = mfa.Limits{Lookups: many} })}
	v.members[0] = here(t, v.behindProxies(t, s, database), v.setup)
	return v
}

func (v *severed) behindProxies(t *testing.T, s spec, database *testenv.Server) mfa.Store {
	t.Helper()
	p := startProxy(t, database.Addr())
	dsn := strings.Replace(s.DSNs[0], database.Addr(), p.addr(), 1)
	db := openWatched(t, drivers[s.Dialect], dsn, func(_ context.Context, statement string) {
		if !strings.HasPrefix(statement, "SELECT ") {
			v.writing(t, p)
		}
	})
	db.SetMaxOpenConns(1)
	durable, err := sqlstore.New(db, s.Dialect, sqlstore.Config{})
	require.NoError(t, err)
	if len(s.Redis) == 0 {
		return durable
	}
	q := startProxy(t, s.Redis[0])
	client := redis.NewClient(&redis.Options{Addr: q.addr(), PoolSize: 1})
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	client.AddHook(evalHook{func() { v.writing(t, q) }})
	expiring, err := redisstore.New(client, redisstore.Options{Prefix: s.RedisPrefix})
	require.NoError(t, err)
	return storage.Split(durable, expiring)
}

// evalHook announces what writes to Redis.
type evalHook struct{ announce func() }

func (h evalHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h evalHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h evalHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "eval" {
			h.announce()
		}
		return next(ctx, cmd)
	}
}

// writing is told of each write before it is sent through a proxy.
func (v *severed) writing(t *testing.T, p *proxy) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.writes++
	if v.writes != v.nth {
		return
	}
	was := v.content(t)
	p.cutNext(v.where, func() {
		now := v.content(t)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.cut, v.landed = true, !maps.Equal(was, now)
	})
}

// content is what the store has: keys and ids, with their versions.
func (v *severed) content(t *testing.T) map[string]string {
	all := map[string]string{}
	ctx := context.Background()
	for _, query := range []string{"SELECT id, version FROM mfa_credentials", "SELECT record_key, version FROM mfa_records"} {
		rows, err := v.store.db.QueryContext(ctx, query)
		if !assert.NoError(t, err) {
			return nil
		}
		for rows.Next() {
			var key, version string
			assert.NoError(t, rows.Scan(&key, &version))
			all[key] = version
		}
		assert.NoError(t, rows.Err())
		assert.NoError(t, rows.Close())
	}
	if v.store.redis != nil {
		keys, err := v.store.redis.Keys(ctx, v.setup.Spec.RedisPrefix+"*").Result()
		assert.NoError(t, err)
		for _, key := range keys {
			all[key], err = v.store.redis.Get(ctx, key).Result()
			assert.NoError(t, err)
		}
	}
	return all
}

// arm has the nth write from now cut, or none if it is 0.
func (v *severed) arm(nth int, where cut) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.writes, v.nth, v.where, v.cut, v.landed = 0, nth, where, false, false
}

// disarm says how many writes there were, and what became of the one that was
// to be cut.
func (v *severed) disarm() (writes int, cut, landed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.nth = 0
	return v.writes, v.cut, v.landed
}

// P06: the connection is cut around a write, so that nobody knows whether it
// happened. The person is told to try later, the answer is accepted once at
// most, whatever is stored can be used, and the next answer works.
func TestP06_AmbiguousWrites(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		database := testenv.PostgreSQL(t)
		ambiguousFlows(t, sever(t, freshPostgreSQL(t, database), database))
	})
	t.Run("MariaDB", func(t *testing.T) {
		database := testenv.MariaDB(t)
		ambiguousFlows(t, sever(t, freshMariaDB(t, database), database))
	})
	t.Run("PostgreSQL and Redis", func(t *testing.T) {
		database := testenv.PostgreSQL(t)
		ambiguousFlows(t, sever(t, withRedis(freshPostgreSQL(t, database), 0, testenv.Redis(t).Addr()), database))
	})
}

// flow is something that a resident does.
type flow struct {
	name   string
	writes int // how many it makes
	do     func(t *testing.T, r *resident)
}

var flows = []flow{
	{"D02 code of the app", 3, func(t *testing.T, r *resident) { r.typeCode(t, r.devices[0], r.c.now, r.home) }},
	{"E03 recovery code", 3, func(t *testing.T, r *resident) {
		code := r.codes[0]
		r.codes = r.codes[1:]
		r.recover(t, code, r.home)
	}},
	{"H08 key", 3, func(t *testing.T, r *resident) { r.touch(t, r.devices[1], r.home) }},
	{"enrol an app", 6, func(t *testing.T, r *resident) { r.add(t, "totp") }},
	{"enrol a key", 3, func(t *testing.T, r *resident) { r.add(t, "webauthn") }},
	{"renew the codes", 4, func(t *testing.T, r *resident) { r.renew(t) }},
	{"remove", 2, func(t *testing.T, r *resident) { r.remove(t) }},
}

func ambiguousFlows(t *testing.T, v *severed) {
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) { ambiguous(t, v, f) })
	}
}

// ambiguous has the connection cut around each write of a flow in turn.
func ambiguous(t *testing.T, v *severed, f flow) {
	again := map[int]int{} // how often answers that were cut were accepted later
	for nth := 1; ; nth++ {
		for _, where := range []cut{before, behind} {
			r := newResident(t, newJournal(v.crowd), 0)
			require.True(t, r.add(t, "totp") && r.add(t, "webauthn"))
			v.wait(2 * halfMinute)
			f.do(t, r) // prepares the connection
			v.wait(2 * halfMinute)
			r.takeStock(t)
			v.wait(2 * halfMinute)

			r.j = newJournal(v.crowd)
			v.arm(nth, where)
			f.do(t, r)
			writes, cut, landed := v.disarm()
			if !cut {
				require.Equal(t, f.writes, writes)
				require.True(t, len(again) == 0 || again[0] > 0 && again[1] > 0, "%v", again)
				return
			}
			name := fmt.Sprintf("write %d, cut %v", nth, where)
			require.Equal(t, where == behind, landed, name)
			delete(r.j.codes, "")
			require.Equal(t, map[string]int{"unavailable": 1}, r.j.codes, name)
			require.Equal(t, 1, r.j.hinted, name)
			r.j.replay(t, 0)
			for _, a := range r.j.answers {
				again[a.accepted]++
			}
			r.j.replay(t, 0)
			v.wait(2 * halfMinute)
			r.takeStock(t)
		}
	}
}
