// Package stores runs the library over every database that it supports: the
// conformance suite, the flows of users by one process and by several, what
// they race for, and what happens when calls fail, processes are killed,
// connections are cut and nodes are lost. It exports nothing.
package stores
