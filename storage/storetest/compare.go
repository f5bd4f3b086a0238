package storetest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

// credentialDiff says how what was read differs from what was written, or "".
func credentialDiff(got, want mfa.Credential) string {
	switch {
	case got.ID != want.ID:
		return fmt.Sprintf("ID is %q, written was %q", got.ID, want.ID)
	case got.UserID != want.UserID:
		return fmt.Sprintf("UserID is %q, written was %q", got.UserID, want.UserID)
	case got.Method != want.Method:
		return fmt.Sprintf("Method is %q, written was %q", got.Method, want.Method)
	case got.Key != want.Key:
		return fmt.Sprintf("Key is %q, written was %q", got.Key, want.Key)
	case got.Name != want.Name:
		return fmt.Sprintf("Name is %q, written was %q", got.Name, want.Name)
	case !bytes.Equal(got.Data, want.Data):
		return fmt.Sprintf("Data is %d other bytes than the %d written", len(got.Data), len(want.Data))
	case got.Version != want.Version:
		return fmt.Sprintf("Version is %d, written was %d", got.Version, want.Version)
	}
	if d := timeDiff("CreatedAt", got.CreatedAt, want.CreatedAt); d != "" {
		return d
	}
	return timeDiff("UsedAt", got.UsedAt, want.UsedAt)
}

// recordDiff is credentialDiff for records.
func recordDiff(got, want mfa.Record) string {
	switch {
	case got.Key != want.Key:
		return fmt.Sprintf("Key is %q, written was %q", got.Key, want.Key)
	case !bytes.Equal(got.Data, want.Data):
		return fmt.Sprintf("Data is %d other bytes than the %d written", len(got.Data), len(want.Data))
	case got.Version != want.Version:
		return fmt.Sprintf("Version is %d, written was %d", got.Version, want.Version)
	}
	return timeDiff("ExpiresAt", got.ExpiresAt, want.ExpiresAt)
}

// timeDiff allows what is finer than a millisecond to be lost.
func timeDiff(field string, got, want time.Time) string {
	if off := got.Sub(want).Abs(); off >= time.Millisecond || got.IsZero() != want.IsZero() {
		return fmt.Sprintf("%s is %v, written was %v", field, got, want)
	}
	if _, offset := got.Zone(); offset != 0 {
		return fmt.Sprintf("%s is %v, which is not in UTC", field, got)
	}
	return ""
}

// expectCredential reports p as broken unless exactly want is stored under its
// id, and can be read in both ways.
func expectCredential(t *testing.T, s mfa.Store, p promise, want mfa.Credential) {
	t.Helper()
	all, err := s.Credentials(t.Context(), want.UserID)
	if err != nil {
		p.brokenf(t, "Credentials: %v", err)
		return
	}
	n := 0
	for _, got := range all {
		if got.ID == want.ID {
			n++
			if d := credentialDiff(got, want); d != "" {
				p.brokenf(t, "Credentials: %s", d)
			}
		}
	}
	if n != 1 {
		p.brokenf(t, "Credentials returned %d rows of the id %q of the user %q, want 1", n, want.ID, want.UserID)
	}
	found, err := s.FindCredential(t.Context(), want.Method, want.Key)
	if err != nil {
		p.brokenf(t, "FindCredential: %v", err)
	} else if d := credentialDiff(found, want); d != "" {
		p.brokenf(t, "FindCredential: %s", d)
	}
}

// expectGone reports p as broken if a credential can still be read. Its Key may
// belong to another by now.
func expectGone(t *testing.T, s mfa.Store, p promise, gone mfa.Credential) {
	t.Helper()
	all, err := s.Credentials(t.Context(), gone.UserID)
	expectNil(t, p, "Credentials", err)
	for _, c := range all {
		if c.ID == gone.ID {
			p.brokenf(t, "Credentials returned the id %q, which should be gone", c.ID)
		}
	}
	found, err := s.FindCredential(t.Context(), gone.Method, gone.Key)
	if err != nil {
		expectError(t, p, "FindCredential", err, mfa.ErrNotFound)
	} else if found.ID == gone.ID {
		p.brokenf(t, "FindCredential returned the id %q, which should be gone", found.ID)
	}
}

// expectOnly reports p as broken unless a user has exactly these credentials.
func expectOnly(t *testing.T, s mfa.Store, p promise, userID string, want ...mfa.Credential) {
	t.Helper()
	all, err := s.Credentials(t.Context(), userID)
	if err != nil || len(all) != len(want) {
		p.brokenf(t, "the user %q has %d credentials (error: %v), want %d", userID, len(all), err, len(want))
	}
	for _, c := range want {
		expectCredential(t, s, p, c)
	}
}

// expectFree reports p as broken unless a refused credential has left nothing
// behind: what it did not have in common with the stored one is free.
func expectFree(t *testing.T, s mfa.Store, p promise, refused, stored mfa.Credential) {
	t.Helper()
	if refused.ID != stored.ID || refused.UserID != stored.UserID {
		expectGone(t, s, p, refused)
	}
	heir := refused
	heir.UserID, heir.Version = random(), fresh()
	if refused.ID == stored.ID {
		heir.ID = random()
	} else {
		heir.Key = random()
	}
	expectNil(t, p, "CreateCredential with what a refused one had", s.CreateCredential(t.Context(), heir))
	expectOnly(t, s, p, heir.UserID, heir)
}

// expectRecord reports p as broken unless exactly want is stored.
func expectRecord(t *testing.T, s mfa.Records, p promise, want mfa.Record) {
	t.Helper()
	got, err := s.Record(t.Context(), want.Key)
	if err != nil {
		p.brokenf(t, "Record: %v", err)
	} else if d := recordDiff(got, want); d != "" {
		p.brokenf(t, "Record: %s", d)
	}
}

// expectNoRecord reports p as broken unless nothing is stored under key.
func expectNoRecord(t *testing.T, s mfa.Records, p promise, key string) {
	t.Helper()
	_, err := s.Record(t.Context(), key)
	expectError(t, p, "Record", err, mfa.ErrNotFound)
}
