package storetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/go-mfa/mfa"
)

// versions are the extremes, and some that a float64 cannot hold.
var versions = []int64{1, -1, math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1, -1<<53 - 1}

// near returns versions that a store takes for v if it keeps fewer than 64 bits
// of it, no sign, or a float.
func near(v int64) []int64 {
	var out []int64
	for _, n := range []int64{v ^ 1, v ^ 2, v ^ 1<<31, v ^ 1<<32, v ^ math.MinInt64, -v, int64(int32(v)), int64(uint32(v))} {
		if n != v && n != 0 {
			out = append(out, n)
		}
	}
	return out
}

func testExactCredentialVersions(t *testing.T, s mfa.Store) {
	for _, v := range append(versions, fresh()) {
		c := create(t, s, random(), func(c *mfa.Credential) { c.Version = v })
		refuse := func(prev int64) {
			t.Helper()
			changed := c
			changed.Data, changed.Version = []byte("changed"), fresh()
			what := fmt.Sprintf("UpdateCredential of version %d as %d", c.Version, prev)
			expectConflict(t, exactVersions, what, s.UpdateCredential(t.Context(), changed, prev))
			what = fmt.Sprintf("DeleteCredential of version %d as %d", c.Version, prev)
			expectConflict(t, exactVersions, what, s.DeleteCredential(t.Context(), c.UserID, c.ID, prev))
			expectOnly(t, s, exactVersions, c.UserID, c)
		}
		for _, prev := range near(v) {
			refuse(prev)
		}
		c.Version = near(v)[0]
		expectNil(t, exactVersions, "UpdateCredential", s.UpdateCredential(t.Context(), c, v))
		refuse(v)
		expectNil(t, exactVersions, "DeleteCredential", s.DeleteCredential(t.Context(), c.UserID, c.ID, c.Version))
		expectOnly(t, s, exactVersions, c.UserID)
	}
}

func testExactRecordVersions(t *testing.T, s recordKind) {
	for _, v := range append(versions, fresh()) {
		r := put(t, s, func(r *mfa.Record) { r.Version = v })
		refuse := func(prev int64) {
			t.Helper()
			changed := mfa.Record{Key: r.Key, Data: []byte("changed"), ExpiresAt: r.ExpiresAt, Version: fresh()}
			what := fmt.Sprintf("PutRecord over version %d as %d", r.Version, prev)
			expectConflict(t, exactVersions, what, s.PutRecord(t.Context(), changed, prev))
			what = fmt.Sprintf("DeleteRecord of version %d as %d", r.Version, prev)
			expectConflict(t, exactVersions, what, s.DeleteRecord(t.Context(), r.Key, prev))
			expectRecord(t, s, exactVersions, r)
		}
		for _, prev := range near(v) {
			refuse(prev)
		}
		r.Version = near(v)[0]
		expectNil(t, exactVersions, "PutRecord", s.PutRecord(t.Context(), r, v))
		refuse(v)
		expectNil(t, exactVersions, "DeleteRecord", s.DeleteRecord(t.Context(), r.Key, r.Version))
		expectNoRecord(t, s, exactVersions, r.Key)
	}
}
