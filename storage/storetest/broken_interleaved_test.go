package storetest

import (
	"context"
	"sync"
	"testing"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

// hasty are stores that read and then write, the duel that must catch each, and
// the promise that it must name.
var hasty = map[string]struct {
	by     string
	breaks promise
	store  func(h hooked) mfa.Store
}{
	"reads, then updates":               {"UpdateDuringUpdate", updateCompares, func(h hooked) mfa.Store { return updateAfterRead{h} }},
	"reads, then updates what is new":   {"RecreateDuringUpdate", recreated, func(h hooked) mfa.Store { return updateAfterRead{h} }},
	"reads, then saves":                 {"DeleteDuringUpdate", updateCompares, func(h hooked) mfa.Store { return saveAfterRead{h} }},
	"deletes, then inserts":             {"ReadDuringUpdate", oneStep, func(h hooked) mfa.Store { return deleteAndInsert{h} }},
	"one document per user":             {"UpdateSiblingDuringUpdate", apart, func(h hooked) mfa.Store { return oneDocument{h} }},
	"looks, then creates":               {"CreateSameIDDuringCreate", uniqueCredential, func(h hooked) mfa.Store { return insertAfterLook{h} }},
	"finds, then creates":               {"CreateSameKeyOfAnotherUserDuringCreate", uniqueCredential, func(h hooked) mfa.Store { return insertAfterFind{h} }},
	"reads, then deletes":               {"UpdateDuringDelete", deleteCompares, func(h hooked) mfa.Store { return deleteAfterRead{h} }},
	"reads, then deletes what is new":   {"RecreateDuringDelete", recreated, func(h hooked) mfa.Store { return deleteAfterRead{h} }},
	"gone is deleted":                   {"DeleteDuringDelete", deleteCompares, func(h hooked) mfa.Store { return goneIsDeleted{h} }},
	"deletes by Key":                    {"PassOnDuringDelete", deleteCompares, func(h hooked) mfa.Store { return deleteByKey{h} }},
	"deletes a user row by row":         {"UpdateDuringDeleteUser", deletesUser, func(h hooked) mfa.Store { return deletesAsRead{h} }},
	"looks, then inserts":               {"Keep/InsertDuringInsert", putAbsent, func(h hooked) mfa.Store { return putAfterLook{h} }},
	"reads, then puts":                  {"Keep/PutDuringPut", putCompares, func(h hooked) mfa.Store { return putAfterRead{h} }},
	"reads, then puts over what is new": {"Keep/ReinsertDuringPut", recreated, func(h hooked) mfa.Store { return putAfterRead{h} }},
	"takes twice":                       {"Expiring/DeleteDuringDelete", spendOnce, func(h hooked) mfa.Store { return spendsTwice{h} }},
	"reads, then spends":                {"Expiring/PutDuringDelete", spendOnce, func(h hooked) mfa.Store { return spendsByKey{h} }},
	"reads, then spends what is new":    {"Expiring/ReinsertDuringDelete", recreated, func(h hooked) mfa.Store { return spendsByKey{h} }},
	"sweeps what was renewed":           {"Keep/RenewDuringSweep", liveRecord, func(h hooked) mfa.Store { return sweepsByKey{h, new(sync.Map)} }},
	"sweeps what came back":             {"Keep/ReinsertDuringSweep", liveRecord, func(h hooked) mfa.Store { return sweepsByKey{h, new(sync.Map)} }},
}

func TestP01_SuiteCatchesHastyStores(t *testing.T) {
	for name, c := range hasty {
		t.Run(name, func(t *testing.T) {
			out := expectCaught(t, c.by, func(t *testing.T) {
				RunInterleaved(t, func(_ *testing.T, between func(ctx context.Context)) mfa.Store {
					return c.store(hooked{memory.New(), between})
				})
			})
			expectNamed(t, out, c.breaks)
		})
	}
}

// What one caller can see of them is right, and they do nothing to widen the
// moment in which they are wrong: it takes luck to catch them by a race.
func TestP01_HastyStoresAreRightAlone(t *testing.T) {
	for name, c := range hasty {
		t.Run(name, func(t *testing.T) {
			alone := func() mfa.Store { return c.store(hooked{memory.New(), func(context.Context) {}}) }
			runAll(t, func(*testing.T) mfa.Store { return alone() }, credentialTests, identityTests, optionalTests)
			runAll(t, func(*testing.T) recordKind { return recordKind{alone(), mfa.KeepPrefix} }, recordTests)
		})
	}
}
