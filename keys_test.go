package mfa_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

var byKey = mfa.VerifyOptions{Method: "webauthn"}

// writes counts the writes of credentials.
type writes struct {
	mfa.Store
	n atomic.Int64
}

func (w *writes) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	w.n.Add(1)
	return w.Store.UpdateCredential(ctx, c, prev)
}

func (w *writes) CreateCredential(ctx context.Context, c mfa.Credential) error {
	w.n.Add(1)
	return w.Store.CreateCredential(ctx, c)
}

// changed returns a response with one field of its inner response, or of
// itself, replaced.
func changed(t *testing.T, response []byte, inner bool, field string, value any) []byte {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(response, &doc))
	at := doc
	if inner {
		at = doc["response"].(map[string]any)
	}
	at[field] = value
	b, err := json.Marshal(doc)
	require.NoError(t, err)
	return b
}

func TestH03_AWrongAssertionWritesNoCredential(t *testing.T) {
	var store *writes
	kit := mfatest.New(t, func(c *mfa.Config) { store = &writes{Store: c.Store}; c.Store = store })
	key, _ := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	flipped := func(encoded any) string {
		b, err := base64.RawURLEncoding.DecodeString(encoded.(string))
		require.NoError(t, err)
		b[len(b)/2] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"id":           func(r []byte) []byte { return changed(t, r, false, "id", "AAAAAAAAAAAAAAAAAAAAAAAAAAA") },
		"rawId":        func(r []byte) []byte { return changed(t, r, false, "rawId", "AAAAAAAAAAAAAAAAAAAAAAAAAAA") },
		"type":         func(r []byte) []byte { return changed(t, r, false, "type", "password") },
		"no type":      func(r []byte) []byte { return changed(t, r, false, "type", nil) },
		"signature":    func(r []byte) []byte { return changed(t, r, true, "signature", flipped(inner(t, r, "signature"))) },
		"no signature": func(r []byte) []byte { return changed(t, r, true, "signature", "") },
		"data": func(r []byte) []byte {
			return changed(t, r, true, "authenticatorData", flipped(inner(t, r, "authenticatorData")))
		},
		"client data": func(r []byte) []byte {
			return changed(t, r, true, "clientDataJSON", flipped(inner(t, r, "clientDataJSON")))
		},
		"user handle":   func(r []byte) []byte { return changed(t, r, true, "userHandle", "c29tZWJvZHkgZWxzZQ") },
		"not JSON":      func([]byte) []byte { return []byte("{") },
		"nothing":       func([]byte) []byte { return nil },
		"a bare claim":  func([]byte) []byte { return []byte(`{"verified":true,"method":"webauthn"}`) },
		"another shape": func([]byte) []byte { return []byte(`[]`) },
	} {
		t.Run(name, func(t *testing.T) {
			s := kit.SignedIn(t, "anna")
			c, err := kit.Manager.BeginVerify(t.Context(), s, byKey)
			require.NoError(t, err)
			right := key.Assert(t, c.Prompt)
			before := store.n.Load()
			_, err = kit.Manager.FinishVerify(t.Context(), s, c.ID, damage(right))
			require.ErrorIs(t, err, mfa.ErrRejected)
			assert.Equal(t, "mfa: rejected", err.Error(), "G12: the client's error says nothing")
			assert.Equal(t, before, store.n.Load())
		})
	}
}

func inner(t *testing.T, response []byte, field string) any {
	t.Helper()
	var doc struct{ Response map[string]any }
	require.NoError(t, json.Unmarshal(response, &doc))
	return doc.Response[field]
}

func TestH08_AnAssertionIsGoodOnce(t *testing.T) {
	kit := mfatest.New(t, nil)
	key, _ := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	key.SignCount = 0 // a key without a counter: only the ceremony's end stops a replay
	s := kit.SignedIn(t, "anna")
	c, err := kit.Manager.BeginVerify(t.Context(), s, byKey)
	require.NoError(t, err)
	answer := key.Assert(t, c.Prompt)
	errs := parallel(64, func(int) error {
		return untilJudged(func() error { _, err := kit.Manager.FinishVerify(t.Context(), s, c.ID, answer); return err })
	})
	right, rejected := tally(t, errs)
	assert.Equal(t, 1, right)
	assert.Equal(t, 63, rejected)
}

func TestH06_ParallelAssertionsNeverLowerTheCount(t *testing.T) {
	kit := mfatest.New(t, nil)
	key, _ := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	key.SignCount = 10
	const n = 64
	sessions, ids, answers := make([]mfa.State, n), make([]string, n), make([][]byte, n)
	for i := range n {
		sessions[i] = kit.SignedIn(t, "anna")
		c, err := kit.Manager.BeginVerify(t.Context(), sessions[i], byKey)
		require.NoError(t, err)
		ids[i], answers[i] = c.ID, key.Assert(t, c.Prompt)
	}
	highest := key.SignCount
	errs := parallel(n, func(i int) error {
		return untilJudged(func() error {
			_, err := kit.Manager.FinishVerify(t.Context(), sessions[i], ids[i], answers[i])
			return err
		})
	})
	right, _ := tally(t, errs)
	assert.GreaterOrEqual(t, right, 1)

	// Whatever order they came in, the highest count that was accepted stands.
	accepted := uint32(0)
	for i, err := range errs {
		if err == nil {
			accepted = max(accepted, highest-uint32(n-1-i))
		}
	}
	s := kit.SignedIn(t, "anna")
	c, err := kit.Manager.BeginVerify(t.Context(), s, byKey)
	require.NoError(t, err)
	key.SignCount = accepted - 1 // Assert adds one: not above what is stored
	_, err = kit.Manager.FinishVerify(t.Context(), s, c.ID, key.Assert(t, c.Prompt))
	require.ErrorIs(t, err, mfa.ErrRejected)
}

