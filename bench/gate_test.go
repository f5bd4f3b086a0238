package main

import (
	"testing"
)

// TestGateAllocations fixes what a gate allocates above the bare handler, which
// unlike time is the same on every machine.
func TestGateAllocations(t *testing.T) {
	guarded, r, err := overFixed()
	if err != nil {
		t.Fatal(err)
	}
	do := serve(guarded, r)
	allocs := testing.AllocsPerRun(1000, func() {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 5 {
		t.Errorf("the gate allocates %v times per request, at most 5 are allowed", allocs)
	}
}

func BenchmarkGate(b *testing.B) {
	for name, setup := range map[string]func() (handler, error){"fixed": fixedHandler, "scs": scsHandler} {
		b.Run(name, func(b *testing.B) {
			h, err := setup()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := h(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type handler func() error

func fixedHandler() (handler, error) {
	h, r, err := overFixed()
	return serve(h, r), err
}

func scsHandler() (handler, error) {
	h, r, err := overSCS()
	return serve(h, r), err
}
