// Package lookup is the method "lookup_secret": a set of single-use codes that
// the user keeps for the day on which the other factors are lost (look-up
// secrets of NIST SP 800-63B-4, section 3.1.2), also known as recovery codes.
//
// A set is shown once, when it is made, and becomes the user's only after the
// user has confirmed that it is saved, by the response "saved". It then
// replaces an older set in one write; until then the older one works. Codes do
// not expire. There is one set per user.
//
// # What is stored
//
// HMAC-SHA-256 digests of the codes that are left, under a random key that is
// made with the set and stored beside them. No code is stored, neither during
// the enrolment nor after it, and a used one leaves nothing behind: it is
// rejected like any wrong code, not told apart as replayed. A code has at least 80 bits, so that
// a fast hash is enough and a guess costs the same small work as a right one.
//
// # What is accepted
//
// Letters count the same in both cases; ASCII spaces and hyphens are dropped;
// the letters i, l and o, which no code contains, are read as the digits 1, 1
// and 0. All else that is not in the alphabet is malformed.
//
// # What it is not
//
// A code is not resistant to phishing. It never stands alone: the Manager
// accepts it only beside another factor, and deletes the set with the last of
// them. The package stores nothing and limits no guesses; the Manager does both.
package lookup
