package faultsweep_test

import (
	"context"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
	"github.com/go-mfa/mfa/internal/faultsweep"
	"github.com/go-mfa/mfa/storage/memory"
)

// brokenEnv makes a child of this test binary sweep over a broken store.
const brokenEnv = "FAULTSWEEP_BROKEN"

// Each store breaks one promise, and a flow must show it. On the store that
// they are made of every flow passes: see TestP02_P07_EveryFaultInEveryFlow.
func TestP02_SweepCatchesBrokenStores(t *testing.T) {
	for name, c := range map[string]struct {
		flow  string
		store func(s *memory.Store) faultstore.Inner
		want  string
	}{
		"spends twice":         {"verify a key", func(s *memory.Store) faultstore.Inner { return spendsTwice{s} }, "what it spends is still stored"},
		"updates nothing":      {"verify a code", func(s *memory.Store) faultstore.Inner { return updatesNothing{s} }, "spent twice"},
		"a fault is not found": {"verify a key", func(s *memory.Store) faultstore.Inner { return faultIsNone{s} }, `a fault is read as "rejected"`},
		"a fault is nobody":    {"sign in", func(s *memory.Store) faultstore.Inner { return faultIsNobody{s} }, "signed in without the second factor"},
		"deletes nothing":      {"enrol a first key", func(s *memory.Store) faultstore.Inner { return deletesNothing{s} }, "0 credentials became 1 with an error"},
		"forgets nobody":       {"forget", func(s *memory.Store) faultstore.Inner { return forgetsNobody{s} }, "2 credentials are left, want 0"},
		"sweeps everything":    {"sweep", func(s *memory.Store) faultstore.Inner { return &sweepsEverything{s} }, "codes are not closed"},
		"lists nothing":        {"reseal", func(s *memory.Store) faultstore.Inner { return listsNothing{s} }, "sealed under a key that is not configured"},
		"no such flow":         {"no such flow", func(s *memory.Store) faultstore.Inner { return s }, "there is no flow"},
	} {
		t.Run(name, func(t *testing.T) {
			o := faultsweep.Options{Flows: []string{c.flow}}
			if os.Getenv(brokenEnv) != "" {
				faultsweep.Run(t, func(*testing.T) faultstore.Inner { return c.store(memory.New()) }, o)
				return
			}
			self, err := os.Executable()
			require.NoError(t, err)
			child := exec.CommandContext(t.Context(), self, "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
			child.Env = append(os.Environ(), brokenEnv+"=1")
			out, err := child.CombinedOutput()
			var failed *exec.ExitError
			require.ErrorAs(t, err, &failed, "the sweep passed a broken store")
			require.Contains(t, string(out), c.want)
			require.NotContains(t, string(out), "panic:")
		})
	}
}

type spendsTwice struct{ *memory.Store }

func (spendsTwice) DeleteRecord(context.Context, string, int64) error { return nil }

type updatesNothing struct{ *memory.Store }

func (updatesNothing) UpdateCredential(context.Context, mfa.Credential, int64) error { return nil }

type faultIsNone struct{ *memory.Store }

func (s faultIsNone) Record(ctx context.Context, key string) (mfa.Record, error) {
	if ctx.Err() != nil {
		return mfa.Record{}, mfa.ErrNotFound
	}
	return s.Store.Record(ctx, key)
}

type faultIsNobody struct{ *memory.Store }

func (s faultIsNobody) Credentials(ctx context.Context, userID string) ([]mfa.Credential, error) {
	creds, _ := s.Store.Credentials(ctx, userID)
	return creds, nil
}

type deletesNothing struct{ *memory.Store }

func (deletesNothing) DeleteCredential(context.Context, string, string, int64) error { return nil }

type forgetsNobody struct{ *memory.Store }

func (forgetsNobody) DeleteUser(context.Context, string) error { return nil }

type sweepsEverything struct{ *memory.Store }

func (s *sweepsEverything) SweepRecords(context.Context, time.Time) error {
	s.Store = memory.New()
	return nil
}

type listsNothing struct{ *memory.Store }

func (listsNothing) AllCredentials(context.Context) iter.Seq2[mfa.Credential, error] {
	return func(func(mfa.Credential, error) bool) {}
}
