package main

import (
	"testing"

	"github.com/go-mfa/mfa/internal/testenv"
)

func TestScale(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { scaleBriefly(t, sqliteEngine(t.TempDir())) })
	t.Run("PostgreSQL", func(t *testing.T) { scaleBriefly(t, postgreSQLEngine(testenv.PostgreSQL(t))) })
}

func scaleBriefly(t *testing.T, e engine) {
	t.Helper()
	people, err := newCrowd(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	all, err := e.populate(t.Context(), people, []int{20, 100, 1010})
	defer func() {
		if err := closeAll(all); err != nil {
			t.Error(err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		var users, rows int
		if err := p.db.QueryRowContext(t.Context(), "SELECT COUNT(DISTINCT user_id), COUNT(*) FROM mfa_credentials").Scan(&users, &rows); err != nil {
			t.Fatal(err)
		}
		if users != p.users || rows != 3*users || p.bytes < int64(500*users) {
			t.Errorf("%d users have %d credentials in %d bytes, of %d with 3 each", users, rows, p.bytes, p.users)
		}
	}
	took, err := measureScale(t.Context(), all, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range took {
		if s.median <= 0 || s.first <= 0 || s.ratio <= 0 || s.firstRatio <= 0 {
			t.Errorf("with %d users nothing was measured: %+v", all[i].users, s)
		}
	}
}
