// Package factortest is the conformance suite for a [factor.Factor]. Whoever
// writes a factor calls [Run] in a test, with a [Harness] that plays the user:
//
//	func TestConformance(t *testing.T) {
//		factortest.Run(t, factortest.Harness{
//			Factor:           f,
//			NewAuthenticator: func(testing.TB) factortest.Authenticator { return &myAuthenticator{} },
//		})
//	}
//
// Each failure says which promise of the contract is broken and what an
// attacker or a user gets from it. Run it under -race: one of the promises is
// that a factor is safe for concurrent use.
//
// The suite checks the contract between a factor and the Manager. It does not
// check the cryptography of a method, nor budgets, nor storage: those are
// tested where they live. It imports the standard library and package factor
// only.
package factortest
