// Package mfahttp serves multi-factor authentication over HTTP: a JSON API for
// scripts and apps, and server-rendered pages for browsers. It is a thin layer
// over the public methods of [mfa.Manager]: whatever it can do, an app can do
// with its own handlers.
//
//	h, err := mfahttp.New(manager, mfahttp.Config{AppName: "Example"})
//	…
//	mux.Handle("/mfa/", h)
//
// Mount it inside of the middleware that loads the app's sessions, at the path
// that Config.Prefix names, without http.StripPrefix, and not behind
// Manager.Require: sessions that still lack their second factor must reach it.
//
// # What it decides itself
//
// Nothing about who may do what: that is the Manager's. The handler reads
// requests strictly, refuses those from other origins, and translates errors.
// Requests that change anything are POST, PATCH or DELETE; GET and HEAD never
// change state. The API is described in docs/http-api.md.
//
// # What it does not do
//
// It signs nobody in by itself, but for factors that can be the first one, if
// Config.FindUser of the Manager is set. It has no CORS (it is for the app's own
// origin), sets no timeouts on reading a request (http.Server does), and
// trusts no X-Forwarded header.
package mfahttp
