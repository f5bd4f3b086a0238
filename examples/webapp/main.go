// Command webapp demonstrates the library: a small web app with its own
// password login, its own sessions and its own database, to which multi-factor
// authentication was added.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-mfa/mfa/examples/webapp/app"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`address` to listen on")
	db := flag.String("db", "", "database `file`; the sealing key is kept beside it (default: a file in the user's cache folder)")
	dev := flag.Bool("dev", false, "add codes by e-mail and SMS, and an outbox where everybody on this machine can read them; addresses count as verified (default: true if addr is localhost)")
	flag.Parse()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if flag.NArg() > 0 {
		log.Error("webapp takes no arguments beside its flags", "argument", flag.Arg(0))
		os.Exit(2)
	}
	if !isSet("dev") {
		*dev = isLocal(*addr)
	}
	if *dev && !isLocal(*addr) {
		log.Error("-dev shows everybody's codes to whoever reaches the app: listen on localhost, or leave it out", "addr", *addr)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *db, *dev, log); err != nil {
		log.Error("webapp stopped", "error", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// isSet reports whether a flag was given.
func isSet(name string) bool {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

// isLocal reports whether only this machine reaches an address.
func isLocal(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// run serves until ctx ends, and then until the requests in flight are
// answered.
func run(ctx context.Context, addr, db string, dev bool, log *slog.Logger) (err error) {
	if db == "" {
		if db, err = defaultDatabase(); err != nil {
			return err
		}
	}
	origin, listener, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	a, err := app.New(app.Options{Database: db, Origin: origin, Dev: dev, Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	fmt.Println(origin)
	log.Info("serving", "origin", origin, "database", db)
	if dev {
		log.Warn("for development: everybody on this machine can read the codes of all users", "outbox", origin+"/outbox")
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(shutdown); err != nil {
		return errors.Join(fmt.Errorf("shutting down: %w", err), server.Close())
	}
	return nil
}

// listen opens the address and returns the origin under which a browser on
// this machine reaches it. Browsers offer WebAuthn to names, not to IP
// addresses, so an address without a name is called localhost.
func listen(ctx context.Context, addr string) (origin string, l net.Listener, err error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", nil, fmt.Errorf("-addr: %w: give host:port, such as localhost:8080", err)
	}
	l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", nil, err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "", nil, errors.Join(err, l.Close())
	}
	if host == "" || net.ParseIP(host) != nil {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), l, nil
}

func defaultDatabase() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the database: %w: name a file with -db", err)
	}
	return filepath.Join(cache, "go-mfa-webapp", "webapp.db"), nil
}
