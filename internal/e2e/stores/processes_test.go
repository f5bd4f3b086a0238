package stores

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// duels is how often every goroutine of every process attempts the same
// conditional write.
const duels = 10

var raceOps = map[string]func(ctx context.Context, s mfa.Store, round string) error{
	"create": func(ctx context.Context, s mfa.Store, round string) error {
		id := fmt.Sprintf("%s-%d", round, os.Getpid())
		return s.CreateCredential(ctx, mfa.Credential{ID: id, UserID: id, Method: "webauthn", Key: "new-" + round, Version: 2})
	},
	"update": func(ctx context.Context, s mfa.Store, round string) error {
		return s.UpdateCredential(ctx, mfa.Credential{ID: round, UserID: "u", Version: 2}, 1)
	},
	"delete credential": func(ctx context.Context, s mfa.Store, round string) error {
		return s.DeleteCredential(ctx, "u", round, 1)
	},
	"put absent": func(ctx context.Context, s mfa.Store, round string) error {
		return s.PutRecord(ctx, mfa.Record{Key: "ceremony/new-" + round, Version: 2}, 0)
	},
	"put version": func(ctx context.Context, s mfa.Store, round string) error {
		return s.PutRecord(ctx, mfa.Record{Key: "ceremony/" + round, Version: 2}, 1)
	},
	"delete record": func(ctx context.Context, s mfa.Store, round string) error {
		return s.DeleteRecord(ctx, "ceremony/"+round, 1)
	},
}

// raceChild takes part in the duels and says after each how many of its
// goroutines won.
func raceChild() error {
	var s spec
	if err := json.Unmarshal([]byte(os.Args[1]), &s); err != nil {
		return err
	}
	index, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	store, err := s.open(index)
	if err != nil {
		return err
	}
	stdin := bufio.NewReader(os.Stdin)
	for round := range duels {
		if err := barrier(stdin); err != nil {
			return err
		}
		var group sync.WaitGroup
		errs := make([]error, ways)
		for i := range errs {
			group.Go(func() { errs[i] = raceOps[os.Args[2]](context.Background(), store, os.Args[2]+strconv.Itoa(round)) })
		}
		group.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, mfa.ErrConflict) {
				return err
			}
		}
		if err := say(strconv.Itoa(won)); err != nil {
			return err
		}
	}
	return store.Close()
}

func TestP03_OneWinnerOverFourProcesses(t *testing.T) {
	onEach(t, func(t *testing.T, s spec) {
		for op := range raceOps {
			t.Run(op, func(t *testing.T) {
				store := open(t, s)
				for round := range duels {
					name := op + strconv.Itoa(round)
					require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{ID: name, UserID: "u", Method: "totp", Key: name, Version: 1}))
					require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: "ceremony/" + name, Version: 1}, 0))
				}
				var all []*runner
				for i := range parties {
					all = append(all, run(t, "race", s, op, strconv.Itoa(i)))
				}
				for round := range duels {
					release(t, all)
					won := 0
					for _, r := range all {
						n, err := strconv.Atoi(r.line(t))
						require.NoError(t, err)
						won += n
					}
					require.Equal(t, 1, won, "round %d", round)
				}
				for _, r := range all {
					require.NoError(t, r.cmd.Wait())
				}
			})
		}
	})
}
