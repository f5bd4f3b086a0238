package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/go-mfa/mfa"
)

var credentialRaceTests = []test[mfa.Store]{
	{"RaceCreate", testRaceCreate},
	{"RaceSiblings", testRaceSiblings},
	{"RaceRead", testRaceRead},
	{"RaceUpdate", testRaceUpdate},
	{"RaceUpdateDelete", testRaceUpdateDelete},
}

var recordRaceTests = []test[recordKind]{
	{"RacePutAbsent", testRacePutAbsent},
	{"RacePutVersion", testRacePutVersion},
	{"RaceDeleteRecord", testRaceDeleteRecord},
	{"RacePutDelete", testRacePutDelete},
	{"RaceReadRecord", testRaceReadRecord},
	{"RaceSweep", testRaceSweep},
	{"NoLostUpdate", testNoLostUpdate},
}

func testRaceCreate(t *testing.T, s mfa.Store) {
	for range rounds {
		sameID, sameKey := newCredential(random()), newCredential(random())
		byID, byKey := make([]mfa.Credential, racers), make([]mfa.Credential, racers)
		for i := range racers {
			byID[i], byKey[i] = newCredential(sameID.UserID), newCredential(random())
			byID[i].ID, byKey[i].Key = sameID.ID, sameKey.Key
		}
		if i := oneWinner(t, uniqueCredential, func(ctx context.Context, i int) error { return s.CreateCredential(ctx, byID[i]) }); i >= 0 {
			expectOnly(t, s, uniqueCredential, sameID.UserID, byID[i])
		}
		if i := oneWinner(t, uniqueCredential, func(ctx context.Context, i int) error { return s.CreateCredential(ctx, byKey[i]) }); i >= 0 {
			for j := range byKey {
				if j != i {
					expectOnly(t, s, uniqueCredential, byKey[j].UserID)
				}
			}
			expectOnly(t, s, uniqueCredential, byKey[i].UserID, byKey[i])
		}
	}
}

func testRaceUpdate(t *testing.T, s mfa.Store) {
	for range rounds {
		c := create(t, s, random())
		updates := make([]mfa.Credential, racers)
		for i := range racers {
			updates[i] = c
			updates[i].Data, updates[i].Version = []byte(random()), fresh()
		}
		if i := oneWinner(t, updateCompares, func(ctx context.Context, i int) error { return s.UpdateCredential(ctx, updates[i], c.Version) }); i >= 0 {
			expectOnly(t, s, updateCompares, c.UserID, updates[i])
		}
	}
}

// One spends a code while the other removes the factor: one of them must know.
func testRaceUpdateDelete(t *testing.T, s mfa.Store) {
	for range rounds {
		c := create(t, s, random())
		update := c
		update.Data, update.Version = []byte("spent"), fresh()
		i := oneWinner(t, deleteCompares, func(ctx context.Context, i int) error {
			if i%2 == 0 {
				return s.DeleteCredential(ctx, c.UserID, c.ID, c.Version)
			}
			return s.UpdateCredential(ctx, update, c.Version)
		})
		switch {
		case i < 0:
		case i%2 == 0:
			expectOnly(t, s, deleteCompares, c.UserID)
		default:
			expectOnly(t, s, deleteCompares, c.UserID, update)
		}
	}
}

// testRaceSiblings writes many credentials of one user at once: a store that
// keeps them in one document must not lose any.
func testRaceSiblings(t *testing.T, s mfa.Store) {
	for range rounds {
		user := random()
		siblings := make([]mfa.Credential, racers)
		for i := range siblings {
			siblings[i] = newCredential(user)
		}
		everyWins(t, apart, func(ctx context.Context, i int) error { return s.CreateCredential(ctx, siblings[i]) })
		expectOnly(t, s, apart, user, siblings...)

		updated := slices.Clone(siblings)
		for i := range updated {
			updated[i].Data, updated[i].Version = []byte(random()), fresh()
		}
		everyWins(t, apart, func(ctx context.Context, i int) error {
			if i%4 == 0 {
				return s.DeleteCredential(ctx, user, siblings[i].ID, siblings[i].Version)
			}
			return s.UpdateCredential(ctx, updated[i], siblings[i].Version)
		})
		var rest []mfa.Credential
		for i, c := range updated {
			if i%4 != 0 {
				rest = append(rest, c)
			}
		}
		expectOnly(t, s, apart, user, rest...)
	}
}

