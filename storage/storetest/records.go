package storetest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

var recordTests = []test[recordKind]{
	{"RecordRoundTrip", testRecordRoundTrip},
	{"RecordTimes", testRecordTimes},
	{"RecordVersionsAreExact", testExactRecordVersions},
	{"RecordKeysAreExact", testExactRecordKeys},
	{"PutAbsent", testPutAbsent},
	{"PutVersion", testPutVersion},
	{"PutConflicts", testPutConflicts},
	{"DeleteRecord", testDeleteRecord},
	{"RecreatedRecord", testRecreatedRecord},
	{"ExpiredRecord", testExpiredRecord},
	{"RecordCopies", testRecordCopies},
	{"RecordContextDone", testRecordContextDone},
	{"LiveRecordsStay", testLiveRecordsStay},
}

func testRecordRoundTrip(t *testing.T, s recordKind) {
	var want []mfa.Record
	for _, data := range payloads() {
		want = append(want, put(t, s, func(r *mfa.Record) { r.Data = data }))
	}
	for _, version := range versions {
		want = append(want, put(t, s, func(r *mfa.Record) { r.Version = version }))
	}
	for _, r := range want {
		expectRecord(t, s, roundTrip, r)
	}
	expectNoRecord(t, s, notFound, s.key())
}

// Only times to come: a record may be dropped some while after it expired.
func testRecordTimes(t *testing.T, s recordKind) {
	at := soon().Add(time.Hour)
	for _, at := range []time.Time{
		{}, at, at.Add(time.Millisecond), at.In(time.FixedZone("+14", 14*3600)), at.In(time.FixedZone("-14", -14*3600)),
		time.Date(9999, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC),
	} {
		r := put(t, s, func(r *mfa.Record) { r.ExpiresAt = at })
		expectRecord(t, s, exactTimes, r)
		for _, next := range []time.Time{{}, at.Add(time.Hour), soon()} {
			prev := r.Version
			r.ExpiresAt, r.Version = next, fresh()
			if at.IsZero() && !next.IsZero() {
				r.ExpiresAt = soon()
			}
			must(t, "PutRecord", s.PutRecord(t.Context(), r, prev))
			expectRecord(t, s, exactTimes, r)
		}
	}
}

// Keys of records are ASCII.
func testExactRecordKeys(t *testing.T, s recordKind) {
	base := s.key()
	keys := []string{
		s.prefix + strings.ToLower(strings.TrimPrefix(base, s.prefix)), base, base + " ", base + "a", base + "A", base + "%", base + "_",
		base + "*", base + "{x}", base + "'", base + "\"", base + "\\", base + "/", base + "\n",
		base + strings.Repeat("k", 254-len(base)) + "a", base + strings.Repeat("k", 254-len(base)) + "b",
	}
	var all []mfa.Record
	for _, key := range keys {
		r := mfa.Record{Key: key, Data: []byte(key), ExpiresAt: soon(), Version: fresh()}
		if err := s.PutRecord(t.Context(), r, 0); err != nil {
			exactIDs.brokenf(t, "PutRecord(%q): %v", key, err)
			continue
		}
		all = append(all, r)
	}
	for i := range all {
		expectRecord(t, s, exactIDs, all[i])
		prev := all[i].Version
		all[i].Version = fresh()
		expectNil(t, exactIDs, "PutRecord", s.PutRecord(t.Context(), all[i], prev))
	}
	for i, r := range all {
		expectRecord(t, s, exactIDs, r)
		expectNil(t, exactIDs, "DeleteRecord", s.DeleteRecord(t.Context(), r.Key, r.Version))
		for _, rest := range all[i+1:] {
			expectRecord(t, s, exactIDs, rest)
		}
	}
}

func testPutAbsent(t *testing.T, s recordKind) {
	r := put(t, s)
	for _, at := range []time.Time{r.ExpiresAt, {}} {
		other := mfa.Record{Key: r.Key, Data: []byte("mine now"), ExpiresAt: at, Version: fresh()}
		expectConflict(t, putAbsent, "PutRecord over an existing record", s.PutRecord(t.Context(), other, 0))
		expectRecord(t, s, putAbsent, r)
	}
	expectConflict(t, putAbsent, "the same PutRecord again", s.PutRecord(t.Context(), r, 0))
	expectRecord(t, s, putAbsent, r)
}

func testPutVersion(t *testing.T, s recordKind) {
	neighbour, r := put(t, s), put(t, s)
	for _, data := range append(payloads(), []byte("same"), []byte("same")) {
		prev := r.Version
		r.Data, r.Version = data, fresh()
		expectNil(t, putCompares, "PutRecord with the right version", s.PutRecord(t.Context(), r, prev))
		expectRecord(t, s, putCompares, r)
		expectConflict(t, putCompares, "the same PutRecord again", s.PutRecord(t.Context(), r, prev))
	}
	expectRecord(t, s, putCompares, neighbour)
}

func testPutConflicts(t *testing.T, s recordKind) {
	r := put(t, s)
	changed := mfa.Record{Key: r.Key, Data: []byte("changed"), Version: fresh()}
	for _, prev := range []int64{fresh(), changed.Version, 1} {
		expectConflict(t, putCompares, "PutRecord with a wrong version", s.PutRecord(t.Context(), changed, prev))
		expectRecord(t, s, putCompares, r)
	}
	changed.Key = s.key()
	for _, prev := range []int64{fresh(), changed.Version, r.Version} {
		expectConflict(t, putCompares, "PutRecord with a version where there is no record", s.PutRecord(t.Context(), changed, prev))
		expectNoRecord(t, s, putCompares, changed.Key)
	}
}

