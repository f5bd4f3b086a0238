package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
)

var credentialTests = []test[mfa.Store]{
	{"CredentialRoundTrip", testCredentialRoundTrip},
	{"CredentialTimes", testCredentialTimes},
	{"CredentialVersionsAreExact", testExactCredentialVersions},
	{"AbsentCredentials", testAbsentCredentials},
	{"CreateConflicts", testCreateConflicts},
	{"Update", testUpdate},
	{"UpdateConflicts", testUpdateConflicts},
	{"Delete", testDelete},
	{"DeleteConflicts", testDeleteConflicts},
	{"RecreatedCredential", testRecreatedCredential},
	{"CredentialCopies", testCredentialCopies},
	{"CredentialContextDone", testCredentialContextDone},
}

// payloads are what Data may be.
func payloads() [][]byte {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	return [][]byte{nil, {}, {0}, every, bytes.Repeat(every, 64<<10/len(every)), []byte("%s '\"\\?$1;--"), {0xff, 0xfe, 0xc3, 0x28}}
}

func testCredentialRoundTrip(t *testing.T, s mfa.Store) {
	user := random()
	var want []mfa.Credential
	for i, data := range payloads() {
		want = append(want, create(t, s, user, func(c *mfa.Credential) { c.Data = data; c.Method = fmt.Sprintf("m_%d", i) }))
	}
	for _, version := range versions {
		want = append(want, create(t, s, user, func(c *mfa.Credential) { c.Version = version }))
	}
	want = append(want, create(t, s, user, func(c *mfa.Credential) { c.Method = strings.Repeat("m", 32) }))
	for _, name := range []string{"", "Schlüssel 🔑 «é»", "' OR 1=1 --"} {
		want = append(want, create(t, s, user, func(c *mfa.Credential) { c.Name = name }))
	}
	want = append(want, create(t, s, user, func(c *mfa.Credential) { c.Key = c.Key + "/" + string(bytes.Repeat([]byte("k"), 37)) }))
	expectOnly(t, s, roundTrip, user, want...)

	other := create(t, s, random())
	expectOnly(t, s, ownRows, user, want...)
	expectOnly(t, s, ownRows, other.UserID, other)
}

// times are where time zones, calendars and integers go wrong.
func times() []time.Time {
	at := time.Date(2026, 3, 29, 2, 30, 0, int(7*time.Millisecond), time.UTC)
	return []time.Time{
		{},
		time.Date(1, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC),
		time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC),
		time.Unix(0, 0),
		at,
		at.In(time.FixedZone("+14", 14*3600)),
		at.In(time.FixedZone("-14", -14*3600)),
		time.Date(2026, 3, 29, 3, 0, 0, 0, time.FixedZone("CEST", 2*3600)),
		time.Date(2026, 10, 25, 2, 30, 0, int(999*time.Millisecond), time.FixedZone("CEST", 2*3600)),
		time.Date(2026, 10, 25, 2, 30, 0, int(999*time.Millisecond), time.FixedZone("CET", 3600)),
		time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC),
	}
}

func testCredentialTimes(t *testing.T, s mfa.Store) {
	for _, at := range times() {
		c := create(t, s, random(), func(c *mfa.Credential) { c.UsedAt = at; c.CreatedAt = at })
		expectCredential(t, s, exactTimes, c)
		for _, next := range []time.Time{{}, at} {
			prev := c.Version
			c.UsedAt, c.Version = next, fresh()
			must(t, "UpdateCredential", s.UpdateCredential(t.Context(), c, prev))
			expectCredential(t, s, exactTimes, c)
		}
	}
}

func testAbsentCredentials(t *testing.T, s mfa.Store) {
	if all, err := s.Credentials(t.Context(), random()); all != nil || err != nil {
		noneIsNil.brokenf(t, "Credentials of an unknown user: %v, %v", all, err)
	}
	c := create(t, s, random())
	for _, absent := range [][2]string{{c.Method, random()}, {"webauthn", c.Key}, {c.Method, ""}, {"", c.Key}, {c.Method, c.Key + "x"}} {
		_, err := s.FindCredential(t.Context(), absent[0], absent[1])
		expectError(t, notFound, fmt.Sprintf("FindCredential(%q, %q)", absent[0], absent[1]), err, mfa.ErrNotFound)
	}
}