// raceRecords returns one record for each racer, all with the same key.
func raceRecords(key string) []mfa.Record {
	out := make([]mfa.Record, racers)
	for i := range out {
		out[i] = mfa.Record{Key: key, Data: []byte(random()), ExpiresAt: soon(), Version: fresh()}
	}
	return out
}

func testRacePutAbsent(t *testing.T, s recordKind) {
	for range rounds {
		records := raceRecords(s.key())
		if i := oneWinner(t, putAbsent, func(ctx context.Context, i int) error { return s.PutRecord(ctx, records[i], 0) }); i >= 0 {
			expectRecord(t, s, putAbsent, records[i])
		}
	}
}

func testRacePutVersion(t *testing.T, s recordKind) {
	for range rounds {
		r := put(t, s)
		records := raceRecords(r.Key)
		if i := oneWinner(t, putCompares, func(ctx context.Context, i int) error { return s.PutRecord(ctx, records[i], r.Version) }); i >= 0 {
			expectRecord(t, s, putCompares, records[i])
		}
	}
}

func testRaceDeleteRecord(t *testing.T, s recordKind) {
	for range rounds {
		r := put(t, s)
		oneWinner(t, spendOnce, func(ctx context.Context, _ int) error { return s.DeleteRecord(ctx, r.Key, r.Version) })
		expectNoRecord(t, s, spendOnce, r.Key)
	}
}

// One counts a try down while the other spends the ceremony.
func testRacePutDelete(t *testing.T, s recordKind) {
	for range rounds {
		r := put(t, s)
		records := raceRecords(r.Key)
		i := oneWinner(t, spendOnce, func(ctx context.Context, i int) error {
			if i%2 == 0 {
				return s.DeleteRecord(ctx, r.Key, r.Version)
			}
			return s.PutRecord(ctx, records[i], r.Version)
		})
		switch {
		case i < 0:
		case i%2 == 0:
			expectNoRecord(t, s, spendOnce, r.Key)
		default:
			expectRecord(t, s, spendOnce, records[i])
		}
	}
}

// testNoLostUpdate counts as the Manager counts failures: read, add one, swap,
// and again after a conflict. Every increment must be there in the end.
func testNoLostUpdate(t *testing.T, s recordKind) {
	const (
		each  = 4
		tries = 100 * racers * each // a store that always conflicts must not hang the test
	)
	key := s.key()
	increment := func(ctx context.Context) error {
		for range tries {
			r, err := s.Record(ctx, key)
			prev, n := r.Version, uint64(0)
			switch {
			case errors.Is(err, mfa.ErrNotFound):
				prev = 0
			case errors.Is(err, mfa.ErrBusy):
				continue
			case err != nil:
				return err
			case len(r.Data) != 8:
				return errors.New("the record has lost its Data")
			default:
				n = binary.BigEndian.Uint64(r.Data)
			}
			next := mfa.Record{Key: key, Data: binary.BigEndian.AppendUint64(nil, n+1), Version: fresh()}
			if err := s.PutRecord(ctx, next, prev); !errors.Is(err, mfa.ErrConflict) && !errors.Is(err, mfa.ErrBusy) {
				return err
			}
		}
		return errors.New("every attempt was a conflict, though some writer must win each time")
	}
	everyWins(t, putCompares, func(ctx context.Context, _ int) error {
		for range each {
			if err := increment(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	r, err := s.Record(t.Context(), key)
	must(t, "Record", err)
	if len(r.Data) != 8 || binary.BigEndian.Uint64(r.Data) != racers*each {
		putCompares.brokenf(t, "after %d increments the counter is %x", racers*each, r.Data)
	}
}
