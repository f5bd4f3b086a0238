package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

var optionalTests = []test[mfa.Store]{
	{"SweepRecords", testSweepBesideCredentials},
	{"DeleteUser", testDeleteUser},
	{"AllCredentials", testAllCredentials},
	{"AllCredentialsDuringWrites", testAllCredentialsDuringWrites},
}

func testSweepBesideCredentials(t *testing.T, s mfa.Store) {
	c := create(t, s, random())
	testSweep(t, s)
	expectOnly(t, s, sweeps, c.UserID, c)
}

func testDeleteUser(t *testing.T, s mfa.Store) {
	deleter, ok := s.(mfa.UserDeleter)
	if !ok {
		t.Log("the store deletes no users: nothing to check")
		return
	}
	user := random()
	first := create(t, s, user)
	second := create(t, s, user, func(c *mfa.Credential) { c.Method = "webauthn" })
	others := []mfa.Credential{create(t, s, user+" "), create(t, s, strings.ToLower(user)), create(t, s, user[1:])}
	var records []mfa.Record
	for _, kind := range recordKinds {
		records = append(records, put(t, recordKind{s, kind.prefix}, func(r *mfa.Record) { r.Key = kind.prefix + user }))
	}

	err := deleter.DeleteUser(cancelled(t), user)
	expectPlain(t, doneContext, "DeleteUser", err)
	if err != nil {
		expectOnly(t, s, doneContext, user, first, second)
	} else {
		expectOnly(t, s, doneContext, user)
	}
	expectNil(t, deletesUser, "DeleteUser", deleter.DeleteUser(t.Context(), user))
	expectOnly(t, s, deletesUser, user)
	_, err = s.FindCredential(t.Context(), first.Method, first.Key)
	expectError(t, deletesUser, "FindCredential of a deleted user's", err, mfa.ErrNotFound)
	for _, other := range others {
		expectOnly(t, s, deletesUser, other.UserID, other)
	}
	for _, r := range records {
		expectRecord(t, s, deletesUser, r)
	}
	expectNil(t, deletesUser, "DeleteUser of nobody", deleter.DeleteUser(t.Context(), user))

	again := create(t, s, user, func(c *mfa.Credential) { c.ID, c.Key = first.ID, first.Key })
	expectOnly(t, s, deletesUser, user, again)
}

func testAllCredentials(t *testing.T, s mfa.Store) {
	lister, ok := s.(mfa.CredentialLister)
	if !ok {
		t.Log("the store lists no credentials: nothing to check")
		return
	}
	// A store that keeps a transaction or its only connection while it yields
	// would wait for itself for ever.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	want := map[string]mfa.Credential{}
	for range 251 {
		c := create(t, s, random())
		want[c.ID] = c
	}
	seen := map[string]int{}
	for c, err := range lister.AllCredentials(ctx) {
		if err != nil {
			listsAll.brokenf(t, "AllCredentials: %v", err)
			return
		}
		written, ours := want[c.ID]
		if !ours {
			continue
		}
		if seen[c.ID]++; seen[c.ID] > 1 {
			continue
		}
		if d := credentialDiff(c, written); d != "" {
			listsAll.brokenf(t, "AllCredentials: %s", d)
		}
		written.Data, written.Version = []byte("sealed anew"), fresh()
		if err := s.UpdateCredential(ctx, written, c.Version); err != nil {
			listsAll.brokenf(t, "UpdateCredential between two steps: %v", err)
			return
		}
		want[c.ID] = written
	}
	for id := range want {
		if seen[id] != 1 {
			listsAll.brokenf(t, "AllCredentials yielded a credential %d times", seen[id])
			return
		}
	}
	for _, c := range want {
		expectOnly(t, s, listsAll, c.UserID, c)
	}

	for _, err := range lister.AllCredentials(ctx) {
		expectNil(t, listsAll, "AllCredentials", err)
		break
	}
	expectNil(t, listsAll, "CreateCredential after a walk that was broken off", s.CreateCredential(ctx, newCredential(random())))

	var last error
	for _, err := range lister.AllCredentials(cancelled(t)) {
		if last != nil {
			listsAll.brokenf(t, "AllCredentials went on after an error")
		}
		last = err
	}
	if last == nil {
		listsAll.brokenf(t, "AllCredentials ended without an error though its context was done")
	}
}

// testAllCredentialsDuringWrites lists while credentials come and go, first
// between two steps, then by others: what they leave alone is yielded once, as
// it is.
func testAllCredentialsDuringWrites(t *testing.T, s mfa.Store) {
	lister, ok := s.(mfa.CredentialLister)
	if !ok {
		t.Log("the store lists no credentials: nothing to check")
		return
	}
	standing, passing := map[string]mfa.Credential{}, map[string]mfa.Credential{}
	for range 100 {
		stays, goes := create(t, s, random()), create(t, s, random())
		standing[stays.ID], passing[goes.ID] = stays, goes
	}
	expectNil(t, listsAll, "AllCredentials with deletions between two steps", listStanding(t.Context(), lister, standing, func(c mfa.Credential) error {
		if _, ok := passing[c.ID]; !ok {
			return nil
		}
		return s.DeleteCredential(t.Context(), c.UserID, c.ID, c.Version)
	}))

	const listers = 4
	var listing atomic.Int32
	listing.Store(listers)
	everyWins(t, listsAll, func(ctx context.Context, i int) error {
		if i < listers {
			defer listing.Add(-1)
			return patiently(ctx, func(ctx context.Context) error {
				return listStanding(ctx, lister, standing, func(mfa.Credential) error { return nil })
			})
		}
		for listing.Load() > 0 {
			if err := comeAndGo(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// listStanding returns an error unless each of these credentials is yielded
// once. It calls other with those that are none of them.
func listStanding(ctx context.Context, lister mfa.CredentialLister, standing map[string]mfa.Credential, other func(mfa.Credential) error) error {
	seen := map[string]bool{}
	for c, err := range lister.AllCredentials(ctx) {
		if err != nil {
			return err
		}
		written, ours := standing[c.ID]
		if !ours {
			if err := other(c); err != nil {
				return err
			}
			continue
		}
		if d := credentialDiff(c, written); d != "" {
			return errors.New(d)
		}
		clear(c.Data) // the next one to read it must not see that
		if seen[c.ID] {
			return errors.New("a credential that nobody touched was yielded twice")
		}
		seen[c.ID] = true
	}
	if len(seen) != len(standing) {
		return fmt.Errorf("%d of %d credentials that nobody touched were yielded", len(seen), len(standing))
	}
	return nil
}

// comeAndGo creates, updates and deletes one credential.
func comeAndGo(ctx context.Context, s mfa.Store) error {
	c := newCredential(random())
	next := stamped(c)
	for _, step := range []func(ctx context.Context) error{
		func(ctx context.Context) error { return s.CreateCredential(ctx, c) },
		func(ctx context.Context) error { return s.UpdateCredential(ctx, next, c.Version) },
		func(ctx context.Context) error { return s.DeleteCredential(ctx, c.UserID, c.ID, next.Version) },
	} {
		if err := patiently(ctx, step); err != nil {
			return err
		}
	}
	return nil
}
