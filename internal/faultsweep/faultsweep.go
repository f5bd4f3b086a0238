// Package faultsweep makes every call of the store fail, one at a time and in
// every way, in every flow of a Manager, and judges what is left.
//
// Whatever fails, and however: nobody is elevated unless the answer was spent
// for good, nothing is spent twice, every stored credential can be used, an
// error is never a verdict, a budget is charged one attempt at most, no lock is
// left behind, and the user gets on with a fresh answer.
package faultsweep

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/go-mfa/mfa/internal/faultstore"
)

// Options says how much to sweep. The zero Options sweep every flow with every
// fault but Hang.
type Options struct {
	// Faults are the faults to inject. Hang runs in a bubble of
	// testing/synctest, where waiting costs nothing: newStore must then return
	// a store that does nothing but compute, such as the memory store.
	Faults []faultstore.Fault
	// Flows names the flows to sweep, for a shorter form. A name that there is
	// none of fails the test.
	Flows []string
}

// Run sweeps. newStore is called once for every pair of a flow and a fault; it
// may return the same store again, and other things may be stored there: every
// run has a user of its own, and forgets that user in the end. It is always 1
// January 2026, and records that have expired by then are dropped.
func Run(t *testing.T, newStore func(t *testing.T) faultstore.Inner, o Options) {
	t.Helper()
	faults := o.Faults
	if faults == nil {
		faults = slices.DeleteFunc(slices.Clone(faultstore.All), func(f faultstore.Fault) bool { return f == faultstore.Hang })
	}
	for _, f := range chosen(t, o.Flows) {
		for _, fault := range faults {
			t.Run(f.name+", "+fault.String(), func(t *testing.T) {
				if fault != faultstore.Hang {
					sweep(t, newStore(t), f, fault)
					return
				}
				synctest.Test(t, func(t *testing.T) { sweep(t, newStore(t), f, fault) })
			})
		}
	}
}

// chosen returns the flows with these names, or all of them.
func chosen(t *testing.T, names []string) []flow {
	t.Helper()
	all := slices.Concat(sessionFlows(), enrolmentFlows(), verificationFlows(), refusalFlows(), deliveryFlows(), managementFlows(), adminFlows())
	if names == nil {
		return all
	}
	var flows []flow
	for _, name := range names {
		i := slices.IndexFunc(all, func(f flow) bool { return f.name == name })
		if i < 0 {
			t.Fatalf("faultsweep: there is no flow %q: take a name from the output of go test -v", name)
		}
		flows = append(flows, all[i])
	}
	return flows
}

// mostCalls is more than any flow makes.
const mostCalls = 40

// sweep makes the first call fail, then the second, until there is none.
func sweep(t *testing.T, store faultstore.Inner, f flow, fault faultstore.Fault) {
	t.Helper()
	for n := 1; !t.Failed(); n++ {
		if n > mostCalls {
			t.Fatalf("a flow of more than %d calls does not end by itself", mostCalls)
		}
		if !once(t, store, f, fault, n) {
			if n == 1 {
				t.Error("there was no call to fail")
			}
			return
		}
	}
}
