package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

var optionalTests = []test[mfa.Store]{
	{"SweepRecords", func(t *testing.T, s mfa.Store) { testSweep(t, s) }},
	{"DeleteUser", testDeleteUser},
	{"AllCredentials", testAllCredentials},
}

func testDeleteUser(t *testing.T, s mfa.Store) {
	deleter, ok := s.(mfa.UserDeleter)
	if !ok {
		t.Log("the store deletes no users: nothing to check")
		return
	}
	user := random()
	first := create(t, s, user)
	create(t, s, user, func(c *mfa.Credential) { c.Method = "webauthn" })
	other := create(t, s, user+" ")

	err := deleter.DeleteUser(cancelled(t), user)
	expectPlain(t, doneContext, "DeleteUser", err)
	expectNil(t, deletesUser, "DeleteUser", deleter.DeleteUser(t.Context(), user))
	expectOnly(t, s, deletesUser, user)
	_, err = s.FindCredential(t.Context(), first.Method, first.Key)
	expectError(t, deletesUser, "FindCredential of a deleted user's", err, mfa.ErrNotFound)
	expectOnly(t, s, deletesUser, other.UserID, other)
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
	create(t, s, random())

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
