package storetest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

// brokenEnv makes a child of this test binary run the suite on a broken store.
const brokenEnv = "STORETEST_BROKEN"

// Each broken store keeps all promises but one, and the suite must name it.
func TestP01_SuiteCatchesBrokenStores(t *testing.T) {
	for name, c := range map[string]struct {
		store func(s *memory.Store) mfa.Store
		want  promise
	}{
		"update ignores the version": {func(s *memory.Store) mfa.Store { return updateAnything{s} }, updateCompares},
		"update reads, then writes":  {func(s *memory.Store) mfa.Store { return updateAfterRead{s} }, updateCompares},
		"update of any user":         {func(s *memory.Store) mfa.Store { return updateAnyUser{s} }, updateCompares},
		"update creates":             {func(s *memory.Store) mfa.Store { return upsert{s} }, updateCompares},
		"update swallows conflicts":  {func(s *memory.Store) mfa.Store { return swallowing{s} }, updateCompares},
		"version not stored":         {func(s *memory.Store) mfa.Store { return forgetsVersion{s} }, updateCompares},
		"versions count from one":    {func(s *memory.Store) mfa.Store { return reusesVersions{s} }, recreated},
		"create overwrites":          {func(s *memory.Store) mfa.Store { return overwritingCreate{s} }, uniqueCredential},
		"key unique per user only":   {func(s *memory.Store) mfa.Store { return keyPerUser{s} }, uniqueCredential},
		"delete ignores the version": {func(s *memory.Store) mfa.Store { return deleteAnything{s} }, deleteCompares},
		"delete ignores the user":    {func(s *memory.Store) mfa.Store { return deleteAnyUser{s} }, deleteCompares},
		"spends twice":               {func(s *memory.Store) mfa.Store { return spendsTwice{s} }, spendOnce},
		"put absent overwrites":      {func(s *memory.Store) mfa.Store { return putsOver{s} }, putAbsent},
		"put reads, then writes":     {func(s *memory.Store) mfa.Store { return putAfterRead{s} }, putCompares},
		"shares slices out":          {func(s *memory.Store) mfa.Store { return &sharing{Store: s} }, callersCopy},
		"one slice grows over next":  {func(s *memory.Store) mfa.Store { return oneBuffer{s} }, callersCopy},
		"judges expiry":              {func(s *memory.Store) mfa.Store { return judging{s} }, noExpiry},
		"folds case":                 {func(s *memory.Store) mfa.Store { return folding{s} }, exactIDs},
		"trims spaces":               {func(s *memory.Store) mfa.Store { return trimming{s} }, exactIDs},
		"times in seconds":           {func(s *memory.Store) mfa.Store { return seconds{s} }, exactTimes},
		"times in local time":        {func(s *memory.Store) mfa.Store { return localTimes{s} }, exactTimes},
		"short data":                 {func(s *memory.Store) mfa.Store { return shortData{s} }, roundTrip},
		"zero for absent":            {func(s *memory.Store) mfa.Store { return zeroForAbsent{s} }, notFound},
		"fault read as none":         {func(s *memory.Store) mfa.Store { return faultIsNone{s} }, doneContext},
		"fault read as conflict":     {func(s *memory.Store) mfa.Store { return faultIsConflict{s} }, doneContext},
		"sweeps what never expires":  {func(s *memory.Store) mfa.Store { return sweepsAll{s, s} }, sweeps},
		"deletes some of a user":     {func(s *memory.Store) mfa.Store { return deletesOne{s, s} }, deletesUser},
		"lists one page":             {func(s *memory.Store) mfa.Store { return listsPage{s, s} }, listsAll},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(brokenEnv) != "" {
				Run(t, func(*testing.T) mfa.Store { return c.store(memory.New()) })
				return
			}
			self, err := os.Executable()
			require.NoError(t, err)
			child := exec.CommandContext(t.Context(), self, "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
			child.Env = append(os.Environ(), brokenEnv+"=1")
			out, err := child.CombinedOutput()
			var failed *exec.ExitError
			require.ErrorAs(t, err, &failed, "the suite passed a broken store")
			require.Contains(t, string(out), "broken promise: "+c.want.says)
			require.Contains(t, string(out), "what an attacker gains: "+c.want.gain)
			require.NotContains(t, string(out), "panic:")
		})
	}
}
