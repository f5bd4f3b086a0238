package main

import (
	"context"
	"crypto/rand"
	"database/sql"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// worker does one thing after the other, with people and rows that nobody else
// touches, one after the other in turn.
type worker struct {
	app    *app
	people []*person
	swaps  []*swap
	turn   int
}

// hire gives the worker its people and as many rows.
func (w *worker) hire(ctx context.Context, db *sql.DB, store mfa.Store) error {
	var err error
	if w.app, err = newApp(store, fixed{new(mfa.State)}, birth); err != nil {
		return err
	}
	for range peoplePerWorker {
		p, err := w.app.enroll(ctx, rand.Text())
		if err != nil {
			return err
		}
		s, err := newSwap(ctx, db, sqlstore.PostgreSQL, store, p)
		if err != nil {
			return err
		}
		w.people, w.swaps = append(w.people, p), append(w.swaps, s)
	}
	return nil
}

func (w *worker) swap(ctx context.Context) error { return w.swaps[w.next()].plain(ctx) }

func (w *worker) verify(ctx context.Context) error {
	verify, err := w.people[w.next()].totp(ctx)
	if err != nil {
		return err
	}
	return verify()
}

// next is whose turn it is. When all have had theirs, their codes change.
func (w *worker) next() int {
	w.turn = (w.turn + 1) % len(w.people)
	if w.turn == 0 {
		w.app.pass()
	}
	return w.turn
}
