package mfa_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/session/cookiesession"
	"github.com/go-mfa/mfa/storage/memory"
	"github.com/go-mfa/mfa/totpfactor"
)

func ExampleNew() {
	key := make([]byte, 32) // keep it where the app keeps its secrets
	rand.Read(key)
	session, err := cookiesession.New(cookiesession.Config{Keys: [][]byte{key}})
	if err != nil {
		fmt.Println(err)
		return
	}
	totp, err := totpfactor.New(totpfactor.Config{Issuer: "Example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := mfa.New(mfa.Config{
		Store:   memory.New(),
		Session: session,
		Factors: []mfa.Factor{totp},
		Keys:    [][]byte{key},
		User: func(_ context.Context, userID string) (mfa.User, error) {
			return mfa.User{ID: userID, Name: "alice"}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	app := http.NewServeMux()
	app.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// The app has checked the password. This replaces putting the user
		// into the session.
		status, err := m.SignIn(w, r, "42", mfa.Password())
		if err != nil {
			m.Refuse(w, r, err)
			return
		}
		fmt.Println("pending:", status.Pending, "level:", status.AAL)
	})
	app.Handle("GET /account", m.RequireAAL(mfa.HighestAvailable)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, _ := mfa.FromContext(r.Context())
		fmt.Println("user:", s.UserID)
	})))
	app.Handle("GET /vault", m.RequireAAL(mfa.AAL2)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		fmt.Println("never here with a password alone")
	})))

	login := httptest.NewRecorder()
	app.ServeHTTP(login, httptest.NewRequest(http.MethodPost, "https://app.example/login", nil))
	for _, path := range []string{"/account", "/vault"} {
		r := httptest.NewRequest(http.MethodGet, "https://app.example"+path, nil)
		for _, c := range login.Result().Cookies() {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(path, w.Code)
	}
	// Output:
	// pending: false level: aal1
	// user: 42
	// /account 200
	// /vault 401
}

func ExampleNew_misconfigured() {
	_, err := mfa.New(mfa.Config{})
	fmt.Println(err)
	// Output:
	// mfa: Config.Store is missing or a nil pointer: implement Store over your database, or take sqlstore.New
}

func ExamplePassword() {
	fmt.Println(mfa.Level([]mfa.Method{mfa.Password()}))
	// Output: aal1
}

func ExampleOIDC() {
	claims := mfa.Upstream{ACR: "urn:example:mfa", AMR: []string{"pwd", "otp"}}
	fmt.Println(mfa.Level([]mfa.Method{mfa.OIDC("example", claims)}))
	claims.AAL2 = true // the app trusts this provider's acr
	fmt.Println(mfa.Level([]mfa.Method{mfa.OIDC("example", claims)}))
	// Output:
	// aal1
	// aal2
}

func ExampleFirstFactor() {
	link := mfa.FirstFactor("magic_link", mfa.Evidence{Channel: mfa.EmailChannel("alice@example.com")})
	code := mfa.Method{Name: "email", Role: mfa.RoleSecond, Evidence: link.Evidence}
	fmt.Println(mfa.Level([]mfa.Method{link, code})) // one inbox is one factor
	// Output: aal1
}
