// Package memory is the reference implementation of mfa.Store: maps behind one
// lock. It is for tests and for trying things out. Nothing survives the
// process, and nothing is shared between processes: an app that runs for real
// users needs a durable store, such as package sqlstore.
package memory
