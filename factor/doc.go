// Package factor is the contract between the mfa Manager and the ways to
// authenticate: what a [Factor] is asked, and what it answers.
//
// Apps do not call it. Authors of a factor implement [Factor] and run the
// suite of package factortest against it. The package imports the standard
// library only, so that a factor can be written without the rest of the
// module.
package factor
