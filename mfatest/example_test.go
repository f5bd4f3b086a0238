package mfatest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

func ExampleNew() {
	_ = func(t *testing.T) { // func TestAccount(t *testing.T)
		kit := mfatest.New(t, nil)
		account := kit.Manager.RequireAAL(mfa.AAL2)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))

		w := httptest.NewRecorder()
		account.ServeHTTP(w, kit.Request(t, http.MethodGet, "/account", kit.SignedInAAL2(t, "alice")))
		if w.Code != http.StatusOK {
			t.Errorf("alice at aal2 got %d", w.Code)
		}
		w = httptest.NewRecorder()
		account.ServeHTTP(w, kit.Request(t, http.MethodGet, "/account", kit.SignedIn(t, "bob")))
		if w.Code != http.StatusUnauthorized {
			t.Errorf("bob at aal1 got %d", w.Code)
		}
	}
	// Output:
}

func ExampleNewClock() {
	clock := mfatest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	clock.Advance(time.Hour)
	fmt.Println(clock.Now())
	// Output: 2026-01-01 01:00:00 +0000 UTC
}

func ExampleNewTOTP() {
	var t testing.T // in a test, its own
	app := mfatest.NewTOTP(&t, "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8")
	fmt.Println(app.Code(time.Unix(59, 0)))
	// Output: 94287082
}

func ExampleNewAuthenticator() {
	key := mfatest.NewAuthenticator("example.com", "https://login.example.com")
	key.UserVerified = true
	_ = func(t *testing.T, m *mfa.Manager, s mfa.State) (mfa.State, error) {
		c, err := m.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "webauthn"})
		if err != nil {
			return s, err
		}
		return m.FinishVerify(t.Context(), s, c.ID, key.Assert(t, c.Prompt))
	}
	// Output:
}

func ExampleNewSession() {
	session := mfatest.NewSession()
	c, err := session.Cookie(mfa.State{ID: "s1", UserID: "alice"})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(c)
	fmt.Println(session.UserID(r))
	// Output: alice
}
