// Package storetest checks an mfa.Store, or the half of one that is
// mfa.Records, against every promise in the documentation of those interfaces:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) mfa.Store { return mystore.New(openTestDatabase(t)) })
//	}
//
// Run it with -race, against the database that you deploy. The security of the
// whole library rests on these promises, so each failure says which one is
// broken and what an attacker gains.
//
// What it does not check: that what was written is still there after a crash,
// and that the promises hold between several processes. Optional parts that a
// store does not have are no failure: their tests pass and say so in their log.
package storetest
