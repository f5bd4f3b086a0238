// Package scssession keeps the library's state in the sessions of
// github.com/alexedwards/scs/v2, beside what the app keeps there.
//
//	sm := scs.New()
//	sm.Cookie.Secure = true
//	session, err := scssession.New(sm, scssession.Config{UserKey: "userID"})
//	...
//	http.ListenAndServe(addr, sm.LoadAndSave(mux))
//
// UserKey is where the app looks for the id of the user who is signed in. The
// app goes on reading it there; from now on only [mfa.Manager.SignIn] writes
// it. While a sign-in waits for its second factor the key is absent, so that
// handlers that know nothing of this library see nobody.
//
// Sign out with the zero State, or with scs's Destroy. Removing only the app's
// key also ends the session for the library, but leaves the state lying there:
// a login that then puts the same user's id back without calling SignIn finds
// it again.
//
// This package does not import scs: [Manager] is the part of
// *scs.SessionManager that it uses. Timeouts, cookie attributes and the store
// are scs's: set Cookie.Secure, and a Cookie.Name that begins with __Host-.
//
// # Known limit
//
// scs writes a session back under the token it was loaded with, even if that
// token has been renewed or destroyed meanwhile. A request that loaded before
// a Save and changes its session after it thus revives the old token with the
// old data: never with a level that was reached later, but after a sign-out
// with everything the session had. With an IdleTimeout scs writes every
// session back, so every request that is under way counts. Routes that matter
// bound this with Requirement.MaxAge.
package scssession