func TestH01_AnotherUsersKeyIsRejected(t *testing.T) {
	kit := mfatest.New(t, nil)
	anna, _ := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	kit.EnrollKey(t, kit.SignedIn(t, "bob"))
	a, b := kit.SignedIn(t, "anna"), kit.SignedIn(t, "bob")
	forAnna, err := kit.Manager.BeginVerify(t.Context(), a, byKey)
	require.NoError(t, err)
	forBob, err := kit.Manager.BeginVerify(t.Context(), b, byKey)
	require.NoError(t, err)
	answer := anna.Assert(t, forAnna.Prompt)
	_, err = kit.Manager.FinishVerify(t.Context(), b, forBob.ID, answer)
	require.ErrorIs(t, err, mfa.ErrRejected, "her answer in his ceremony")
	_, err = kit.Manager.FinishVerify(t.Context(), b, forAnna.ID, answer)
	require.ErrorIs(t, err, mfa.ErrRejected, "her ceremony in his session")
	_, err = kit.Manager.FinishVerify(t.Context(), a, forAnna.ID, answer)
	require.NoError(t, err, "and nothing of it spoilt hers")
}

func TestG02_ACeremonyIsBoundToSessionAndPurpose(t *testing.T) {
	kit := mfatest.New(t, nil)
	key, s := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	verify, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "webauthn", Refresh: true})
	require.NoError(t, err)
	enroll, err := kit.Manager.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "webauthn"})
	require.NoError(t, err)
	second := mfatest.NewAuthenticator(kit.RPID, kit.Origin)
	assertion, attestation := key.Assert(t, verify.Prompt), second.Register(t, enroll.Prompt)

	_, _, err = kit.Manager.FinishEnroll(t.Context(), s, verify.ID, attestation)
	require.ErrorIs(t, err, mfa.ErrRejected, "a verification does not enrol")
	_, err = kit.Manager.FinishVerify(t.Context(), s, enroll.ID, assertion)
	require.ErrorIs(t, err, mfa.ErrRejected, "an enrolment does not verify")
	_, err = kit.Manager.FinishVerify(t.Context(), kit.SignedIn(t, "anna"), verify.ID, assertion)
	require.ErrorIs(t, err, mfa.ErrRejected, "nor does another session of hers")

	_, _, err = kit.Manager.FinishEnroll(t.Context(), s, enroll.ID, attestation)
	require.NoError(t, err)
	_, _, err = kit.Manager.FinishEnroll(t.Context(), s, enroll.ID, attestation)
	require.ErrorIs(t, err, mfa.ErrRejected, "a registration is good once")
	_, err = kit.Manager.FinishVerify(t.Context(), s, verify.ID, assertion)
	require.ErrorIs(t, err, mfa.ErrRejected, "L05: enrolling voided the pending verification")
}

func TestG03_ACeremonyExpiresByTheInjectedClock(t *testing.T) {
	kit := mfatest.New(t, nil)
	key, s := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	for _, late := range []time.Duration{0, -time.Millisecond} {
		c, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "webauthn", Refresh: true})
		require.NoError(t, err)
		answer := key.Assert(t, c.Prompt)
		kit.Clock.Set(c.ExpiresAt.Add(late))
		_, err = kit.Manager.FinishVerify(t.Context(), s, c.ID, answer)
		if late < 0 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, mfa.ErrRejected)
		}
	}
	// A record that no sweeper removed is as good as absent (P11).
	require.NoError(t, kit.Manager.Sweep(t.Context()))
}

func TestH05_AFallingSignCountIsReported(t *testing.T) {
	kit := mfatest.New(t, nil)
	key, _ := kit.EnrollKey(t, kit.SignedIn(t, "anna"))
	key.SignCount = 10
	kit.VerifyKey(t, kit.SignedIn(t, "anna"), key)
	s := kit.SignedIn(t, "anna")
	c, err := kit.Manager.BeginVerify(t.Context(), s, byKey)
	require.NoError(t, err)
	key.SignCount = 5
	kit.Events.Reset()
	_, err = kit.Manager.FinishVerify(t.Context(), s, c.ID, key.Assert(t, c.Prompt))
	require.ErrorIs(t, err, mfa.ErrRejected)
	refused := kit.Events.Of(mfa.EventRefused)
	require.Len(t, refused, 1)
	assert.Contains(t, refused[0].Reason, "count")
}
