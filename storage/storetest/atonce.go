package storetest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

const (
	racers = 32
	// A store that reads and then writes loses a race only now and then, so a
	// quick one is tried more often.
	minRounds = 8
	raceTime  = 50 * time.Millisecond
)

// rounds yields while the race should be run once more.
func rounds(yield func() bool) {
	start := time.Now()
	for n := 0; n < minRounds || time.Since(start) < raceTime; n++ {
		if !yield() {
			return
		}
	}
}

// patience is how long a store may be too busy, or a call may wait for another
// one. No store needs nearly that long.
const patience = 10 * time.Second

// patiently repeats a call that the store was too busy to decide, which wrote
// nothing then.
func patiently(ctx context.Context, do func(ctx context.Context) error) error {
	for start := time.Now(); ; runtime.Gosched() {
		err := do(ctx)
		if !errors.Is(err, mfa.ErrBusy) || ctx.Err() != nil || time.Since(start) > patience {
			return err
		}
	}
}

// atOnce starts do racers times at once and returns what each returned.
func atOnce(t *testing.T, do func(ctx context.Context, i int) error) []error {
	t.Helper()
	errs := make([]error, racers)
	start := make(chan struct{})
	var done sync.WaitGroup
	for i := range racers {
		done.Go(func() {
			<-start
			errs[i] = patiently(t.Context(), func(ctx context.Context) error { return do(ctx, i) })
		})
	}
	close(start)
	done.Wait()
	return errs
}

// everyWins calls do many times at once, and nobody is in another's way.
func everyWins(t *testing.T, p promise, do func(ctx context.Context, i int) error) {
	t.Helper()
	for _, err := range atOnce(t, do) {
		expectNil(t, p, "one of many calls at once, none of which is in another's way", err)
	}
}

// oneWinner calls do many times at once, and returns whose call returned nil.
// All others must have got ErrConflict. It returns -1 unless exactly one won.
func oneWinner(t *testing.T, p promise, do func(ctx context.Context, i int) error) int {
	t.Helper()
	winner, winners := -1, 0
	for i, err := range atOnce(t, do) {
		if err == nil {
			winner, winners = i, winners+1
		} else {
			expectConflict(t, p, "a loser of a race", err)
		}
	}
	if winners != 1 {
		p.brokenf(t, "%d of %d parallel calls won, want 1", winners, racers)
		return -1
	}
	return winner
}
