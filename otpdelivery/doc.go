// Package otpdelivery is the methods "email" and "sms": one-time codes, and
// links that do what a code does, sent to an address of the user. They can be a
// second factor and, with [Config.SignIn], a first one.
//
// The package writes the messages; a [Sender] hands them to a provider. It
// stores nothing, limits no guesses and counts no messages: the Manager does,
// by what Step.Charges asks for.
//
// # What it is not
//
// A code is not resistant to phishing, and whoever reads the inbox or has the
// number has the factor. Two uses of one address in a session are one factor.
package otpdelivery
