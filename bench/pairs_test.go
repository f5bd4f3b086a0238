package main

import (
	"testing"

	"github.com/go-mfa/mfa/internal/testenv"
)

// TestPairs runs every pair once, so that the benchmarks keep working.
func TestPairs(t *testing.T) {
	pairs, err := allPairs(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	measureBriefly(t, pairs)
}

func TestPostgreSQLPairs(t *testing.T) {
	pairs, err := postgreSQLPairs(t.Context(), testenv.PostgreSQL(t))
	if err != nil {
		t.Fatal(err)
	}
	measureBriefly(t, pairs)
}

func measureBriefly(t *testing.T, pairs []pair) {
	t.Helper()
	for _, p := range pairs {
		p.n = 3
		if _, err := measure(t.Context(), p, 1); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}
