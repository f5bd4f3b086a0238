package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-mfa/mfa/internal/testenv"
)

// reportPairs prints the table of single operations, and returns how many limits
// are exceeded. What needs a PostgreSQL server is left out where there is none.
func reportPairs(ctx context.Context, t *table, dir string, runs int) (exceeded int, err error) {
	server, end, err := tryPostgreSQL()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, end()) }()
	all, err := allPairs(ctx, dir, server)
	if err != nil {
		return 0, err
	}
	d, err := buildDemo(dir)
	if err != nil {
		return 0, err
	}
	t.head("operation", "beside", "primitive", "ours", "ratio", "above", "limit")
	for _, p := range append(all, d.pair()) {
		m, err := measure(ctx, p, runs)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", p.name, err)
		}
		if m.exceeds(p) {
			exceeded++
		}
		t.row(p.name, p.primitive, show(m.raw), show(m.ours), times(m.ratio), show(m.above), p.limit())
	}
	_, peak, err := d.run()
	if err != nil {
		return 0, err
	}
	t.say(fmt.Sprintf("\nThe demo's memory peak is %.0f MiB, after 20 people have signed up; the limit is %d MiB.", peak, memoryLimit))
	if peak > memoryLimit {
		exceeded++
	}
	return exceeded, nil
}

func allPairs(ctx context.Context, dir string, server *testenv.Server) ([]pair, error) {
	gate, err := gatePairs()
	if err != nil {
		return nil, err
	}
	web, err := webauthnPairs()
	if err != nil {
		return nil, err
	}
	lite, err := sqlitePairs(ctx, dir)
	if err != nil {
		return nil, err
	}
	postgres, err := postgreSQLPairs(ctx, server)
	if err != nil {
		return nil, err
	}
	code, err := qrPair()
	if err != nil {
		return nil, err
	}
	return slices.Concat(gate, web, lite, postgres, []pair{code}), nil
}
