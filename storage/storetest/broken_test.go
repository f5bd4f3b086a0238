package storetest

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

// Each broken store keeps all promises but one. The test of the suite that is
// to catch it must do so, and name the promise.
func TestP01_SuiteCatchesBrokenStores(t *testing.T) {
	for name, c := range map[string]struct {
		by     string
		breaks promise
		store  func(s *memory.Store) mfa.Store
	}{
		// The twelve that every conformance suite for stores has to catch.
		"no compare":             {"UpdateConflicts", updateCompares, func(s *memory.Store) mfa.Store { return updateAnything{s} }},
		"lost update":            {"RaceUpdate", updateCompares, func(s *memory.Store) mfa.Store { return updateAfterRead{hooked{s, giveWay}} }},
		"delete without version": {"DeleteConflicts", deleteCompares, func(s *memory.Store) mfa.Store { return deleteAnything{s} }},
		"take twice":             {"Expiring/RaceDeleteRecord", spendOnce, func(s *memory.Store) mfa.Store { return spendsTwice{hooked{s, giveWay}} }},
		"drops a live record":    {"Keep/LiveRecordsStay", liveRecord, func(s *memory.Store) mfa.Store { return &bounded{Store: s} }},
		"wrong user's row":       {"UpdateConflicts", updateCompares, func(s *memory.Store) mfa.Store { return updateAnyUser{s} }},
		"aliases memory":         {"Expiring/RecordCopies", callersCopy, func(s *memory.Store) mfa.Store { return &sharing{Store: s} }},
		"swallowed error":        {"CredentialContextDone", doneContext, func(s *memory.Store) mfa.Store { return faultIsNone{s} }},
		"version not stored":     {"Update", updateCompares, func(s *memory.Store) mfa.Store { return forgetsVersion{s} }},
		"case-folded ids":        {"UserIDsAreExact", exactIDs, func(s *memory.Store) mfa.Store { return folding{s} }},
		"truncated times":        {"CredentialTimes", exactTimes, func(s *memory.Store) mfa.Store { return seconds{s} }},
		"duplicate key accepted": {"CreateConflicts", uniqueCredential, func(s *memory.Store) mfa.Store { return keyPerUser{s} }},

		"create overwrites":               {"CreateConflicts", uniqueCredential, func(s *memory.Store) mfa.Store { return overwritingCreate{s} }},
		"a refused create leaves its key": {"CreateConflicts", uniqueCredential, func(s *memory.Store) mfa.Store { return &halfCreates{Store: s} }},
		"update creates":                  {"UpdateConflicts", updateCompares, func(s *memory.Store) mfa.Store { return upsert{s} }},
		"update swallows conflicts":       {"UpdateConflicts", updateCompares, func(s *memory.Store) mfa.Store { return swallowing{s} }},
		"update skips empty fields":       {"Update", updateCompares, func(s *memory.Store) mfa.Store { return skipsZeros{s} }},
		"update in two steps":             {"RaceRead", oneStep, func(s *memory.Store) mfa.Store { return deleteAndInsert{hooked{s, giveWay}} }},
		"one document per user":           {"RaceSiblings", apart, func(s *memory.Store) mfa.Store { return oneDocument{hooked{s, giveWay}} }},
		"delete of any user":              {"DeleteConflicts", deleteCompares, func(s *memory.Store) mfa.Store { return deleteAnyUser{s} }},
		"versions count from one":         {"RecreatedCredential", recreated, func(s *memory.Store) mfa.Store { return reusesVersions{s} }},
		"versions are floats":             {"CredentialVersionsAreExact", exactVersions, func(s *memory.Store) mfa.Store { return floats{s} }},
		"record versions are floats":      {"Keep/RecordVersionsAreExact", exactVersions, func(s *memory.Store) mfa.Store { return floats{s} }},
		"ids are joined":                  {"IDsAreNotJoined", exactIDs, func(s *memory.Store) mfa.Store { return joining{s} }},
		"ids are trimmed":                 {"Keep/RecordKeysAreExact", exactIDs, func(s *memory.Store) mfa.Store { return trimming{s} }},
		"one table":                       {"RecordsAreApart", apart, func(s *memory.Store) mfa.Store { return oneTable{s} }},
		"one slice grows over the next":   {"CredentialCopies", callersCopy, func(s *memory.Store) mfa.Store { return oneBuffer{s} }},
		"times in local time":             {"Keep/RecordTimes", exactTimes, func(s *memory.Store) mfa.Store { return localTimes{s} }},
		"short data":                      {"CredentialRoundTrip", roundTrip, func(s *memory.Store) mfa.Store { return shortData{s} }},
		"zero for absent":                 {"AbsentCredentials", notFound, func(s *memory.Store) mfa.Store { return zeroForAbsent{s} }},
		"fault read as conflict":          {"Keep/RecordContextDone", doneContext, func(s *memory.Store) mfa.Store { return faultIsConflict{s} }},
		"put absent overwrites":           {"Keep/PutAbsent", putAbsent, func(s *memory.Store) mfa.Store { return putsOver{s} }},
		"put reads, then writes":          {"Keep/RacePutVersion", putCompares, func(s *memory.Store) mfa.Store { return putAfterRead{hooked{s, giveWay}} }},
		"judges expiry":                   {"Expiring/ExpiredRecord", noExpiry, func(s *memory.Store) mfa.Store { return judging{s} }},
		"sweeps what never expires":       {"SweepRecords", sweeps, func(s *memory.Store) mfa.Store { return sweepsAll{s, s} }},
		"sweeps one page":                 {"SweepRecords", sweeps, func(s *memory.Store) mfa.Store { return &sweepsPage{Store: s} }},
		"sweeps what was renewed":         {"Keep/RaceSweep", liveRecord, func(s *memory.Store) mfa.Store { return sweepsByKey{hooked{s, giveWay}, new(sync.Map)} }},
		"deletes some of a user":          {"DeleteUser", deletesUser, func(s *memory.Store) mfa.Store { return deletesOne{s, s} }},
		"lists one page":                  {"AllCredentials", listsAll, func(s *memory.Store) mfa.Store { return listsPage{s, s} }},
		"lists by offsets":                {"AllCredentialsDuringWrites", listsAll, func(s *memory.Store) mfa.Store { return listsOffsets{s, s} }},
	} {
		t.Run(name, func(t *testing.T) {
			out := expectCaught(t, c.by, func(t *testing.T) {
				Run(t, func(*testing.T) mfa.Store { return c.store(memory.New()) })
			})
			expectNamed(t, out, c.breaks)
		})
	}
}

