// Package app is the demonstration app as a handler, so that tests can run it
// in their own process and with their own clock. All of it but mfa.go, the
// calls of SignIn in login.go and the gates in routes.go is what an app has
// before this library is added.
package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/crypto/bcrypt"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/webauthnfactor"
)

// Options is what an App is made of. Database and Origin are required.
type Options struct {
	Database string // file of the SQLite database; the sealing key is in the same folder
	Origin   string // where browsers reach the app: "http://localhost:8080"

	SignIn           mfa.Requirement                 // what a login must reach; the zero value asks those who have a second factor
	Limits           mfa.Limits                      // zero values mean the library's defaults
	UserVerification webauthnfactor.UserVerification // whether keys verify their user; empty means the library's default
	Logger           *slog.Logger                    // nil means slog.Default
	Now              func() time.Time                // the library's clock; nil means time.Now
	OnEvent          func(context.Context, mfa.Event)

	// Dev adds codes by e-mail and SMS and notices, which are sent to an outbox
	// that everybody can read, and takes the addresses that users give at
	// sign-up for verified.
	Dev bool
	// Sender sends in place of the outbox, for tests.
	Sender otpdelivery.Sender

	PasswordCost int // of bcrypt; zero means bcrypt.DefaultCost
}

// App is the web app. It is safe for concurrent use.
type App struct {
	db       *sql.DB
	users    *users
	sessions *scs.SessionManager
	store    *sessionStore
	mfa      *mfa.Manager
	delivery *delivery // nil but in development
	host     string    // of the origin, with its port
	log      *slog.Logger
	handler  http.Handler

	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// sweepEvery is how often what has expired is deleted.
const sweepEvery = 10 * time.Minute

// New opens the database, which it makes on first use, and returns the app.
func New(o Options) (_ *App, err error) {
	origin, err := url.Parse(o.Origin)
	if err != nil || origin.Host == "" {
		return nil, fmt.Errorf("origin %q: give scheme and host, such as http://localhost:8080", o.Origin)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.PasswordCost == 0 {
		o.PasswordCost = bcrypt.DefaultCost
	}
	key, err := sealingKey(o.Database)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(o.Database)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	a := &App{db: db, log: o.Logger, store: &sessionStore{db: db}, host: origin.Host}
	if a.users, err = newUsers(db, o.PasswordCost); err != nil {
		return nil, err
	}
	a.sessions = a.newSessions(origin.Scheme == "https")
	if o.Dev {
		if a.delivery, err = a.newDelivery(o); err != nil {
			return nil, err
		}
	}
	if a.mfa, err = a.newManager(o, origin, key); err != nil {
		return nil, err
	}
	if err = makeTables(db); err != nil {
		return nil, err
	}
	if a.handler, err = a.routes(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	a.stopped.Go(func() { a.sweep(ctx) })
	return a, nil
}

// ServeHTTP implements [http.Handler].
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Manager returns the app's Manager, for tests that look behind the pages.
func (a *App) Manager() *mfa.Manager { return a.mfa }

// Close sends what is not sent yet, stops the sweeping and closes the database.
// Requests must have ended.
func (a *App) Close() error {
	var err error
	if a.delivery != nil {
		err = a.delivery.close()
	}
	a.stop()
	a.stopped.Wait()
	return errors.Join(err, a.db.Close())
}

// sweep deletes what has expired, at once and then now and then.
func (a *App) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		err := errors.Join(a.mfa.Sweep(ctx), a.store.sweep(ctx, time.Now()))
		if err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "sweeping failed; it is tried again later", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
