package factortest_test

import (
	"testing"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/factor/factortest"
	"github.com/go-mfa/mfa/lookup"
)

// sheet is a sheet of recovery codes.
type sheet struct{ codes []string }

func (s *sheet) Answer(_ testing.TB, r factor.Request, step factor.Step) []byte {
	if r.Purpose == factor.PurposeEnroll {
		s.codes = step.Prompt.(lookup.Prompt).Codes
		return []byte(lookup.Saved)
	}
	code := s.codes[0]
	s.codes = s.codes[1:]
	return []byte(code)
}

func (s *sheet) Secrets() []string { return s.codes }

func ExampleRun() {
	_ = func(t *testing.T) { // TestConformance, in the tests of the factor
		f, err := lookup.New(lookup.Config{Codes: 50})
		if err != nil {
			t.Fatal(err)
		}
		factortest.Run(t, factortest.Harness{
			Factor:           f,
			NewAuthenticator: func(testing.TB) factortest.Authenticator { return &sheet{} },
		})
	}
	// Output:
}
