package mfahttp_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfahttp"
	"github.com/go-mfa/mfa/session/cookiesession"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
)

func ExampleNew() {
	totp, err := totpfactor.New(totpfactor.Config{Issuer: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	key := make([]byte, 32) // in an app: from its secrets, the same after a restart
	if _, err := rand.Read(key); err != nil {
		log.Fatal(err)
	}
	session, err := cookiesession.New(cookiesession.Config{Keys: [][]byte{key}})
	if err != nil {
		log.Fatal(err)
	}
	manager, err := mfa.New(mfa.Config{
		Store:   memory.New(),
		Session: session,
		Factors: []mfa.Factor{totp},
		Keys:    [][]byte{key},
		User: func(_ context.Context, id string) (mfa.User, error) {
			return mfa.User{ID: id, Name: id + "@example.com"}, nil
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	h, err := mfahttp.New(manager, mfahttp.Config{AppName: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/mfa/", h)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/mfa/api/session", nil))
	body, _ := io.ReadAll(w.Body)
	fmt.Print(w.Code, " ", string(body))
	// Output:
	// 401 {"status":401,"code":"no_session","title":"Nobody is signed in","redirect_to":"/login"}
}
