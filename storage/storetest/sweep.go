package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

// expired returns a time that is over.
func expired() time.Time { return time.Now().UTC().Add(-time.Minute).Truncate(time.Millisecond) }

// testSweep checks the optional RecordSweeper.
func testSweep(t *testing.T, s mfa.Records) {
	sweeper, ok := s.(mfa.RecordSweeper)
	if !ok {
		t.Log("the store sweeps no records: nothing to check")
		return
	}
	for _, kind := range recordKinds {
		testSweepKind(t, recordKind{s, kind.prefix}, sweeper)
	}
	if err := sweeper.SweepRecords(t.Context(), time.Time{}); err != nil {
		sweeps.brokenf(t, "SweepRecords before the zero time: %v", err)
	}
}

func testSweepKind(t *testing.T, s recordKind, sweeper mfa.RecordSweeper) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	at := func(at time.Time) mfa.Record { return put(t, s, func(r *mfa.Record) { r.ExpiresAt = at }) }
	old, edge, live, forever := at(now.Add(-time.Millisecond)), at(now), at(now.Add(time.Minute)), at(time.Time{})

	err := sweeper.SweepRecords(cancelled(t), now)
	expectPlain(t, doneContext, "SweepRecords", err)
	if err != nil {
		expectRecord(t, s, doneContext, old)
	}
	must(t, "SweepRecords", sweeper.SweepRecords(t.Context(), now.In(time.FixedZone("+14", 14*3600))))
	for _, r := range []mfa.Record{edge, live, forever} {
		expectRecord(t, s, sweeps, r)
	}
	if _, err := s.Record(t.Context(), old.Key); err == nil && s.prefix != mfa.KeepPrefix {
		t.Logf("records such as %q are not swept: nothing to check, but the store has to drop them by itself some while after they expired", old.Key)
		return
	}
	expectNoRecord(t, s, sweeps, old.Key)

	many := make([]mfa.Record, 300) // more than a page of anything
	for i := range many {
		many[i] = at(now.Add(-time.Minute))
	}
	must(t, "SweepRecords", sweeper.SweepRecords(t.Context(), now))
	for _, r := range many {
		expectNoRecord(t, s, sweeps, r.Key)
	}
	must(t, "SweepRecords", sweeper.SweepRecords(t.Context(), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)))
	expectNoRecord(t, s, sweeps, live.Key)
	expectRecord(t, s, sweeps, forever)
}

// testLiveRecordsStay finds stores that make room: a cache with a bound, or one
// that evicts when memory is short.
func testLiveRecordsStay(t *testing.T, s recordKind) {
	const each = 32
	lives := []time.Time{soon(), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), {}}
	var records [racers][]mfa.Record
	for i := range racers {
		for j := range each {
			records[i] = append(records[i], mfa.Record{Key: s.key(), Data: []byte(random()), ExpiresAt: lives[j%len(lives)], Version: fresh()})
		}
	}
	everyWins(t, liveRecord, func(ctx context.Context, i int) error {
		for _, r := range records[i] {
			if err := patiently(ctx, func(ctx context.Context) error { return s.PutRecord(ctx, r, 0) }); err != nil {
				return err
			}
		}
		return nil
	})
	for _, mine := range records {
		for _, r := range mine {
			expectRecord(t, s, liveRecord, r)
			expectNil(t, liveRecord, "DeleteRecord", s.DeleteRecord(t.Context(), r.Key, r.Version))
		}
	}
}

// testRaceSweep takes expired records into use again while others sweep: what
// has been renewed must stay, and so must what never was to go.
func testRaceSweep(t *testing.T, s recordKind) {
	sweeper, ok := s.Records.(mfa.RecordSweeper)
	if !ok {
		t.Log("the store sweeps no records: nothing to check")
		return
	}
	for range rounds {
		live, forever := put(t, s), put(t, s, func(r *mfa.Record) { r.ExpiresAt = time.Time{} })
		old, renewed := make([]mfa.Record, racers), make([]mfa.Record, racers)
		for i := range racers {
			old[i] = put(t, s, func(r *mfa.Record) { r.ExpiresAt = expired() })
			renewed[i] = mfa.Record{Key: old[i].Key, Data: []byte("anew"), ExpiresAt: soon(), Version: fresh()}
		}
		everyWins(t, liveRecord, func(ctx context.Context, i int) error {
			if i%4 == 0 {
				return sweeper.SweepRecords(ctx, time.Now())
			}
			err := s.PutRecord(ctx, renewed[i], old[i].Version)
			if errors.Is(err, mfa.ErrConflict) { // it was swept before
				return s.PutRecord(ctx, renewed[i], 0)
			}
			return err
		})
		expectRecord(t, s, liveRecord, live)
		expectRecord(t, s, liveRecord, forever)
		for i, r := range renewed {
			if i%4 != 0 {
				expectRecord(t, s, liveRecord, r)
			}
		}
	}
}
