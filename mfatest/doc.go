// Package mfatest helps to test an app that uses package mfa: a [Clock], an
// authenticator app ([TOTP]), a security key ([Authenticator]), sessions in
// memory ([Session]), a recorder of [Events], and a [Kit] of all of them with
// a Manager over the memory store.
//
// "This request is signed in at aal2" is, for a guarded handler h:
//
//	kit := mfatest.New(t, nil)
//	r := kit.Request(t, "GET", "/account", kit.SignedInAAL2(t, "alice"))
//	h.ServeHTTP(w, r)
//
// There are no back doors. Every credential is enrolled, and every proof made,
// through the Manager's public methods, because a session at aal2 without a
// live credential behind it is worth no more than aal1.
//
// The package links every factor. It is for tests only.
package mfatest
