package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

// recordDuels are about one record.
var recordDuels = []duelTest[recordKind]{
	{"InsertDuringInsert", putAbsent, insertDuringInsert},
	{"PutDuringInsert", putAbsent, onTakenRecord(replacing, false)},
	{"DeleteDuringInsert", putAbsent, onTakenRecord(spending, true)},
	{"InsertAndDeleteDuringInsert", putAbsent, insertAndDeleteDuringInsert},
	{"ReadDuringInsert", oneStep, readDuringInsert},

	{"PutDuringPut", putCompares, onRecord(replacing, replacing)},
	{"DeleteDuringPut", putCompares, onRecord(replacing, spending)},
	{"ReinsertDuringPut", recreated, onRecord(replacing, reinserting)},
	{"InsertDuringPut", putCompares, onAbsentRecord(replacing)},
	{"OtherDuringPut", apart, onTwoRecords(replacing, replacing)},
	{"ReadDuringPut", oneStep, onRecord(replacing, readingRecord)},

	{"DeleteDuringDelete", spendOnce, onRecord(spending, spending)},
	{"PutDuringDelete", spendOnce, onRecord(spending, replacing)},
	{"ReinsertDuringDelete", recreated, onRecord(spending, reinserting)},
	{"InsertDuringDelete", spendOnce, onAbsentRecord(spending)},
	{"OtherDuringDelete", apart, onTwoRecords(spending, replacing)},
	{"ReadDuringDelete", oneStep, onRecord(spending, peekingRecord)},
}

// sweepDuels are about the optional RecordSweeper.
var sweepDuels = []duelTest[recordKind]{
	{"RenewDuringSweep", liveRecord, duringSweep(renewing)},
	{"KeepForeverDuringSweep", liveRecord, duringSweep(keepingForever)},
	{"ReinsertDuringSweep", liveRecord, duringSweep(reinserting)},
	{"SweepDuringPut", liveRecord, sweepDuringPut},
}

func putStamped(t *testing.T, s recordKind, edits ...func(*mfa.Record)) mfa.Record {
	t.Helper()
	return put(t, s, append(edits, func(r *mfa.Record) { *r = stampedRecord(*r) })...)
}

func onRecord(call, rival func(mfa.Records, mfa.Record) move) func(*testing.T, recordKind) *duel {
	return func(t *testing.T, s recordKind) *duel {
		r := putStamped(t, s)
		return newDuel(call(s, r), rival(s, r))
	}
}

// onAbsentRecord has a record that was deleted come back during a stale call.
func onAbsentRecord(call func(mfa.Records, mfa.Record) move) func(*testing.T, recordKind) *duel {
	return func(t *testing.T, s recordKind) *duel {
		r := putStamped(t, s)
		must(t, "DeleteRecord", s.DeleteRecord(t.Context(), r.Key, r.Version))
		stale := call(s, r)
		stale.left = nil
		return &duel{call: stale, rival: inserting(s, stampedRecord(r)), refused: true}
	}
}

// onTakenRecord has a record change during the insertion of another in its
// place.
func onTakenRecord(rival func(mfa.Records, mfa.Record) move, frees bool) func(*testing.T, recordKind) *duel {
	return func(t *testing.T, s recordKind) *duel {
		r := putStamped(t, s)
		d := &duel{call: inserting(s, stampedRecord(r)), rival: rival(s, r), refused: true}
		if frees {
			d.both = d.call.left
		} else {
			d.call.left = nil
		}
		return d
	}
}

func onTwoRecords(call, rival func(mfa.Records, mfa.Record) move) func(*testing.T, recordKind) *duel {
	return func(t *testing.T, s recordKind) *duel {
		return bothWin(call(s, putStamped(t, s)), rival(s, putStamped(t, s)))
	}
}

func insertDuringInsert(_ *testing.T, s recordKind) *duel {
	r := stampedRecord(mfa.Record{Key: s.key(), ExpiresAt: soon()})
	return newDuel(inserting(s, r), inserting(s, stampedRecord(r)))
}

func insertAndDeleteDuringInsert(_ *testing.T, s recordKind) *duel {
	r := stampedRecord(mfa.Record{Key: s.key(), ExpiresAt: soon()})
	gone := stampedRecord(r)
	d := newDuel(inserting(s, r), inTurn(inserting(s, gone), spending(s, gone)))
	d.both = d.call.left
	return d
}

func readDuringInsert(_ *testing.T, s recordKind) *duel {
	r := stampedRecord(mfa.Record{Key: s.key(), ExpiresAt: soon()})
	return newDuel(inserting(s, r), peekingRecord(s, r))
}

// duringSweep has an expired record be taken into use again while it is swept.
func duringSweep(rival func(mfa.Records, mfa.Record) move) func(*testing.T, recordKind) *duel {
	return func(t *testing.T, s recordKind) *duel {
		r := putStamped(t, s, func(r *mfa.Record) { r.ExpiresAt = expired() })
		sweep, ok := sweeping(s, r)
		if !ok {
			return nil
		}
		d := newDuel(sweep, rival(s, r))
		d.both = d.rival.left
		d.rival.left = nil // a sweep never loses
		return d
	}
}

func sweepDuringPut(t *testing.T, s recordKind) *duel {
	r := putStamped(t, s, func(r *mfa.Record) { r.ExpiresAt = expired() })
	sweep, ok := sweeping(s, r)
	if !ok {
		return nil
	}
	d := newDuel(renewing(s, r), sweep)
	d.both = d.call.left
	d.call.left = nil // a sweep never loses
	return d
}

func renewing(s mfa.Records, r mfa.Record) move {
	next := stampedRecord(r)
	next.ExpiresAt = soon()
	return replacingBy(s, r, next)
}

func keepingForever(s mfa.Records, r mfa.Record) move {
	next := stampedRecord(r)
	next.ExpiresAt = time.Time{}
	return replacingBy(s, r, next)
}

// sweeping drops every expired record, and with them r.
func sweeping(s recordKind, r mfa.Record) (m move, ok bool) {
	sweeper, ok := s.Records.(mfa.RecordSweeper)
	return move{
		"SweepRecords", func(ctx context.Context) error { return sweeper.SweepRecords(ctx, time.Now()) },
		func(t *testing.T, p promise) { expectNoRecord(t, s, p, r.Key) },
	}, ok
}
