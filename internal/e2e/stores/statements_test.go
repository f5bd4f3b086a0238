package stores

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/redisstore"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// wire is what a store has sent: statements, and commands of Redis.
type wire struct {
	mu   sync.Mutex
	sent []string
}

func (w *wire) send(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, message)
}

// during returns what is sent while something is done.
func (w *wire) during(do func()) []string {
	w.mu.Lock()
	w.sent = nil
	w.mu.Unlock()
	do()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

// DialHook implements redis.Hook.
func (w *wire) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (w *wire) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		w.send(cmd.FullName())
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements redis.Hook.
func (w *wire) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		w.send(fmt.Sprintf("a pipeline of %d", len(cmds)))
		return next(ctx, cmds)
	}
}

// onEachWire runs a test on every kind of store, listening to what it sends.
// Clusters are left out: their clients ask the nodes when they like.
func onEachWire(t *testing.T, test func(t *testing.T, s spec, store faultstore.Inner, w *wire)) {
	on(t, singles(), func(t *testing.T, s spec) {
		w := &wire{}
		db := openWatched(t, drivers[s.Dialect], s.DSNs[0], func(_ context.Context, statement string) { w.send(statement) })
		durable, err := sqlstore.New(db, s.Dialect, sqlstore.Config{})
		require.NoError(t, err)
		if len(s.Redis) == 0 {
			test(t, s, durable, w)
			return
		}
		client := redis.NewClient(&redis.Options{Addr: s.Redis[0]})
		t.Cleanup(func() { assert.NoError(t, client.Close()) })
		require.NoError(t, client.Ping(t.Context()).Err()) // what greets a server is not the store's
		client.AddHook(w)
		expiring, err := redisstore.New(client, redisstore.Options{Prefix: s.RedisPrefix})
		require.NoError(t, err)
		store, ok := storage.Split(durable, expiring).(faultstore.Inner)
		require.True(t, ok)
		test(t, s, store, w)
	})
}

// conditional is a write that a version decides on, in SQL or as a script.
var conditional = regexp.MustCompile(`^(UPDATE|DELETE) .* AND version = (\?|\$\d+)$|^eval$`)

// onlyIfAbsent is a write that a unique key decides on.
var onlyIfAbsent = regexp.MustCompile(`^INSERT INTO \S+ \([^()]*\) VALUES \([^()]*\)( ON CONFLICT DO NOTHING)?$|^eval$`)

// reading reads and does nothing else.
var reading = regexp.MustCompile(`^SELECT [a-z_, ]+ FROM [^()]*$|^get$`)

