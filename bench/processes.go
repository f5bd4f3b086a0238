package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/go-mfa/mfa/internal/testenv"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// span is how long each side of a paired run lasts.
const span = time.Second

// reportProcesses prints how many TOTP verifications 1, 2 and 4 processes do
// on one PostgreSQL server, beside bare compare-and-sets by the same workers.
func reportProcesses(ctx context.Context, t *table, _ string, runs int) (exceeded int, err error) {
	server, end, err := servePostgreSQL()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, end()) }()
	t.head("`synchronous_commit`", "processes", "connections", "compare-and-sets per second", "verifications per second", "ratio")
	for _, commit := range []string{"on", "off"} {
		for _, n := range []int{1, 2, 4} {
			r, err := measureProcesses(ctx, server, commit, n, runs, span)
			if err != nil {
				return 0, err
			}
			t.row(commit, strconv.Itoa(n), strconv.Itoa(n*workersPerProcess), fmt.Sprintf("%.0f", r.swaps), fmt.Sprintf("%.0f", r.verifications), times(r.ratio))
		}
	}
	return 0, nil
}

// rates are per second. ratio is of the former to the latter.
type rates struct{ swaps, verifications, ratio float64 }

// measureProcesses starts n processes on a new database.
func measureProcesses(ctx context.Context, server *testenv.Server, commit string, n, runs int, span time.Duration) (rates, error) {
	database := fmt.Sprintf("processes_%s_%d", commit, n)
	db, err := openPostgreSQL(ctx, server, database, 1)
	if err != nil {
		return rates{}, err
	}
	_, err = newStore(ctx, db, sqlstore.PostgreSQL)
	if err = errors.Join(err, db.Close()); err != nil {
		return rates{}, err
	}
	var all fleet
	for range n {
		p, err := startProcess(ctx, postgreSQLDSN(server, database)+"&synchronous_commit="+commit)
		if err != nil {
			return rates{}, errors.Join(err, all.end())
		}
		all = append(all, p)
	}
	r, err := all.measure(runs, span)
	return r, errors.Join(err, all.end())
}

type fleet []*process

// measure alternates between the two sides, as measure does for a pair.
func (all fleet) measure(runs int, span time.Duration) (rates, error) {
	if _, err := all.answers(); err != nil { // they are ready
		return rates{}, err
	}
	var swaps, verifications, ratios []float64
	for i := range runs + 1 {
		raw, err := all.perSecond(order{For: span})
		if err != nil {
			return rates{}, err
		}
		ours, err := all.perSecond(order{For: span, Verify: true})
		if err != nil {
			return rates{}, err
		}
		if i == 0 {
			continue // warms up
		}
		swaps, verifications, ratios = append(swaps, raw), append(verifications, ours), append(ratios, raw/ours)
	}
	return rates{median(swaps), median(verifications), median(ratios)}, nil
}

func (all fleet) perSecond(o order) (float64, error) {
	for _, p := range all {
		if err := p.orders.Encode(o); err != nil {
			return 0, err
		}
	}
	done, err := all.answers()
	return float64(done) / o.For.Seconds(), err
}

// answers returns the sum of what all processes answer.
func (all fleet) answers() (sum int, err error) {
	for _, p := range all {
		var n int
		if err := p.answers.Decode(&n); err != nil {
			return 0, fmt.Errorf("a process answers nothing: %w", err)
		}
		sum += n
	}
	return sum, nil
}

func (all fleet) end() error {
	var errs []error
	for _, p := range all {
		errs = append(errs, p.in.Close(), p.cmd.Wait())
	}
	return errors.Join(errs...)
}

// process is this program once more, as child.
type process struct {
	cmd     *exec.Cmd
	in      io.Closer
	orders  *json.Encoder
	answers *json.Decoder
}

func startProcess(ctx context.Context, dsn string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self) //nolint:gosec // itself
	cmd.Env = append(os.Environ(), childEnv+"="+dsn)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &process{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}, cmd.Start()
}
