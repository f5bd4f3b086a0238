package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

// RunInterleaved checks what happens when another request comes between two
// statements of a method. Under [Run] many requests race, and meet that moment
// by luck; here it is met every time, for each two methods that can be in each
// other's way. One of two writers must win, the other must get ErrConflict, and
// what is stored must be the winner's.
//
// newStore is called once for every subtest. It must build the store so that
// between is called before every statement that writes, with the context that
// the method was given or one made from it. It may be called before any other
// statement, too. between returns at once, except that during one call of a
// test it first lets another method of the same store run to its end. Each test
// is repeated with that moment before the first statement, before the second,
// and so on.
//
// Call between while the store holds no lock and no connection, for the other
// method may need it: before BEGIN and SELECT ... FOR UPDATE rather than behind
// them, and with more than one connection in the pool. Where the other method
// has not come to its end after ten seconds, the test fails and says so. If
// between is never called, or with another context, it fails, too. After either
// no further tests are run.
func RunInterleaved(t *testing.T, newStore func(t *testing.T, between func(ctx context.Context)) mfa.Store) {
	t.Helper()
	runInterleaved(t, patience, newStore)
}

// RunRecordsInterleaved is [RunInterleaved] for Records alone.
func RunRecordsInterleaved(t *testing.T, newRecords func(t *testing.T, between func(ctx context.Context)) mfa.Records) {
	t.Helper()
	runRecordsInterleaved(t, patience, newRecords)
}

func runInterleaved(t *testing.T, wait time.Duration, newStore func(t *testing.T, between func(ctx context.Context)) mfa.Store) {
	t.Helper()
	if runDuels(t, wait, newStore, credentialDuels, siblingDuels, userDuels) {
		runRecordsInterleaved(t, wait, func(t *testing.T, between func(ctx context.Context)) mfa.Records { return newStore(t, between) })
	}
}

func runRecordsInterleaved(t *testing.T, wait time.Duration, newRecords func(t *testing.T, between func(ctx context.Context)) mfa.Records) {
	t.Helper()
	wired := true
	for _, kind := range recordKinds {
		if wired {
			t.Run(kind.name, func(t *testing.T) {
				wired = runDuels(t, wait, func(t *testing.T, between func(ctx context.Context)) recordKind {
					return recordKind{newRecords(t, between), kind.prefix}
				}, recordDuels, sweepDuels)
			})
		}
	}
}
