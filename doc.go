// Package mfa adds multi-factor authentication to a web app that already has
// its own login, sessions and database.
//
// The app hands a [Manager] one fact, "this user has just passed a first
// factor", at every place where it signs somebody in ([Manager.SignIn]). It
// gets back enrolment and verification of second factors, an assurance level
// computed from evidence, and middleware that enforces it
// ([Manager.RequireAAL]). The library owns no users and no passwords.
//
// What it is built of: a [Factor] judges answers and stores nothing
// (packages totpfactor, webauthnfactor, lookup); a [Store] keeps sealed
// credentials and ceremonies by single conditional writes (package storage);
// a [Session] carries what a session has proved (package session); package
// mfahttp has a JSON API and pages over the Manager's public methods.
//
// Nothing fails open: every error that is not about the user's own mistake is
// a refusal.
package mfa
