// Package e2e holds the tests that need more than the library links: real
// databases, browsers and several processes. It is a module of its own and
// exports nothing.
package e2e
