package mfa

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"
)

// Store keeps credentials and records. Every method is one statement; there
// are no transactions. Implement it against the app's database, or take one of
// package storage; package storetest checks an implementation against every
// sentence below.
//
// A Store compares and stores what it is given: it chooses no ids and no
// versions, judges no expiry, and opens no Data. Ids are byte-exact and at
// most 255 bytes. Times are UTC with at least millisecond precision. It must
// be safe for concurrent use by any number of goroutines and processes.
//
// Errors: ErrNotFound and ErrConflict as said below, wrapped or not, and ErrBusy
// where nothing was written and trying again may help. Every other error is a
// fault, after which the write may or may not have happened.
type Store interface {
	// Credentials returns all credentials of a user, in any order. None is
	// (nil, nil). The caller may change what it gets.
	Credentials(ctx context.Context, userID string) ([]Credential, error)
	// FindCredential returns the credential with the given method and Key, or
	// an error wrapping ErrNotFound.
	FindCredential(ctx context.Context, method, key string) (Credential, error)
	// CreateCredential stores a new credential. If its ID, or its Method and
	// Key together, exist already, for whichever user, it stores nothing and
	// returns an error wrapping ErrConflict.
	CreateCredential(ctx context.Context, c Credential) error
	// UpdateCredential replaces the credential with c's ID, UserID and the
	// version prev. If there is none it changes nothing and returns an error
	// wrapping ErrConflict. Method, Key and CreatedAt do not change.
	UpdateCredential(ctx context.Context, c Credential, prev int64) error
	// DeleteCredential deletes the credential with this id, user and version.
	// If there is none it changes nothing and returns an error wrapping
	// ErrConflict.
	DeleteCredential(ctx context.Context, userID, id string, prev int64) error

	Records
}

// Records are small and opaque: ceremonies, counters, one-time tokens.
// Records whose key begins with [KeepPrefix] must survive a restart; losing
// the others only ends ceremonies.
type Records interface {
	// Record returns the record with this key, expired or not, or an error
	// wrapping ErrNotFound.
	Record(ctx context.Context, key string) (Record, error)
	// PutRecord stores r. With prev 0 there must be no record with its key;
	// otherwise there must be one with that version. Else it changes nothing
	// and returns an error wrapping ErrConflict.
	PutRecord(ctx context.Context, r Record, prev int64) error
	// DeleteRecord deletes the record with this key and version. If there is
	// none it changes nothing and returns an error wrapping ErrConflict.
	// Deleting is how a record is spent: of any number of callers, one wins.
	DeleteRecord(ctx context.Context, key string, prev int64) error
}

// KeepPrefix begins the keys of records that must not be lost.
const KeepPrefix = "keep/"

// Record is what a store keeps besides credentials.
type Record struct {
	Key       string    // kind, a slash, and a hash: at most 255 ASCII bytes
	Data      []byte    // at most 64 KiB
	ExpiresAt time.Time // permits dropping the record later; the zero time means never
	Version   int64     // chosen by the Manager at random, never zero, never repeated
}

// Format implements [fmt.Formatter]. It leaves Data out under every verb.
func (r Record) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Record(%q, %d bytes redacted)", r.Key, len(r.Data))
}

// LogValue implements [slog.LogValuer]. It leaves Data out.
func (r Record) LogValue() slog.Value {
	return slog.GroupValue(slog.String("key", r.Key))
}

// RecordSweeper is an optional part of a Store, used by Manager.Sweep.
type RecordSweeper interface {
	// SweepRecords deletes records that expired before the given time.
	// Records without ExpiresAt stay. Those without [KeepPrefix] may be left
	// to a store that drops them by itself.
	SweepRecords(ctx context.Context, before time.Time) error
}

// UserDeleter is an optional part of a Store, used by Manager.Forget.
type UserDeleter interface {
	// DeleteUser deletes all credentials of a user. It is no error if there
	// are none.
	DeleteUser(ctx context.Context, userID string) error
}

// CredentialLister is an optional part of a Store, used by Manager.Reseal.
type CredentialLister interface {
	// AllCredentials iterates over the credentials of all users, in any
	// order. Credentials written meanwhile may or may not be seen. It must
	// allow writes to the store between two steps, and stops after yielding
	// an error.
	AllCredentials(ctx context.Context) iter.Seq2[Credential, error]
}
