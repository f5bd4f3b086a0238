// Command minimal is the quick start of the README: TOTP, WebAuthn, recovery
// codes, their pages, and one route that needs two factors. Everything is in
// memory, and the "login" takes anybody: it stands where an app has its own.
package main

import (
	"context"
	"crypto/rand"
	"log"
	"net/http"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/mfahttp"
	"github.com/go-mfa/mfa/session/cookiesession"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
	"github.com/go-mfa/mfa/webauthnfactor"
)

func main() {
	key := make([]byte, 32) // an app keeps it in a file or a secret store
	rand.Read(key)
	totp := must(totpfactor.New(totpfactor.Config{Issuer: "Example"}))
	keys := must(webauthnfactor.New(webauthnfactor.Config{
		RPID: "localhost", RPDisplayName: "Example", Origins: []string{"http://localhost:8080"},
	}))
	m := must(mfa.New(mfa.Config{
		Store:   memory.New(), // or sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
		Session: must(cookiesession.New(cookiesession.Config{Keys: [][]byte{key}})),
		Factors: []mfa.Factor{totp, keys, must(lookup.New(lookup.Config{}))},
		Keys:    [][]byte{key},
		User: func(_ context.Context, id string) (mfa.User, error) {
			return mfa.User{ID: id, Name: id}, nil
		},
	}))
	http.Handle("/mfa/", must(mfahttp.New(m, mfahttp.Config{AppName: "Example", HomeURL: "/secret"})))
	http.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`<!doctype html><form method="post"><button>Sign in as alice</button></form>`))
	})
	http.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// Your own login comes first. Then, wherever it signs somebody in:
		if _, err := m.SignIn(w, r, "alice", mfa.Password()); err != nil {
			m.Refuse(w, r, err)
			return
		}
		http.Redirect(w, r, "/secret", http.StatusSeeOther)
	})
	secret := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("Two factors it is.\n")) }
	http.Handle("/secret", m.RequireAAL(mfa.AAL2)(http.HandlerFunc(secret)))
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
