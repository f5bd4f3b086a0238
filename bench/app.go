package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
	"github.com/go-mfa/mfa/webauthnfactor"
)

const (
	origin = "https://example.com"
	rpID   = "example.com"
	period = 30 * time.Second
)

// app is a Manager whose clock moves only when told.
type app struct {
	m     *mfa.Manager
	clock atomic.Int64 // Unix milliseconds
}

// newApp returns an app whose clock stands at a time. All have one key.
func newApp(store mfa.Store, session mfa.Session, now time.Time) (*app, error) {
	a := &app{}
	a.clock.Store(now.UnixMilli())
	totp, errT := totpfactor.New(totpfactor.Config{Issuer: "Bench"})
	codes, errL := lookup.New(lookup.Config{})
	web, errW := webauthnfactor.New(webauthnfactor.Config{RPID: rpID, RPDisplayName: "Bench", Origins: []string{origin}})
	if err := errors.Join(errT, errL, errW); err != nil {
		return nil, err
	}
	var err error
	a.m, err = mfa.New(mfa.Config{
		Store: store, Session: session, Factors: []mfa.Factor{totp, codes, web},
		Keys:   [][]byte{[]byte("0123456789abcdef0123456789ABCDEF")},
		User:   func(_ context.Context, id string) (mfa.User, error) { return mfa.User{ID: id, Name: id}, nil },
		Now:    a.now,
		Logger: slog.New(slog.DiscardHandler),
	})
	return a, err
}

// birth is when the clocks begin.
var birth = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (a *app) now() time.Time { return time.UnixMilli(a.clock.Load()).UTC() }

// pass lets the codes of authenticators change.
func (a *app) pass() { a.clock.Add(period.Milliseconds()) }

// newPerson returns a person in an app over a store.
func newPerson(store mfa.Store, session mfa.Session) (*person, error) {
	a, err := newApp(store, session, birth)
	if err != nil {
		return nil, err
	}
	return a.enroll(context.Background(), "user-1")
}

func newMemory(session mfa.Session) (*person, error) { return newPerson(memory.New(), session) }
