package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

const processes, processGoroutines, processRounds = 2, 32, 20

// barrier says over stdout that this child is ready, and returns when the
// parent has said over stdin that all are.
func barrier(stdin *bufio.Reader, round string) error {
	if _, err := fmt.Println("ready " + round); err != nil {
		return err
	}
	_, err := stdin.ReadString('\n')
	return err
}

// child is one running child process, as its parent sees it.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

func startChild(t *testing.T, name string, args ...string) *child {
	t.Helper()
	c := &child{cmd: childCommand(t, name, args...)}
	var err error
	c.stdin, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.stdout = bufio.NewReader(stdout)
	require.NoError(t, c.cmd.Start())
	return c
}

func (c *child) line(t *testing.T) string {
	t.Helper()
	line, err := c.stdout.ReadString('\n')
	require.NoError(t, err, "a child ended early")
	return strings.TrimSuffix(line, "\n")
}

func startChildren(t *testing.T, name string, args ...string) []*child {
	t.Helper()
	var all []*child
	for range processes {
		all = append(all, startChild(t, name, args...))
	}
	return all
}

// release waits until all children have reached the barrier and lets them go.
func release(t *testing.T, all []*child, round string) {
	t.Helper()
	for _, c := range all {
		require.Equal(t, "ready "+round, c.line(t))
	}
	for _, c := range all {
		_, err := io.WriteString(c.stdin, "go\n")
		require.NoError(t, err)
	}
}

func wait(t *testing.T, all []*child) {
	t.Helper()
	for _, c := range all {
		require.NoError(t, c.cmd.Wait())
	}
}

// migrateChild migrates a new file at the same moment as its sibling.
func migrateChild() error {
	db, err := openSQLite(os.Args[1], 1)
	if err != nil {
		return err
	}
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
	if err != nil {
		return err
	}
	if err := barrier(bufio.NewReader(os.Stdin), ""); err != nil {
		return err
	}
	ctx := context.Background()
	return errors.Join(store.Migrate(ctx), store.Check(ctx), db.Close())
}

func TestSQLiteMigrateByTwoProcessesAtOnce(t *testing.T) {
	for range 5 {
		file := newFile(t)
		all := startChildren(t, "migrate", file)
		release(t, all, "")
		wait(t, all)
		store, err := sqlstore.New(testDB(t, file, 1), sqlstore.SQLite, sqlstore.Config{})
		require.NoError(t, err)
		require.NoError(t, store.Check(t.Context()))
	}
}

// raceChild takes part in the rounds of the race: in each, every goroutine of
// every process attempts the same conditional write. It prints how many of its
// goroutines won.
func raceChild() error {
	file, op := os.Args[1], os.Args[2]
	db, err := openSQLite(file, 4)
	if err != nil {
		return err
	}
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
	if err != nil {
		return err
	}
	stdin := bufio.NewReader(os.Stdin)
	for round := range processRounds {
		name := strconv.Itoa(round)
		if err := barrier(stdin, name); err != nil {
			return err
		}
		var group sync.WaitGroup
		errs := make([]error, processGoroutines)
		for i := range errs {
			group.Go(func() { errs[i] = raceOps[op](context.Background(), store, name) })
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
		if _, err := fmt.Println(won); err != nil {
			return err
		}
	}
	return db.Close()
}

var raceOps = map[string]func(ctx context.Context, s *sqlstore.Store, round string) error{
	"create": func(ctx context.Context, s *sqlstore.Store, round string) error {
		id := fmt.Sprintf("%s-%d", round, os.Getpid())
		return s.CreateCredential(ctx, mfa.Credential{ID: id, UserID: id, Method: "webauthn", Key: "new-" + round, Version: 2})
	},
	"update": func(ctx context.Context, s *sqlstore.Store, round string) error {
		return s.UpdateCredential(ctx, mfa.Credential{ID: round, UserID: "u", Version: 2}, 1)
	},
	"delete credential": func(ctx context.Context, s *sqlstore.Store, round string) error {
		return s.DeleteCredential(ctx, "u", round, 1)
	},
	"put absent": func(ctx context.Context, s *sqlstore.Store, round string) error {
		return s.PutRecord(ctx, mfa.Record{Key: "keep/new-" + round, Version: 2}, 0)
	},
	"put version": func(ctx context.Context, s *sqlstore.Store, round string) error {
		return s.PutRecord(ctx, mfa.Record{Key: "ceremony/" + round, Version: 2}, 1)
	},
	"delete record": func(ctx context.Context, s *sqlstore.Store, round string) error {
		return s.DeleteRecord(ctx, "ceremony/"+round, 1)
	},
}

func TestP03_OneWinnerOverTwoProcesses(t *testing.T) {
	for op := range raceOps {
		t.Run(op, func(t *testing.T) {
			file := newFile(t)
			store := testSQLStore(t, testDB(t, file, 1), sqlstore.Config{})
			for round := range processRounds {
				name := strconv.Itoa(round)
				require.NoError(t, store.CreateCredential(t.Context(), mfa.Credential{ID: name, UserID: "u", Method: "totp", Key: name, Version: 1}))
				require.NoError(t, store.PutRecord(t.Context(), mfa.Record{Key: "ceremony/" + name, Version: 1}, 0))
			}
			all := startChildren(t, "race", file, op)
			for round := range processRounds {
				release(t, all, strconv.Itoa(round))
				won := 0
				for _, c := range all {
					n, err := strconv.Atoi(c.line(t))
					require.NoError(t, err)
					won += n
				}
				require.Equal(t, 1, won, "round %d", round)
			}
			wait(t, all)
		})
	}
}
