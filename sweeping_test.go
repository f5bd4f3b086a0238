package mfa_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// plainStore hides the optional parts of a store.
type plainStore struct{ mfa.Store }

func TestStoreWithoutOptionalParts(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.Store = plainStore{c.Store} })
	ctx := t.Context()
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	kit.EnrollCodes(t, s)
	require.NoError(t, kit.Manager.Forget(ctx, "alice"))
	infos, err := kit.Manager.Credentials(ctx, "alice")
	require.NoError(t, err)
	assert.Empty(t, infos)
	require.EqualError(t, kit.Manager.Sweep(ctx), "mfa: Sweep: the store does not implement RecordSweeper: add the method, or let the store expire records by itself")
	require.EqualError(t, kit.Manager.Reseal(ctx), "mfa: Reseal: the store does not implement CredentialLister: add the method")
}

func TestSweepDropsWhatHasExpired(t *testing.T) {
	kit, store, _ := brokenKit(t, nil)
	ctx := t.Context()
	s := kit.SignedIn(t, "alice")
	store.Heal()
	c, err := kit.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	var record string
	for _, call := range store.Calls() {
		if call.Op == "PutRecord" {
			record = call.Key
		}
	}
	require.NoError(t, kit.Manager.Sweep(ctx))
	_, err = store.Inner.Record(ctx, record)
	require.NoError(t, err, "it lives")
	kit.Clock.Set(c.ExpiresAt.Add(time.Second))
	require.NoError(t, kit.Manager.Sweep(ctx))
	_, err = store.Inner.Record(ctx, record)
	require.ErrorIs(t, err, mfa.ErrNotFound)
}

func TestO10_RecordsPrintNoData(t *testing.T) {
	r := mfa.Record{Key: "keep/x", Data: []byte("counted"), Version: 7}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "r", r, "p", &r)
	fmt.Fprintf(&out, "%v %+v %#v %s %x", r, r, r, r, r)
	assert.NotContains(t, out.String(), "counted")
	assert.NotContains(t, out.String(), fmt.Sprintf("%x", r.Data))
	assert.Equal(t, 5, strings.Count(out.String(), `Record("keep/x", 7 bytes redacted)`))
}

// O03: without the key that sealed them, credentials stay as they are, and the
// error says how many there are rather than all of them.
func TestO03_ResealNamesTenOfThoseThatDoNotOpen(t *testing.T) {
	lost := mfatest.New(t, nil)
	for i := range 12 {
		lost.EnrollTOTP(t, lost.SignedIn(t, fmt.Sprint("user", i)))
	}
	kit := mfatest.New(t, func(c *mfa.Config) { c.Store = lost.Store })
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "anna"))
	err := kit.Manager.Reseal(t.Context())
	require.ErrorContains(t, err, "12 credentials do not open")
	assert.Equal(t, 10, strings.Count(err.Error(), "mfa: opening credential"))
	assert.NotErrorIs(t, err, mfa.ErrRejected)
	require.Equal(t, mfa.AAL2, levelOf(t, kit, s))
	lost.Clock.Advance(time.Hour)
	require.NoError(t, lost.Manager.AdminReset(t.Context(), "admin", "user3", "lost"), "what another key sealed is still there for it")
}
