package redisstore_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/storage"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/redisstore"
)

// newKit returns a Manager whose ceremonies are in Redis, and all else in
// durable.
func newKit(t *testing.T, client redis.UniversalClient, durable mfa.Store) *mfatest.Kit {
	t.Helper()
	return mfatest.New(t, func(c *mfa.Config) {
		c.Store = storage.Split(durable, open(t, client, redisstore.Options{Now: c.Now}))
		c.Keys = [][]byte{[]byte("0123456789abcdef0123456789ABCDEF")} // the same for all
	})
}

// webauthn asks for a security key even where the session has aal2.
var webauthn = mfa.VerifyOptions{Method: "webauthn", Refresh: true}

// When Redis loses everything, what has begun cannot be finished, what was
// answered cannot be answered again, and what counts has not been there.
func TestP10_FlushedCeremoniesFailClosed(t *testing.T) {
	client := connect(t, testenv.StartRedis(t).Addr())
	flush := func() {
		t.Helper()
		n, err := client.DBSize(t.Context()).Result()
		require.NoError(t, err)
		require.Positive(t, n)
		require.NoError(t, client.FlushAll(t.Context()).Err())
	}
	kit := newKit(t, client, memory.New())
	key, _ := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	s := kit.SignedIn(t, "anna")

	c, err := kit.Manager.BeginVerify(t.Context(), s, webauthn)
	require.NoError(t, err)
	answer := key.Assert(t, c.Prompt)
	flush()
	after, err := kit.Manager.FinishVerify(t.Context(), s, c.ID, answer)
	require.ErrorIs(t, err, mfa.ErrRejected)
	assert.Zero(t, after)
	s = kit.VerifyKey(t, s, key) // users begin again

	e, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	app := mfatest.NewTOTP(t, e.Prompt)
	flush()
	_, _, err = kit.Manager.FinishEnroll(t.Context(), s, e.ID, []byte(app.Code(kit.Clock.Now())))
	require.ErrorIs(t, err, mfa.ErrRejected)
	all, err := kit.Manager.Credentials(t.Context(), "anna")
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestP10_FlushedBudgetsAreIntact(t *testing.T) {
	client := connect(t, testenv.StartRedis(t).Addr())
	kit := newKit(t, client, memory.New())
	app, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "anna"))
	kit.Clock.Advance(time.Hour)
	s := kit.SignedIn(t, "anna")
	guess := func() error {
		require.NoError(t, client.FlushAll(t.Context()).Err())
		_, err := kit.Manager.Verify(t.Context(), s, mfa.VerifyOptions{Method: "totp"}, []byte("000000"))
		return err
	}
	require.NotEqual(t, "000000", app.Code(kit.Clock.Now()))
	for range 5 {
		require.ErrorIs(t, guess(), mfa.ErrRejected)
	}
	var throttled *mfa.ThrottledError
	require.ErrorAs(t, guess(), &throttled)
	// Neither does a code that was right once become right again.
	kit.Clock.Advance(time.Hour)
	s = kit.VerifyTOTP(t, s, app)
	require.NoError(t, client.FlushAll(t.Context()).Err())
	_, err := kit.Manager.Verify(t.Context(), s, mfa.VerifyOptions{Method: "totp", Refresh: true}, []byte(app.Code(kit.Clock.Now())))
	require.ErrorIs(t, err, mfa.ErrRejected)
}

// One answer, sent to two servers at once and many times, is good once.
func TestP10_OneAnswerWinsOnce(t *testing.T) {
	addr, durable := testenv.StartRedis(t).Addr(), memory.New()
	kit, other := newKit(t, connect(t, addr), durable), newKit(t, connect(t, addr), durable)
	key, _ := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	s := kit.SignedIn(t, "anna")
	for range 5 {
		c, err := kit.Manager.BeginVerify(t.Context(), s, webauthn)
		require.NoError(t, err)
		answer := key.Assert(t, c.Prompt)
		var won, lost atomic.Int32
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 64 {
			m := []*mfa.Manager{kit.Manager, other.Manager}[i%2]
			all.Go(func() {
				<-start
				if _, err := m.FinishVerify(t.Context(), s, c.ID, answer); err == nil {
					won.Add(1)
				} else if assert.ErrorIs(t, err, mfa.ErrRejected) {
					lost.Add(1)
				}
			})
		}
		close(start)
		all.Wait()
		require.EqualValues(t, 1, won.Load())
		require.EqualValues(t, 63, lost.Load())
	}
}

// Redis sweeps itself, and the Manager the other half.
func TestSweepNeedsNoSweeperInRedis(t *testing.T) {
	client := connect(t, testenv.StartRedis(t).Addr())
	durable := memory.New()
	kit := newKit(t, client, durable)
	budget := record(mfa.KeepPrefix+"window/x", 1)
	budget.ExpiresAt = kit.Clock.Now().Add(time.Minute)
	require.NoError(t, kit.Store.PutRecord(t.Context(), budget, 0))
	key := creates.prepare(t, kit.Store)
	require.NoError(t, creates.do(t.Context(), kit.Store, key))

	kit.Clock.Advance(48 * time.Hour)
	require.NoError(t, kit.Manager.Sweep(t.Context()))
	assert.Zero(t, versionOf(t, durable, budget.Key))
	assert.EqualValues(t, 1, versionOf(t, kit.Store, key))
}