// brokenEnv makes a child of this test binary run the suite on a broken store.
const brokenEnv = "STORETEST_BROKEN"

// expectCaught has a child of this test binary do what must fail, in the named
// subtest of the suite or, where by is empty, in all of it. It returns what the
// child wrote. In the child it ends the test.
func expectCaught(t *testing.T, by string, suite func(t *testing.T)) string {
	t.Helper()
	if os.Getenv(brokenEnv) != "" {
		suite(t)
		t.SkipNow()
	}
	self, err := os.Executable()
	require.NoError(t, err)
	name := t.Name()
	if by != "" {
		name += "/" + by
	}
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(name), "/", "$/^") + "$"
	child := exec.CommandContext(t.Context(), self, "-test.run="+pattern, "-test.v")
	// The race detector would have every child wait for a second at its end.
	child.Env = append(os.Environ(), brokenEnv+"=1", "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	out, err := child.CombinedOutput()
	var failed *exec.ExitError
	require.ErrorAs(t, err, &failed, "the suite passed a broken store")
	require.Contains(t, string(out), "--- FAIL: "+name)
	require.NotContains(t, string(out), "panic:")
	return string(out)
}

func expectNamed(t *testing.T, out string, p promise) {
	t.Helper()
	require.Contains(t, out, "broken promise: "+p.says)
	require.Contains(t, out, "what an attacker gains: "+p.gain)
}
