package storetest

import (
	"context"
	"testing"

	"github.com/go-mfa/mfa"
)

// move is one call of a method.
type move struct {
	what string
	do   func(ctx context.Context) error
	left func(t *testing.T, p promise) // expects what is stored where only this move wins; nil: it cannot
}

// inTurn is two moves as one, where the second is what counts.
func inTurn(first, second move) move {
	return move{first.what + " and " + second.what, func(ctx context.Context) error {
		if err := patiently(ctx, first.do); err != nil {
			return err
		}
		return patiently(ctx, second.do)
	}, second.left}
}

func createStamped(t *testing.T, s mfa.Store, userID string) mfa.Credential {
	t.Helper()
	return create(t, s, userID, func(c *mfa.Credential) { *c = stamped(*c) })
}

func creating(s mfa.Store, c mfa.Credential) move {
	return move{
		"CreateCredential", func(ctx context.Context) error { return s.CreateCredential(ctx, c) },
		func(t *testing.T, p promise) { expectCredential(t, s, p, c) },
	}
}

// enrolling creates another credential of the user that c belongs to.
func enrolling(s mfa.Store, c mfa.Credential) move {
	return creating(s, newCredential(c.UserID))
}

func updating(s mfa.Store, c mfa.Credential) move {
	next := stamped(c)
	return move{
		"UpdateCredential", func(ctx context.Context) error { return s.UpdateCredential(ctx, next, c.Version) },
		func(t *testing.T, p promise) { expectCredential(t, s, p, next) },
	}
}

func deleting(s mfa.Store, c mfa.Credential) move {
	return move{
		"DeleteCredential", func(ctx context.Context) error { return s.DeleteCredential(ctx, c.UserID, c.ID, c.Version) },
		func(t *testing.T, p promise) { expectGone(t, s, p, c) },
	}
}

// recreating deletes a credential and creates it anew.
func recreating(s mfa.Store, c mfa.Credential) move {
	return inTurn(deleting(s, c), creating(s, stamped(c)))
}

// passingOn deletes a credential and gives its Key to another user's.
func passingOn(s mfa.Store, c mfa.Credential) move {
	heir := newCredential(random())
	heir.Key = c.Key
	m := inTurn(deleting(s, c), creating(s, heir))
	m.left = func(t *testing.T, p promise) {
		expectGone(t, s, p, c)
		expectCredential(t, s, p, heir)
	}
	return m
}

func deletingUser(s mfa.Store, userID string) (m move, ok bool) {
	deleter, ok := s.(mfa.UserDeleter)
	return move{
		"DeleteUser", func(ctx context.Context) error { return deleter.DeleteUser(ctx, userID) },
		func(t *testing.T, p promise) { expectOnly(t, s, p, userID) },
	}, ok
}

// reading fails where it sees half a write; peeking does, too, but may come too
// early or too late to see anything.
func reading(s mfa.Store, c mfa.Credential) move {
	return move{"a reader", func(ctx context.Context) error { return readWhole(ctx, s, c, false) }, nil}
}

func peeking(s mfa.Store, c mfa.Credential) move {
	return move{"a reader", func(ctx context.Context) error { return readWhole(ctx, s, c, true) }, nil}
}

func inserting(s mfa.Records, r mfa.Record) move {
	return move{
		"PutRecord with prev 0", func(ctx context.Context) error { return s.PutRecord(ctx, r, 0) },
		func(t *testing.T, p promise) { expectRecord(t, s, p, r) },
	}
}

func replacing(s mfa.Records, r mfa.Record) move { return replacingBy(s, r, stampedRecord(r)) }

func replacingBy(s mfa.Records, r, next mfa.Record) move {
	return move{
		"PutRecord with a version", func(ctx context.Context) error { return s.PutRecord(ctx, next, r.Version) },
		func(t *testing.T, p promise) { expectRecord(t, s, p, next) },
	}
}

func spending(s mfa.Records, r mfa.Record) move {
	return move{
		"DeleteRecord", func(ctx context.Context) error { return s.DeleteRecord(ctx, r.Key, r.Version) },
		func(t *testing.T, p promise) { expectNoRecord(t, s, p, r.Key) },
	}
}

// reinserting deletes a record and puts a live one in its place.
func reinserting(s mfa.Records, r mfa.Record) move {
	again := stampedRecord(r)
	again.ExpiresAt = soon()
	return inTurn(spending(s, r), inserting(s, again))
}

func readingRecord(s mfa.Records, r mfa.Record) move {
	return move{"a reader", func(ctx context.Context) error { return readWholeRecord(ctx, s, r.Key, false) }, nil}
}

func peekingRecord(s mfa.Records, r mfa.Record) move {
	return move{"a reader", func(ctx context.Context) error { return readWholeRecord(ctx, s, r.Key, true) }, nil}
}
