package storetest

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-mfa/mfa"
)

var identityTests = []test[mfa.Store]{
	{"UserIDsAreExact", testExactUserIDs},
	{"CredentialIDsAreExact", testExactCredentialIDs},
	{"KeysAreExact", testExactKeys},
	{"IDsAreNotJoined", testJoinedIDs},
	{"RecordsAreApart", testRecordsApart},
	{"HostileIDs", testHostileIDs},
}

// lookalikes returns ids that are all different, and that a database which
// folds case, pads, trims, normalises, truncates or converts takes for equal.
func lookalikes() []string {
	base := random()
	long := base + strings.Repeat("a", 254-len(base))
	out := []string{
		base, strings.ToLower(base), base + "x", base + "X",
		base + " ", " " + base, base + "\t", base + "\n", base + "\x00", base + "\x00x", base + "\x00y",
		base + "\u00e9", base + "e\u0301", base + "e", // NFC, NFD, without the accent
		base + "\u00df", base + "ss", base + "\u0131", base + "i", base + "I", base + "\u0130", base + "K", base + "\u212a",
		base + "\ufb01", base + "fi", base + "\u200b", base + "\u3000", base + "\U0001F511", base + "\U0001F512",
		base + "\xff", base + "\xfe", base + "\ufffd",
		base + "1", base + "01", base + "1.0", base + "%", base + "_", base + "*", base + "\\",
		long + "a", long + "b", long,
	}
	for _, user := range []string{"\u00e9", "\u00fc"} {
		out = append(out, base[:20]+strings.Repeat(user, 117))
	}
	return out
}

// mayRefuse says which ids a database may be unable to hold. It must then
// refuse them, not store something else.
func mayRefuse(id string) bool { return strings.ContainsRune(id, 0) || !utf8.ValidString(id) }

// createExact stores c if the store can hold its ids.
func createExact(t *testing.T, s mfa.Store, c mfa.Credential, id string) (stored bool) {
	t.Helper()
	err := s.CreateCredential(t.Context(), c)
	if err == nil {
		return true
	}
	if !mayRefuse(id) {
		exactIDs.brokenf(t, "CreateCredential with %q: %v", id, err)
	}
	expectPlain(t, exactIDs, fmt.Sprintf("CreateCredential with %q", id), err)
	return false
}

func testExactUserIDs(t *testing.T, s mfa.Store) {
	var all []mfa.Credential
	for _, user := range lookalikes() {
		c := newCredential(user)
		if createExact(t, s, c, user) {
			all = append(all, c)
		} else if got, err := s.Credentials(t.Context(), user); err == nil && len(got) > 0 {
			exactIDs.brokenf(t, "the user id %q was refused, and yet has credentials", user)
		}
	}
	for i := range all {
		expectOnly(t, s, exactIDs, all[i].UserID, all[i])
	}
	for i := range all {
		near := all[i]
		near.UserID = all[(i+1)%len(all)].UserID
		expectConflict(t, exactIDs, fmt.Sprintf("UpdateCredential of %q as %q", all[i].UserID, near.UserID), s.UpdateCredential(t.Context(), near, near.Version))
		expectConflict(t, exactIDs, fmt.Sprintf("DeleteCredential of %q as %q", all[i].UserID, near.UserID), s.DeleteCredential(t.Context(), near.UserID, near.ID, near.Version))
		expectOnly(t, s, exactIDs, all[i].UserID, all[i])
	}
}

func testExactCredentialIDs(t *testing.T, s mfa.Store) {
	user := random()
	var all []mfa.Credential
	for _, id := range lookalikes() {
		c := newCredential(user)
		c.ID = id
		if createExact(t, s, c, id) {
			all = append(all, c)
		}
	}
	expectOnly(t, s, exactIDs, user, all...)
	for i := range all {
		prev := all[i].Version
		all[i].Version = fresh()
		expectNil(t, exactIDs, "UpdateCredential", s.UpdateCredential(t.Context(), all[i], prev))
	}
	expectOnly(t, s, exactIDs, user, all...)
	for len(all) > 0 {
		c := all[0]
		expectNil(t, exactIDs, "DeleteCredential", s.DeleteCredential(t.Context(), user, c.ID, c.Version))
		all = all[1:]
		if got, err := s.Credentials(t.Context(), user); err != nil || len(got) != len(all) {
			exactIDs.brokenf(t, "deleting %q left %d credentials (error: %v), want %d", c.ID, len(got), err, len(all))
			return
		}
	}
}

// Keys are ASCII, so only case, spaces and length can be confused.
func testExactKeys(t *testing.T, s mfa.Store) {
	base := random()
	user := random()
	var all []mfa.Credential
	for _, key := range []string{base, strings.ToLower(base), base + " ", " " + base, base + "a", base + "A", base + "/", base + strings.Repeat("z", 64-len(base)), base + strings.Repeat("z", 63-len(base)) + "Z"} {
		all = append(all, create(t, s, user, func(c *mfa.Credential) { c.Key = key }))
	}
	expectOnly(t, s, exactIDs, user, all...)
}

