package main

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// pair is an operation of ours beside its primitive. Each function does the
// operation n times and returns how long that took, preparation left out.
type pair struct {
	name, primitive string
	n               int
	raw, ours       func(n int) (time.Duration, error)
	ratio           float64       // the limit of ours / raw; zero: none
	above           time.Duration // the limit of ours - raw per operation; zero: none
}

type measurement struct {
	raw, ours, above time.Duration // per operation
	ratio            float64
}

func measure(ctx context.Context, p pair, runs int) (measurement, error) {
	var raws, ours, above, ratios []float64
	for i := range runs + 1 {
		if err := ctx.Err(); err != nil {
			return measurement{}, err
		}
		raw, err := p.raw(p.n)
		if err != nil {
			return measurement{}, err
		}
		our, err := p.ours(p.n)
		if err != nil {
			return measurement{}, err
		}
		if i == 0 {
			continue // warms up
		}
		a, b := float64(raw)/float64(p.n), float64(our)/float64(p.n)
		raws, ours = append(raws, a), append(ours, b)
		above, ratios = append(above, b-a), append(ratios, b/a)
	}
	return measurement{
		raw: time.Duration(median(raws)), ours: time.Duration(median(ours)),
		above: time.Duration(median(above)), ratio: median(ratios),
	}, nil
}

func (m measurement) exceeds(p pair) bool {
	return p.ratio > 0 && m.ratio > p.ratio || p.above > 0 && m.above > p.above
}

func (p pair) limit() string {
	switch {
	case p.ratio > 0:
		return "ratio " + strconv.FormatFloat(p.ratio, 'f', -1, 64)
	case p.above > 0:
		return show(p.above) + " above"
	default:
		return "none"
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

func show(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', 2, 64) + " µs"
}

func times(ratio float64) string { return strconv.FormatFloat(ratio, 'f', 2, 64) }

// timed repeats an operation that needs no preparation.
func timed(do func() error) func(int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if err := do(); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}
}

// prepared repeats an operation whose preparation is left out of the time.
func prepared(prepare func() (func() error, error)) func(int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		var total time.Duration
		for range n {
			do, err := prepare()
			if err != nil {
				return 0, err
			}
			start := time.Now()
			err = do()
			total += time.Since(start)
			if err != nil {
				return 0, err
			}
		}
		return total, nil
	}
}

// batched prepares n operations, collects the garbage of that, and then does
// them one after the other.
func batched(prepare func() (func() error, error)) func(int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		ready := make([]func() error, n)
		for i := range ready {
			var err error
			if ready[i], err = prepare(); err != nil {
				return 0, err
			}
		}
		runtime.GC()
		start := time.Now()
		for _, do := range ready {
			if err := do(); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}
}