func testCreateConflicts(t *testing.T, s mfa.Store) {
	mine := create(t, s, random())
	for _, user := range []string{mine.UserID, random()} {
		sameID := newCredential(user)
		sameID.ID = mine.ID
		expectConflict(t, uniqueCredential, "CreateCredential with the id of another", s.CreateCredential(t.Context(), sameID))
		if _, err := s.FindCredential(t.Context(), sameID.Method, sameID.Key); err == nil {
			uniqueCredential.brokenf(t, "a refused credential was stored")
		}

		sameKey := newCredential(user)
		sameKey.Key = mine.Key
		expectConflict(t, uniqueCredential, "CreateCredential with the method and Key of another", s.CreateCredential(t.Context(), sameKey))

		expectOnly(t, s, uniqueCredential, mine.UserID, mine)
		expectFree(t, s, uniqueCredential, sameID, mine)
		expectFree(t, s, uniqueCredential, sameKey, mine)
	}
	otherMethod := create(t, s, mine.UserID, func(c *mfa.Credential) { c.Method = "webauthn"; c.Key = mine.Key })
	expectOnly(t, s, uniqueCredential, mine.UserID, mine, otherMethod)
}

func testUpdate(t *testing.T, s mfa.Store) {
	neighbour := create(t, s, random())
	sibling := create(t, s, neighbour.UserID)
	c := create(t, s, neighbour.UserID)
	for _, data := range append(payloads(), c.Data, c.Data) { // the last changes nothing but the version
		prev := c.Version
		c.Name, c.Data, c.UsedAt, c.Version = random(), data, soon(), fresh()
		expectNil(t, updateCompares, "UpdateCredential with the right version", s.UpdateCredential(t.Context(), c, prev))
		expectOnly(t, s, updateCompares, c.UserID, neighbour, sibling, c)
		expectConflict(t, updateCompares, "the same UpdateCredential again", s.UpdateCredential(t.Context(), c, prev))
	}

	prev := c.Version
	c.Name, c.Data, c.UsedAt, c.Version = "", nil, time.Time{}, fresh() // what is empty is stored, too
	expectNil(t, updateCompares, "UpdateCredential to empty fields", s.UpdateCredential(t.Context(), c, prev))
	expectOnly(t, s, updateCompares, c.UserID, neighbour, sibling, c)

	prev = c.Version
	c.Version = fresh()
	moved := c
	moved.Method, moved.Key, moved.CreatedAt = "webauthn", random(), c.CreatedAt.AddDate(1, 0, 0)
	if err := s.UpdateCredential(t.Context(), moved, prev); err != nil {
		expectPlain(t, updateKeeps, "UpdateCredential with another Key", err)
		c.Version = prev
	}
	expectOnly(t, s, updateKeeps, c.UserID, neighbour, sibling, c)
}

func testUpdateConflicts(t *testing.T, s mfa.Store) {
	c := create(t, s, random())
	other := create(t, s, random())
	changed := c
	changed.Name, changed.Data, changed.Version = "changed", []byte("changed"), fresh()
	attempt := func(what string, prev int64, edit func(*mfa.Credential)) {
		t.Helper()
		try := changed
		edit(&try)
		expectConflict(t, updateCompares, "UpdateCredential "+what, s.UpdateCredential(t.Context(), try, prev))
		expectOnly(t, s, updateCompares, c.UserID, c)
		expectOnly(t, s, updateCompares, other.UserID, other)
	}
	attempt("with a version that never was", fresh(), func(*mfa.Credential) {})
	attempt("with version 0", 0, func(*mfa.Credential) {})
	attempt("with its own new version", changed.Version, func(*mfa.Credential) {})
	attempt("of an absent id", c.Version, func(c *mfa.Credential) { c.ID = random() })
	attempt("of an absent id and Key", c.Version, func(c *mfa.Credential) { c.ID, c.Key = random(), random() })
	attempt("of an absent id and version 0", 0, func(c *mfa.Credential) { c.ID = random() })
	attempt("in the name of another user", c.Version, func(c *mfa.Credential) { c.UserID = other.UserID })
	attempt("in the name of an unknown user", c.Version, func(c *mfa.Credential) { c.UserID = random() })
}

func testDelete(t *testing.T, s mfa.Store) {
	sibling := create(t, s, random())
	c := create(t, s, sibling.UserID)
	expectNil(t, deleteCompares, "DeleteCredential with the right version", s.DeleteCredential(t.Context(), c.UserID, c.ID, c.Version))
	expectOnly(t, s, deleteCompares, c.UserID, sibling)
	_, err := s.FindCredential(t.Context(), c.Method, c.Key)
	expectError(t, notFound, "FindCredential of what was deleted", err, mfa.ErrNotFound)
	expectConflict(t, deleteCompares, "the same DeleteCredential again", s.DeleteCredential(t.Context(), c.UserID, c.ID, c.Version))
	expectConflict(t, updateCompares, "UpdateCredential of what was deleted", s.UpdateCredential(t.Context(), c, c.Version))
	expectOnly(t, s, updateCompares, c.UserID, sibling)

	heir := create(t, s, random(), func(n *mfa.Credential) { n.Key = c.Key })
	expectOnly(t, s, uniqueCredential, heir.UserID, heir)
	must(t, "DeleteCredential", s.DeleteCredential(t.Context(), sibling.UserID, sibling.ID, sibling.Version))
	if all, err := s.Credentials(t.Context(), sibling.UserID); all != nil || err != nil {
		noneIsNil.brokenf(t, "Credentials of a user whose last one was deleted: %v, %v", all, err)
	}
}

