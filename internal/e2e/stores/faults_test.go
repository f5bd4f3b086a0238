package stores

import (
	"testing"

	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/internal/faultsweep"
)

// P02: whatever call of whatever store fails, and however, nothing is spent
// twice and nobody is elevated for nothing. The root module sweeps every flow
// with every fault over the memory store; each run here has the flows that
// write in a way of their own, and the long runs have all of them.
func TestP02_EveryFaultOnEveryStore(t *testing.T) {
	var o faultsweep.Options
	if !long {
		o.Faults = []faultstore.Fault{faultstore.Before, faultstore.After, faultstore.CancelBefore, faultstore.CancelAfter}
		o.Flows = []string{
			"verify a code", "verify a key", "verify a recovery code while codes are closed", "guess a code",
			"enrol another key", "make new recovery codes", "remove the last one with its recovery codes", "forget",
			"verify an address", "send another code to verify", "sign in by a code", "guess while signing in by a code", "sign in as nobody",
		}
	}
	onEach(t, func(t *testing.T, s spec) {
		store := open(t, s)
		faultsweep.Run(t, func(*testing.T) faultstore.Inner { return store }, o)
	})
}