// P03: every method sends one statement, whatever comes of it. Those that spend
// are conditional. Transactions are refused by openWatched.
func TestP03_EveryMethodIsOneStatement(t *testing.T) {
	onEachWire(t, func(t *testing.T, _ spec, store faultstore.Inner, w *wire) {
		ctx := t.Context()
		c := mfa.Credential{ID: "id", UserID: "user", Method: "totp", Key: "key", Data: []byte("data"), CreatedAt: time.Now(), Version: 1}
		next := c
		next.Version = 2
		one := func(name string, kind *regexp.Regexp, want error, do func() error) {
			t.Helper()
			sent := w.during(func() { require.ErrorIs(t, do(), want, name) })
			if assert.Len(t, sent, 1, name) && kind != nil {
				assert.Regexp(t, kind, sent[0], name)
			}
		}
		for _, want := range []error{nil, mfa.ErrConflict} {
			one("create credential", onlyIfAbsent, want, func() error { return store.CreateCredential(ctx, c) })
		}
		one("credentials", reading, nil, func() error {
			_, err := store.Credentials(ctx, c.UserID)
			return err
		})
		one("find credential", reading, nil, func() error {
			_, err := store.FindCredential(ctx, c.Method, c.Key)
			return err
		})
		one("find no credential", reading, mfa.ErrNotFound, func() error {
			_, err := store.FindCredential(ctx, c.Method, "other")
			return err
		})
		one("all credentials", reading, nil, func() error {
			for _, err := range store.AllCredentials(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		for _, want := range []error{nil, mfa.ErrConflict} {
			one("update credential", conditional, want, func() error { return store.UpdateCredential(ctx, next, c.Version) })
		}
		for _, want := range []error{nil, mfa.ErrConflict} {
			one("delete credential", conditional, want, func() error { return store.DeleteCredential(ctx, c.UserID, c.ID, next.Version) })
		}
		one("delete user", nil, nil, func() error { return store.DeleteUser(ctx, c.UserID) })
		for _, key := range []string{mfa.KeepPrefix + "record", "record"} {
			r := mfa.Record{Key: key, Data: []byte("data"), ExpiresAt: time.Now().Add(time.Hour), Version: 1}
			later := r
			later.Version = 2
			for _, want := range []error{nil, mfa.ErrConflict} {
				one("create "+key, onlyIfAbsent, want, func() error { return store.PutRecord(ctx, r, 0) })
			}
			one("read "+key, reading, nil, func() error {
				_, err := store.Record(ctx, key)
				return err
			})
			for _, want := range []error{nil, mfa.ErrConflict} {
				one("update "+key, conditional, want, func() error { return store.PutRecord(ctx, later, r.Version) })
			}
			for _, want := range []error{nil, mfa.ErrConflict} {
				one("delete "+key, conditional, want, func() error { return store.DeleteRecord(ctx, key, later.Version) })
			}
			one("read no "+key, reading, mfa.ErrNotFound, func() error {
				_, err := store.Record(ctx, key)
				return err
			})
		}
		one("sweep records", nil, nil, func() error { return store.SweepRecords(ctx, time.Now()) })
	})
}

// P03: what a verification sends is fixed, and does not grow with the users.
func TestP03_StatementsOfAVerification(t *testing.T) {
	onEachWire(t, func(t *testing.T, s spec, store faultstore.Inner, w *wire) {
		c := &crowd{now: time.Now().UTC().Truncate(time.Second)}
		c.setup = setup{Spec: s, Now: c.now, Keys: [][]byte{[]byte("0123456789abcdef0123456789ABCDEF")}}
		c.members = []*member{here(t, store, c.setup)}
		p := newPerson()
		state := c.enrolApp(t, 0, p, c.signIn(t, 0, p))
		c.enrolCodes(t, 0, p, state)
		c.enrolKey(t, 0, p, state)
		session := c.signIn(t, 0, p)

		users := 1
		verify := func(name string, want int, o order) {
			t.Helper()
			sent := w.during(func() { c.must(t, 0, o) })
			assert.Len(t, sent, want, "%s, of %d users:\n%s", name, users, strings.Join(sent, "\n"))
		}
		totp := func(name string, want int) {
			t.Helper()
			c.wait(halfMinute)
			verify("an authenticator's code, "+name, want, code(session, "totp", p.app.Code(c.now)))
		}
		recovery := func(name string, want int) {
			t.Helper()
			verify("a recovery code, "+name, want, code(session, "lookup_secret", p.codes[0]))
			p.codes = p.codes[1:]
		}
		fail := func() {
			t.Helper()
			require.Equal(t, "rejected", c.member(0).ask(code(session, "totp", p.app.Wrong(c.now))).Code)
		}
		key := func() {
			t.Helper()
			begun := c.must(t, 0, order{Op: "begin verification", State: session, Method: "webauthn"})
			verify("a key", 5, order{Op: "finish verification", State: session, Ceremony: begun.Ceremony, Response: p.key.Assert(t, begun.Prompt)})
		}
		all := func() {
			t.Helper()
			totp("first", 4)
			fail()
			totp("after a failure", 6)
			totp("after a success", 4)
			recovery("first", 6)
			fail()
			recovery("after a failure", 7)
			recovery("after a success", 6)
			key()
		}
		all()
		for ; users < 250; users++ {
			id := fmt.Sprintf("user %d", users)
			require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{
				ID: id, UserID: id, Method: "totp", Key: id, Data: make([]byte, 100), CreatedAt: c.now, Version: 1,
			}))
		}
		all()
	})
}
