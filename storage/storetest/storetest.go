package storetest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

// Run checks a Store. newStore is called once for every subtest, and what it
// returns is used by many goroutines at once; it may return the same store
// again, and other things may be stored there, for every id is random. The
// optional parts (mfa.RecordSweeper, mfa.UserDeleter, mfa.CredentialLister)
// are checked where they are implemented; elsewhere their tests pass and log
// "nothing to check", which go test -v shows. Sweeping drops every record of the
// store that has an ExpiresAt. A call that returns an error wrapping mfa.ErrBusy
// while others run is repeated for up to ten seconds, and must decide then.
func Run(t *testing.T, newStore func(t *testing.T) mfa.Store) {
	t.Helper()
	runAll(t, newStore, credentialTests, identityTests, credentialRaceTests, optionalTests)
	runRecords(t, func(t *testing.T) mfa.Records { return newStore(t) })
}

// RunRecords checks Records alone, such as the expiring half of storage.Split.
// newRecords is called as newStore is by [Run].
func RunRecords(t *testing.T, newRecords func(t *testing.T) mfa.Records) {
	t.Helper()
	runRecords(t, newRecords)
	t.Run("SweepRecords", func(t *testing.T) { testSweep(t, newRecords(t)) })
}

// recordKinds are the names of the subtests about records, and how their keys
// begin. Everything runs twice: what begins with "keep/" is only longer-lived,
// not different.
var recordKinds = []struct{ name, prefix string }{{"Expiring", "ceremony/"}, {"Keep", mfa.KeepPrefix}}

func runRecords(t *testing.T, newRecords func(t *testing.T) mfa.Records) {
	for _, kind := range recordKinds {
		t.Run(kind.name, func(t *testing.T) {
			runAll(t, func(t *testing.T) recordKind { return recordKind{newRecords(t), kind.prefix} }, recordTests, recordRaceTests)
		})
	}
}

// recordKind is a store of records and how their keys begin.
type recordKind struct {
	mfa.Records
	prefix string
}

func (r recordKind) key() string { return r.prefix + random() }

type test[S any] struct {
	name string
	run  func(t *testing.T, store S)
}

func runAll[S any](t *testing.T, newStore func(t *testing.T) S, groups ...[]test[S]) {
	t.Helper()
	for _, group := range groups {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.run(t, newStore(t)) })
		}
	}
}

// promise is one sentence of the documentation of Store, and what becomes
// possible to an attacker where it does not hold.
type promise struct{ says, gain string }

func (p promise) brokenf(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Errorf("broken promise: %s\n\twhat an attacker gains: %s\n\tseen: "+format, append([]any{p.says, p.gain}, args...)...)
}

// must ends a test whose preparations fail.
func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v: this has to work before anything can be checked", what, err)
	}
}

// random returns an id that nobody has used: 26 characters.
func random() string { return rand.Text() }

// fresh returns a version that nobody has used, never zero.
func fresh() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	var v int64
	for _, x := range b {
		v = v<<8 | int64(x)
	}
	if v == 0 {
		return 1
	}
	return v
}

// newCredential returns a credential as the Manager makes them.
func newCredential(userID string) mfa.Credential {
	id := random()
	return mfa.Credential{
		ID: id, UserID: userID, Method: "totp", Name: "phone", Key: id, Data: []byte("sealed " + id),
		CreatedAt: time.Date(2026, 3, 29, 1, 30, 0, int(123*time.Millisecond), time.UTC), Version: fresh(),
	}
}

// create stores a new credential of a user, changed by the edits.
func create(t *testing.T, s mfa.Store, userID string, edits ...func(*mfa.Credential)) mfa.Credential {
	t.Helper()
	c := newCredential(userID)
	for _, edit := range edits {
		edit(&c)
	}
	must(t, "CreateCredential", s.CreateCredential(t.Context(), c))
	return c
}

// put stores a new record, changed by the edits.
func put(t *testing.T, s recordKind, edits ...func(*mfa.Record)) mfa.Record {
	t.Helper()
	r := mfa.Record{Key: s.key(), Data: []byte("sealed " + random()), ExpiresAt: soon(), Version: fresh()}
	for _, edit := range edits {
		edit(&r)
	}
	must(t, "PutRecord", s.PutRecord(t.Context(), r, 0))
	return r
}

func soon() time.Time { return time.Now().UTC().Add(5 * time.Minute).Truncate(time.Millisecond) }

func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