func testDeleteRecord(t *testing.T, s recordKind) {
	neighbour, r := put(t, s), put(t, s)
	for _, prev := range []int64{fresh(), 0, neighbour.Version} {
		expectConflict(t, spendOnce, "DeleteRecord with a wrong version", s.DeleteRecord(t.Context(), r.Key, prev))
		expectRecord(t, s, spendOnce, r)
	}
	for _, prev := range []int64{fresh(), 0, r.Version} {
		expectConflict(t, spendOnce, "DeleteRecord of an absent record", s.DeleteRecord(t.Context(), s.key(), prev))
	}
	expectNil(t, spendOnce, "DeleteRecord with the right version", s.DeleteRecord(t.Context(), r.Key, r.Version))
	expectNoRecord(t, s, spendOnce, r.Key)
	expectConflict(t, spendOnce, "the same DeleteRecord again", s.DeleteRecord(t.Context(), r.Key, r.Version))
	expectConflict(t, putCompares, "PutRecord over what was deleted", s.PutRecord(t.Context(), r, r.Version))
	expectNoRecord(t, s, spendOnce, r.Key)
	expectRecord(t, s, spendOnce, neighbour)
}

func testRecreatedRecord(t *testing.T, s recordKind) {
	old := put(t, s)
	must(t, "DeleteRecord", s.DeleteRecord(t.Context(), old.Key, old.Version))
	again := mfa.Record{Key: old.Key, Data: []byte("another ceremony"), ExpiresAt: soon(), Version: fresh()}
	must(t, "PutRecord", s.PutRecord(t.Context(), again, 0))

	stale := old
	stale.Version = fresh()
	expectConflict(t, recreated, "PutRecord by a stale writer", s.PutRecord(t.Context(), stale, old.Version))
	expectConflict(t, recreated, "DeleteRecord by a stale writer", s.DeleteRecord(t.Context(), old.Key, old.Version))
	expectRecord(t, s, recreated, again)
}

func testExpiredRecord(t *testing.T, s recordKind) {
	over := func(r *mfa.Record) { r.ExpiresAt = expired() }
	r := put(t, s, over)
	expectRecord(t, s, noExpiry, r)
	expectConflict(t, noExpiry, "PutRecord with prev 0 over an expired record", s.PutRecord(t.Context(), mfa.Record{Key: r.Key, Version: fresh()}, 0))
	expectRecord(t, s, noExpiry, r)
	prev := r.Version
	r.Data, r.Version = []byte("still expired"), fresh()
	expectNil(t, noExpiry, "PutRecord over an expired record by its version", s.PutRecord(t.Context(), r, prev))
	expectRecord(t, s, noExpiry, r)
	expectNil(t, noExpiry, "DeleteRecord of an expired record", s.DeleteRecord(t.Context(), r.Key, r.Version))
	expectNoRecord(t, s, spendOnce, r.Key)

	for _, next := range []time.Time{soon(), {}} { // taken into use again
		r := put(t, s, over)
		renewed := mfa.Record{Key: r.Key, Data: []byte("anew"), ExpiresAt: next, Version: fresh()}
		expectNil(t, noExpiry, "PutRecord over an expired record by its version", s.PutRecord(t.Context(), renewed, r.Version))
		expectConflict(t, recreated, "DeleteRecord by the version that expired", s.DeleteRecord(t.Context(), r.Key, r.Version))
		expectRecord(t, s, noExpiry, renewed)
	}
}

func testRecordCopies(t *testing.T, s recordKind) {
	given := put(t, s)
	stored := given
	stored.Data = bytes.Clone(given.Data)
	clear(given.Data)
	expectRecord(t, s, callersCopy, stored)
	for range 2 {
		got, err := s.Record(t.Context(), stored.Key)
		must(t, "Record", err)
		clear(got.Data)
		expectRecord(t, s, callersCopy, stored)
	}
	update := mfa.Record{Key: stored.Key, Data: []byte("given"), ExpiresAt: stored.ExpiresAt, Version: fresh()}
	must(t, "PutRecord", s.PutRecord(t.Context(), update, stored.Version))
	stored = update
	stored.Data = bytes.Clone(update.Data)
	clear(update.Data)
	expectRecord(t, s, callersCopy, stored)
}

func testRecordContextDone(t *testing.T, s recordKind) {
	ctx := cancelled(t)
	r := put(t, s)
	_, err := s.Record(ctx, r.Key)
	expectPlain(t, doneContext, "Record", err)

	created := mfa.Record{Key: s.key(), Data: []byte("x"), ExpiresAt: soon(), Version: fresh()}
	err = s.PutRecord(ctx, created, 0)
	expectPlain(t, doneContext, "PutRecord", err)
	if err == nil { // a store need not look at the context, but then it has written
		expectRecord(t, s, doneContext, created)
	} else {
		expectNoRecord(t, s, doneContext, created.Key)
	}

	update := mfa.Record{Key: r.Key, Data: []byte("changed"), ExpiresAt: r.ExpiresAt, Version: fresh()}
	err = s.PutRecord(ctx, update, r.Version)
	expectPlain(t, doneContext, "PutRecord", err)
	if err == nil {
		r = update
	}
	expectRecord(t, s, doneContext, r)

	err = s.DeleteRecord(ctx, r.Key, r.Version)
	expectPlain(t, doneContext, "DeleteRecord", err)
	if err == nil {
		expectNoRecord(t, s, doneContext, r.Key)
	} else {
		expectRecord(t, s, doneContext, r)
	}
}
