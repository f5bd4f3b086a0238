package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-mfa/mfa/storage/sqlstore"
)

// childEnv makes the program one of the processes of -processes: it says which
// database.
const childEnv = "MFA_BENCH_CHILD"

// What a process has: workers, each with a connection and people of its own.
const (
	workersPerProcess = 8
	peoplePerWorker   = 20
)

// order tells a process to do one thing again and again for a while. It
// answers with how often it has. The first answer, zero, says that it is ready.
type order struct {
	Verify bool // else compare-and-set
	For    time.Duration
}

// child carries out orders until there are no more.
func child(dsn string, in io.Reader, out io.Writer) error {
	ctx := context.Background()
	db, err := openDSN(dsn, workersPerProcess)
	if err != nil {
		return err
	}
	store, err := sqlstore.New(db, sqlstore.PostgreSQL, sqlstore.Config{})
	if err != nil {
		return err
	}
	workers := make([]worker, workersPerProcess)
	if err := atOnce(workers, func(w *worker) error { return w.hire(ctx, db, store) }); err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(0); err != nil {
		return err
	}
	for orders := json.NewDecoder(in); ; {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return db.Close()
		} else if err != nil {
			return err
		}
		done, err := carryOut(ctx, o, workers)
		if err != nil {
			return err
		}
		if err := answers.Encode(done); err != nil {
			return err
		}
	}
}

func carryOut(ctx context.Context, o order, workers []worker) (done int64, err error) {
	var total atomic.Int64
	end := time.Now().Add(o.For)
	err = atOnce(workers, func(w *worker) error {
		for time.Now().Before(end) {
			work := w.swap
			if o.Verify {
				work = w.verify
			}
			if err := work(ctx); err != nil {
				return err
			}
			total.Add(1)
		}
		return nil
	})
	return total.Load(), err
}

// atOnce has all workers do something at the same time.
func atOnce(workers []worker, do func(*worker) error) error {
	errs := make([]error, len(workers))
	var working sync.WaitGroup
	for i := range workers {
		working.Go(func() { errs[i] = do(&workers[i]) })
	}
	working.Wait()
	return errors.Join(errs...)
}
