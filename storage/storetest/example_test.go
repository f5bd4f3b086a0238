package storetest_test

import (
	"testing"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/storage/storetest"
)

func ExampleRun() {
	_ = func(t *testing.T) { // in your package: func TestStore(t *testing.T)
		storetest.Run(t, func(*testing.T) mfa.Store { return memory.New() })
	}
	// Output:
}

func ExampleRunRecords() {
	_ = func(t *testing.T) { // in your package: func TestRecords(t *testing.T)
		storetest.RunRecords(t, func(*testing.T) mfa.Records { return memory.New() })
	}
	// Output:
}
