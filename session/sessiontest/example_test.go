package sessiontest_test

import (
	"net/http"
	"testing"

	"github.com/go-mfa/mfa/session/cookiesession"
	"github.com/go-mfa/mfa/session/sessiontest"
)

func ExampleRun() {
	_ = func(t *testing.T) { // func TestSession(t *testing.T)
		sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
			key := []byte("32 bytes of crypto/rand, really!")
			session, err := cookiesession.New(cookiesession.Config{Keys: [][]byte{key}})
			if err != nil {
				t.Fatal(err)
			}
			return sessiontest.Harness{
				Session: session,
				AppUser: func(r *http.Request) string {
					userID, _ := session.UserID(r)
					return userID
				},
				Replayable: true,
			}
		})
	}
	// Output:
}
