package cookiesession_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/session/cookiesession"
)

func ExampleNew() {
	key := make([]byte, 32) // keep it where the app keeps its secrets
	rand.Read(key)
	session, err := cookiesession.New(cookiesession.Config{Keys: [][]byte{key}})
	if err != nil {
		fmt.Println(err)
		return
	}

	// The Manager saves; handlers that are not wrapped ask who is signed in.
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "https://app.example/login", nil)
	state := mfa.State{ID: "session", UserID: "42", Methods: []mfa.Method{mfa.Password()}}
	if err := session.Save(w, r, state); err != nil {
		fmt.Println(err)
		return
	}
	next := httptest.NewRequest(http.MethodGet, "https://app.example/", nil)
	for _, c := range w.Result().Cookies() {
		fmt.Println(c.Name, c.Secure, c.HttpOnly)
		next.AddCookie(c)
	}
	fmt.Println(session.UserID(next))
	// Output:
	// __Host-mfa true true
	// 42 true
}
