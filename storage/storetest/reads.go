package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/go-mfa/mfa"
)

// stamped returns the next version of a credential, with the version in other
// fields too: a mixture of two shows.
func stamped(c mfa.Credential) mfa.Credential {
	c.Version = fresh()
	c.Name = strconv.FormatInt(c.Version, 10)
	c.Data = []byte(c.Name)
	return c
}

// stampedRecord is stamped for records.
func stampedRecord(r mfa.Record) mfa.Record {
	r.Version = fresh()
	r.Data = strconv.AppendInt(nil, r.Version, 10)
	return r
}

// readWhole reads the only credential of a user in both ways. It returns an
// error if it sees half a write; absence is half a write unless it is allowed.
func readWhole(ctx context.Context, s mfa.Store, c mfa.Credential, mayBeAbsent bool) error {
	all, err := s.Credentials(ctx, c.UserID)
	if err != nil {
		return fmt.Errorf("Credentials: %w", err)
	}
	if len(all) > 1 || len(all) == 0 && !mayBeAbsent {
		return fmt.Errorf("Credentials returned %d rows where there is one", len(all))
	}
	found, err := s.FindCredential(ctx, c.Method, c.Key)
	switch {
	case err == nil:
		all = append(all, found)
	case !mayBeAbsent || !errors.Is(err, mfa.ErrNotFound):
		return fmt.Errorf("FindCredential: %w", err)
	}
	for _, c := range all {
		if version := strconv.FormatInt(c.Version, 10); c.Name != version || string(c.Data) != version {
			return fmt.Errorf("what was read is a mixture: version %d, and the Name or the Data of another version", c.Version)
		}
	}
	return nil
}

// readWholeRecord is readWhole for records.
func readWholeRecord(ctx context.Context, s mfa.Records, key string, mayBeAbsent bool) error {
	r, err := s.Record(ctx, key)
	if mayBeAbsent && errors.Is(err, mfa.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("Record: %w", err)
	}
	if string(r.Data) != strconv.FormatInt(r.Version, 10) {
		return fmt.Errorf("what was read is a mixture: version %d, and the Data of another version", r.Version)
	}
	return nil
}

// raceReads has one goroutine write again and again while all others read.
func raceReads(t *testing.T, write, read func(ctx context.Context) error) {
	t.Helper()
	const writes = 20
	var written atomic.Bool
	everyWins(t, oneStep, func(ctx context.Context, i int) error {
		if i == 0 {
			defer written.Store(true)
			for range writes {
				if err := patiently(ctx, write); err != nil {
					return err
				}
			}
			return nil
		}
		for ; !written.Load(); runtime.Gosched() { // one writer among many readers
			if err := patiently(ctx, read); err != nil {
				return err
			}
		}
		return nil
	})
}

func testRaceRead(t *testing.T, s mfa.Store) {
	c := create(t, s, random(), func(c *mfa.Credential) { *c = stamped(*c) })
	first := c
	raceReads(t, func(ctx context.Context) error {
		next := stamped(c)
		err := s.UpdateCredential(ctx, next, c.Version)
		if err == nil {
			c = next
		}
		return err
	}, func(ctx context.Context) error { return readWhole(ctx, s, first, false) })
	expectOnly(t, s, oneStep, c.UserID, c)
}

func testRaceReadRecord(t *testing.T, s recordKind) {
	r := put(t, s, func(r *mfa.Record) { *r = stampedRecord(*r) })
	first := r
	raceReads(t, func(ctx context.Context) error {
		next := stampedRecord(r)
		err := s.PutRecord(ctx, next, r.Version)
		if err == nil {
			r = next
		}
		return err
	}, func(ctx context.Context) error { return readWholeRecord(ctx, s, first.Key, false) })
	expectRecord(t, s, oneStep, r)
}