func testDeleteConflicts(t *testing.T, s mfa.Store) {
	c := create(t, s, random())
	other := create(t, s, random())
	attempt := func(what, userID, id string, prev int64) {
		t.Helper()
		expectConflict(t, deleteCompares, "DeleteCredential "+what, s.DeleteCredential(t.Context(), userID, id, prev))
		expectOnly(t, s, deleteCompares, c.UserID, c)
		expectOnly(t, s, deleteCompares, other.UserID, other)
	}
	attempt("with a version that never was", c.UserID, c.ID, fresh())
	attempt("with version 0", c.UserID, c.ID, 0)
	attempt("of an absent id", c.UserID, random(), c.Version)
	attempt("in the name of another user", other.UserID, c.ID, c.Version)
	attempt("in the name of an unknown user", random(), c.ID, c.Version)
}

func testRecreatedCredential(t *testing.T, s mfa.Store) {
	old := create(t, s, random())
	must(t, "DeleteCredential", s.DeleteCredential(t.Context(), old.UserID, old.ID, old.Version))
	again := old
	again.Version, again.Data = fresh(), []byte("another secret")
	must(t, "CreateCredential", s.CreateCredential(t.Context(), again))

	stale := old
	stale.Version = fresh()
	expectConflict(t, recreated, "UpdateCredential by a stale writer", s.UpdateCredential(t.Context(), stale, old.Version))
	expectConflict(t, recreated, "DeleteCredential by a stale writer", s.DeleteCredential(t.Context(), old.UserID, old.ID, old.Version))
	expectOnly(t, s, recreated, again.UserID, again)
}

func testCredentialCopies(t *testing.T, s mfa.Store) {
	first := create(t, s, random())
	second := create(t, s, first.UserID)
	stored := []mfa.Credential{first, second}
	for i := range stored { // what was given is changed behind the store's back
		stored[i].Data = bytes.Clone(stored[i].Data)
	}
	clear(first.Data)
	clear(second.Data)
	expectOnly(t, s, callersCopy, first.UserID, stored...)

	update := stored[0]
	update.Data, update.Version = []byte("given"), fresh()
	must(t, "UpdateCredential", s.UpdateCredential(t.Context(), update, stored[0].Version))
	stored[0] = update
	stored[0].Data = []byte("given")
	clear(update.Data)
	expectOnly(t, s, callersCopy, first.UserID, stored...)

	for range 2 {
		got, err := s.Credentials(t.Context(), first.UserID)
		must(t, "Credentials", err)
		for i := range got {
			before := make([][]byte, len(got))
			for j := range got {
				before[j] = bytes.Clone(got[j].Data)
			}
			_ = append(got[i].Data, "grown over what comes after"...)
			for j := range got {
				if !bytes.Equal(before[j], got[j].Data) {
					callersCopy.brokenf(t, "appending to the Data of one credential changes that of another")
				}
			}
		}
		for i := range got {
			clear(got[i].Data)
			got[i].Name = "mine now"
		}
		expectOnly(t, s, callersCopy, first.UserID, stored...)
	}
	found, err := s.FindCredential(t.Context(), second.Method, second.Key)
	must(t, "FindCredential", err)
	clear(found.Data)
	expectOnly(t, s, callersCopy, first.UserID, stored...)
}

func testCredentialContextDone(t *testing.T, s mfa.Store) {
	c := create(t, s, random())
	ctx := cancelled(t)

	if all, err := s.Credentials(ctx, c.UserID); err == nil && len(all) != 1 {
		doneContext.brokenf(t, "Credentials: %d of 1, and no error", len(all))
	} else {
		expectPlain(t, doneContext, "Credentials", err)
	}
	_, err := s.FindCredential(ctx, c.Method, c.Key)
	expectPlain(t, doneContext, "FindCredential", err)

	update := c
	update.Version = fresh()
	err = s.UpdateCredential(ctx, update, c.Version)
	expectPlain(t, doneContext, "UpdateCredential", err)
	if err == nil { // a store need not look at the context, but then it has written
		c = update
	}
	expectOnly(t, s, doneContext, c.UserID, c)

	other := newCredential(random())
	err = s.CreateCredential(ctx, other)
	expectPlain(t, doneContext, "CreateCredential", err)
	if err == nil {
		expectOnly(t, s, doneContext, other.UserID, other)
	} else {
		expectOnly(t, s, doneContext, other.UserID)
	}

	err = s.DeleteCredential(ctx, c.UserID, c.ID, c.Version)
	expectPlain(t, doneContext, "DeleteCredential", err)
	if err == nil {
		expectOnly(t, s, doneContext, c.UserID)
	} else {
		expectOnly(t, s, doneContext, c.UserID, c)
	}
}