// testJoinedIDs finds stores that join two parts into one key: "a:b" and "c"
// are not "a" and "b:c".
func testJoinedIDs(t *testing.T, s mfa.Store) {
	for _, sep := range []string{"", "_", "-", ".", ":", "/", "|", "#", ",", " ", "\t", "\x1f"} {
		a, b, c := random(), random(), random()
		left := create(t, s, a+sep+b, func(n *mfa.Credential) { n.ID = c })
		right := create(t, s, a, func(n *mfa.Credential) { n.ID = b + sep + c })
		expectOnly(t, s, exactIDs, left.UserID, left)
		expectOnly(t, s, exactIDs, right.UserID, right)
		expectNil(t, exactIDs, "DeleteCredential", s.DeleteCredential(t.Context(), left.UserID, left.ID, left.Version))
		expectOnly(t, s, exactIDs, left.UserID)
		expectOnly(t, s, exactIDs, right.UserID, right)
	}
	for _, sep := range []string{"", "_"} { // what the name of a method may contain
		user, key := random(), random()
		left := create(t, s, user, func(n *mfa.Credential) { n.Method, n.Key = "m"+sep+"x", key })
		right := create(t, s, user, func(n *mfa.Credential) { n.Method, n.Key = "m", "x"+sep+key })
		expectOnly(t, s, exactIDs, user, left, right)
	}
}

// testRecordsApart finds stores that keep credentials and records under the
// same keys.
func testRecordsApart(t *testing.T, s mfa.Store) {
	for _, kind := range recordKinds {
		id := kind.prefix + random()
		c := newCredential(id)
		c.ID, c.Key = id, id
		expectNil(t, apart, "CreateCredential", s.CreateCredential(t.Context(), c))
		r := mfa.Record{Key: id, Data: []byte("a record"), ExpiresAt: soon(), Version: c.Version}
		expectNil(t, apart, "PutRecord under the id of a credential", s.PutRecord(t.Context(), r, 0))
		expectOnly(t, s, apart, id, c)
		expectRecord(t, s, apart, r)
		expectNil(t, apart, "DeleteCredential", s.DeleteCredential(t.Context(), id, id, c.Version))
		expectRecord(t, s, apart, r)
		expectNil(t, apart, "CreateCredential with the key of a record", s.CreateCredential(t.Context(), c))
		expectNil(t, apart, "DeleteRecord", s.DeleteRecord(t.Context(), id, r.Version))
		expectOnly(t, s, apart, id, c)
	}
}

// hostile are ids that mean something to a language somewhere.
var hostile = []string{
	"' OR '1'='1", `" OR ""="`, "'; DROP TABLE mfa_credentials; --", "') ; DELETE FROM mfa_records; --", "\\' OR 1=1 #", "?", "$1", ":id", "@p1", "%", "_", "%%s%d",
	"*", "{a}", "../../etc", "a\r\nDEL b", "/**/", "NULL", "null", "0", "true", "${x}", "`id`", "<script>",
}

func testHostileIDs(t *testing.T, s mfa.Store) {
	victim := create(t, s, random())
	for _, evil := range hostile {
		if got, err := s.Credentials(t.Context(), evil); err != nil || got != nil {
			onlyPlaceholders.brokenf(t, "Credentials(%q): %d of them, %v", evil, len(got), err)
		}
		_, err := s.FindCredential(t.Context(), victim.Method, evil)
		expectError(t, onlyPlaceholders, fmt.Sprintf("FindCredential(%q)", evil), err, mfa.ErrNotFound)
		_, err = s.FindCredential(t.Context(), evil, victim.Key)
		expectError(t, onlyPlaceholders, fmt.Sprintf("FindCredential(%q, ...)", evil), err, mfa.ErrNotFound)
		expectConflict(t, onlyPlaceholders, fmt.Sprintf("DeleteCredential(%q)", evil), s.DeleteCredential(t.Context(), evil, evil, victim.Version))
		expectConflict(t, onlyPlaceholders, fmt.Sprintf("DeleteCredential(user, %q)", evil), s.DeleteCredential(t.Context(), victim.UserID, evil, victim.Version))
		update := victim
		update.ID, update.Data = evil, []byte("his")
		expectConflict(t, onlyPlaceholders, fmt.Sprintf("UpdateCredential(%q)", evil), s.UpdateCredential(t.Context(), update, victim.Version))
		_, err = s.Record(t.Context(), evil)
		expectError(t, onlyPlaceholders, fmt.Sprintf("Record(%q)", evil), err, mfa.ErrNotFound)
		expectConflict(t, onlyPlaceholders, fmt.Sprintf("DeleteRecord(%q)", evil), s.DeleteRecord(t.Context(), evil, 1))

		user := random() + evil
		mine := create(t, s, user, func(c *mfa.Credential) {
			c.ID += evil
			c.Name = evil
			c.Key = c.ID
			c.Method = "m" + evil
			c.Data = []byte(evil)
		})
		expectOnly(t, s, onlyPlaceholders, user, mine)
		prev := mine.Version
		mine.Version = fresh()
		expectNil(t, onlyPlaceholders, fmt.Sprintf("UpdateCredential(%q)", mine.ID), s.UpdateCredential(t.Context(), mine, prev))
		expectOnly(t, s, onlyPlaceholders, user, mine)
		expectNil(t, onlyPlaceholders, fmt.Sprintf("DeleteCredential(%q)", mine.ID), s.DeleteCredential(t.Context(), user, mine.ID, mine.Version))
		expectOnly(t, s, onlyPlaceholders, victim.UserID, victim)
	}
}
