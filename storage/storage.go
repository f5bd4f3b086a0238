// Package storage joins stores. The stores themselves are in its
// subpackages: memory for tests, sqlstore for SQL databases; storetest checks
// a store of your own.
package storage

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-mfa/mfa"
)

// Split returns a Store that keeps credentials, and the records whose keys
// begin with mfa.KeepPrefix, in durable, and all other records in expiring:
// ceremonies and one-time tokens, the loss of which only ends ceremonies.
//
// The result has the optional parts that its halves have: it deletes users and
// lists credentials if durable does, and sweeps records if either half does.
// It is as safe for concurrent use as its halves. Split panics if one is nil.
func Split(durable mfa.Store, expiring mfa.Records) mfa.Store {
	if durable == nil || expiring == nil {
		panic("storage.Split: a half is nil: give a Store for what must last and Records for the rest")
	}
	s := split{Store: durable, expiring: expiring}
	sweeps := sweeper{durable, expiring}
	deletes, canDelete := durable.(mfa.UserDeleter)
	lists, canList := durable.(mfa.CredentialLister)

	// The Manager finds optional parts by type assertion, so each combination
	// is a type of its own.
	switch {
	case sweeps.any() && canDelete && canList:
		return struct {
			split
			sweeper
			mfa.UserDeleter
			mfa.CredentialLister
		}{s, sweeps, deletes, lists}
	case sweeps.any() && canDelete:
		return struct {
			split
			sweeper
			mfa.UserDeleter
		}{s, sweeps, deletes}
	case sweeps.any() && canList:
		return struct {
			split
			sweeper
			mfa.CredentialLister
		}{s, sweeps, lists}
	case canDelete && canList:
		return struct {
			split
			mfa.UserDeleter
			mfa.CredentialLister
		}{s, deletes, lists}
	case sweeps.any():
		return struct {
			split
			sweeper
		}{s, sweeps}
	case canDelete:
		return struct {
			split
			mfa.UserDeleter
		}{s, deletes}
	case canList:
		return struct {
			split
			mfa.CredentialLister
		}{s, lists}
	default:
		return s
	}
}

// split sends each record to its half. Credentials go to the embedded Store,
// of whose optional parts an interface shows none.
type split struct {
	mfa.Store
	expiring mfa.Records
}

func (s split) half(key string) mfa.Records {
	if strings.HasPrefix(key, mfa.KeepPrefix) {
		return s.Store
	}
	return s.expiring
}

func (s split) Record(ctx context.Context, key string) (mfa.Record, error) {
	return s.half(key).Record(ctx, key)
}

func (s split) PutRecord(ctx context.Context, r mfa.Record, prev int64) error {
	return s.half(r.Key).PutRecord(ctx, r, prev)
}

func (s split) DeleteRecord(ctx context.Context, key string, prev int64) error {
	return s.half(key).DeleteRecord(ctx, key, prev)
}

// sweeper sweeps those halves that can be swept.
type sweeper [2]mfa.Records

func (s sweeper) any() bool {
	for _, half := range s {
		if _, ok := half.(mfa.RecordSweeper); ok {
			return true
		}
	}
	return false
}

// SweepRecords sweeps both halves, the second even if the first fails.
func (s sweeper) SweepRecords(ctx context.Context, before time.Time) error {
	var errs []error
	for _, half := range s {
		if h, ok := half.(mfa.RecordSweeper); ok {
			errs = append(errs, h.SweepRecords(ctx, before))
		}
	}
	return errors.Join(errs...)
}
