// Package totpfactor is the method "totp": time-based one-time passwords of
// an authenticator app (RFC 6238), as a second factor.
//
// The secret has 160 bits of crypto/rand and is made on the server; nothing
// that a client sends chooses it. It becomes a credential only once a code
// computed from it has been judged right, and that code is spent by it.
//
// # What is accepted
//
// A code of the current time step or of the one before, and with
// [Config.Ahead] of the one after: with the usual 30 seconds a code can be used
// for 30 to 60 seconds after it appeared. The credential keeps the last step
// that was accepted, and only a later one is accepted after it: every code
// works once, and the older ones that it skipped do not work at all. So it
// remains if the clock is set back.
//
// An answer is normalised by one rule: it consists of ASCII digits, with any
// number of ASCII spaces and hyphens between them ("838 071", "838-071"). All
// else is malformed: white space around it, other digits of Unicode, signs.
//
// # What it is not
//
// A code is not resistant to phishing: a page that imitates the app's can pass
// on what the user types. The package stores nothing and limits no guesses;
// the Manager does both.
//
// Codes are computed by github.com/pquerna/otp. Which step matched is found
// here, because that package says only whether one did.
package totpfactor
