package testenv

import (
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/examples/webapp/app"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/webauthnfactor"
)

// Options are what tests vary in the demo. The zero value is the demo as it
// is, on a new database.
type Options struct {
	Database string
	SignIn   mfa.Requirement
	Limits   mfa.Limits

	UserVerification webauthnfactor.UserVerification

	Dev    bool               // with codes by e-mail and SMS
	Sender otpdelivery.Sender // sends them in place of the outbox
}

// Demo is the demo app, served by this process.
type Demo struct {
	*app.App
	Origin   string
	Database string
	Clock    *mfatest.Clock // the library's; stands still until it is moved
	Log      *Log

	stop func()
}

// StartDemo serves the demo on a free port of localhost until the test ends.
// It logs everything, which the test shows if it fails.
func StartDemo(t testing.TB, o Options) *Demo {
	t.Helper()
	if o.Database == "" {
		o.Database = filepath.Join(t.TempDir(), "webapp.db")
	}
	d := &Demo{Database: o.Database, Clock: mfatest.NewClock(time.Now().Truncate(time.Second)), Log: &Log{}}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
	check(t, err)
	d.Origin = originOf(t, listener)
	d.App, err = app.New(app.Options{
		Database: o.Database, Origin: d.Origin, SignIn: o.SignIn, Limits: o.Limits, UserVerification: o.UserVerification,
		Dev: o.Dev, Sender: o.Sender, Now: d.Clock.Now, PasswordCost: bcrypt.MinCost,
		Logger: slog.New(slog.NewTextHandler(d.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	check(t, err)
	server := httptest.NewUnstartedServer(d.App)
	check(t, server.Listener.Close())
	server.Listener = listener
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(d.Log, nil), slog.LevelError)
	server.Start()
	d.stop = sync.OnceFunc(func() {
		server.Close()
		check(t, d.Close())
	})
	t.Cleanup(func() {
		d.stop()
		if t.Failed() {
			t.Logf("the demo's log:\n%s", d.Log)
		}
	})
	return d
}

// Stop ends the demo, as its end does: requests in flight are answered.
func (d *Demo) Stop() { d.stop() }

// originOf returns where a browser reaches a listener.
func originOf(t testing.TB, l net.Listener) string {
	t.Helper()
	_, port, err := net.SplitHostPort(l.Addr().String())
	check(t, err)
	return "http://localhost:" + port
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
