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
// [Run] has one caller, and then many at once. A store that reads and then
// writes may be lucky in that: [RunInterleaved] has another request come
// exactly between the two. A store whose methods are one statement each, as they
// should be, passes it at once; for what takes more, it is the only proof.
//
// What neither checks: that what was written is still there after a crash, and
// that the promises hold between several processes. A lock in the process
// passes both, and keeps no other process out. Optional parts that a store does
// not have are no failure: their tests pass and say so in their log.
package storetest
