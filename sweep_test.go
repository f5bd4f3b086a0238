package mfa_test

import (
	"testing"

	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/internal/faultsweep"
	"github.com/go-mfa/mfa/storage/memory"
)

// P02, P07, P08, P19: whatever call of the store fails, and however, an error
// elevates nothing and is no verdict, nothing is spent twice, nothing is half
// enrolled, and the user can go on.
func TestP02_P07_EveryFaultInEveryFlow(t *testing.T) {
	faultsweep.Run(t, func(*testing.T) faultstore.Inner { return memory.New() }, faultsweep.Options{Faults: faultstore.All})
}
