package mfa_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

// hanging answers only when its caller gives up.
type hanging struct{ mfa.Store }

func (hanging) Credentials(ctx context.Context, _ string) ([]mfa.Credential, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestQ04_AHangingStoreEndsACeremonyAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hanging{memory.New()})
		s := mfa.State{ID: "session", UserID: "anna", Methods: []mfa.Method{mfa.Password()}}
		start := time.Now()
		_, err := r.Verify(t.Context(), s, totpOnce, []byte("123456"))
		require.Error(t, err)
		require.NotErrorIs(t, err, mfa.ErrRejected)
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

// stuck never lets a settled attempt be written.
type stuck struct {
	mfa.Store
	settling *bool
}

func (s stuck) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	*s.settling = true
	return s.Store.UpdateCredential(ctx, c, prev)
}

func (s stuck) DeleteRecord(ctx context.Context, key string, prev int64) error {
	if *s.settling {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Store.DeleteRecord(ctx, key, prev)
}

func TestP08_SettlingHasATimeoutOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		sound := newRig(t, store)
		p, _ := sound.enrollTOTP(t, sound.signIn(t, "anna"))
		r := newRig(t, stuck{store, new(bool)})
		r.clock.t = sound.clock.now()
		s := sound.signIn(t, "anna")
		start := time.Now()
		next, err := r.Verify(t.Context(), s, totpOnce, p.code(t, r.clock.now()))
		require.Error(t, err)
		require.NotErrorIs(t, err, mfa.ErrRejected)
		assert.Empty(t, next.Methods, "nothing is elevated")
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}
