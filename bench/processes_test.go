package main

import (
	"testing"
	"time"

	"github.com/go-mfa/mfa/internal/testenv"
)

func TestProcesses(t *testing.T) {
	r, err := measureProcesses(t.Context(), testenv.PostgreSQL(t), "on", 2, 1, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.swaps <= 0 || r.verifications <= 0 || r.ratio <= 0 {
		t.Errorf("nothing was done: %+v", r)
	}
}
