package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// sizes are how many users the databases have. As many people as the smallest
// has users are in each of them.
var sizes = []int{1_000, 100_000, 1_000_000}

// scaleLimit is how many times as long a verification may take in the largest
// as in the smallest.
const scaleLimit = 1.3

// reportScale prints what a TOTP verification takes in databases of all sizes,
// and returns how many limits are exceeded. PostgreSQL is left out where there
// is none.
func reportScale(ctx context.Context, t *table, dir string, runs int) (exceeded int, err error) {
	// Syncing takes the same time at every size, and would hide what does not.
	server, end, err := tryPostgreSQL("fsync=off")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, end()) }()
	people, err := newCrowd(ctx, sizes[0])
	if err != nil {
		return 0, err
	}
	engines := []engine{sqliteEngine(dir)}
	if server != nil {
		engines = append(engines, postgreSQLEngine(server))
	}
	t.head("database", "users", "bytes per user", "a TOTP verification", "ratio", "each person's first", "ratio", "limit")
	for _, e := range engines {
		all, err := e.populate(ctx, people, sizes)
		var took []scaling
		if err == nil {
			took, err = measureScale(ctx, all, runs)
		}
		if err = errors.Join(err, closeAll(all)); err != nil {
			return 0, fmt.Errorf("%s: %w", e.name, err)
		}
		for i, s := range took {
			limit := "none"
			if i == len(took)-1 {
				limit = fmt.Sprintf("ratios %.1f", scaleLimit)
				if max(s.ratio, s.firstRatio) > scaleLimit {
					exceeded++
				}
			}
			users := all[i].users
			t.row(e.name, strconv.Itoa(users), strconv.FormatInt(all[i].bytes/int64(users), 10),
				show(s.median), times(s.ratio), show(s.first), times(s.firstRatio), limit)
		}
	}
	return exceeded, nil
}

// scaling is what a verification takes in one of the databases, and in
// multiples of that in the smallest.
type scaling struct {
	median, first     time.Duration
	ratio, firstRatio float64
}

// measureScale returns the median of the runs, and the first run by itself: it
// finds of a large database no more in the database's own cache than happens to
// be there.
func measureScale(ctx context.Context, all []population, runs int) ([]scaling, error) {
	out, medians, ratios := make([]scaling, len(all)), make([][]float64, len(all)), make([][]float64, len(all))
	for run := range runs + 1 {
		took, err := verifyAll(ctx, all)
		if err != nil {
			return nil, err
		}
		for i, m := range took {
			if run == 0 {
				out[i].first, out[i].firstRatio = time.Duration(m), m/took[0]
				continue
			}
			medians[i], ratios[i] = append(medians[i], m), append(ratios[i], m/took[0])
		}
	}
	for i := range out {
		out[i].median, out[i].ratio = time.Duration(median(medians[i])), median(ratios[i])
	}
	return out, nil
}

// verifyAll has every person verify once in each database, one database after
// the other, and returns the medians.
func verifyAll(ctx context.Context, all []population) ([]float64, error) {
	for _, p := range all {
		p.people[0].pass() // for everybody
	}
	took := make([][]float64, len(all))
	for turn, person := range rand.Perm(len(all[0].people)) {
		for i := range all {
			i = (i + turn) % len(all)
			verify, err := all[i].people[person].totp(ctx)
			if err != nil {
				return nil, err
			}
			start := time.Now()
			err = verify()
			took[i] = append(took[i], float64(time.Since(start)))
			if err != nil {
				return nil, err
			}
		}
	}
	medians := make([]float64, len(all))
	for i := range medians {
		medians[i] = median(took[i])
	}
	return medians, nil
}
