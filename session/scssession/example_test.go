package scssession_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/session/scssession"
)

func ExampleNew() {
	var sm sessions // the app's sm := scs.New()

	session, err := scssession.New(sm, scssession.Config{
		UserKey: "userID", // the app reads sm.GetInt(ctx, "userID")
		Encode: func(userID string) any {
			var n int
			fmt.Sscan(userID, &n)
			return n
		},
		Decode: func(value any) (string, bool) {
			n, ok := value.(int)
			if n == 0 {
				return "", ok
			}
			return fmt.Sprint(n), ok
		},
		// Until the sessions from before the library have expired.
		Existing: new(mfa.Password()),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var _ mfa.Session = session // goes into mfa.Config

	_, err = scssession.New(sm, scssession.Config{})
	fmt.Println(err)
	// Output:
	// scssession: Config.UserKey is missing: name the session key under which the app looks for its user's id
}

// sessions stands in for *scs.SessionManager.
type sessions struct{}

func (sessions) Get(context.Context, string) any  { return nil }
func (sessions) Put(context.Context, string, any) {}
func (sessions) Remove(context.Context, string)   {}
func (sessions) Token(context.Context) string     { return "" }
func (sessions) RenewToken(context.Context) error { return nil }
func (sessions) Commit(context.Context) (string, time.Time, error) {
	return "", time.Time{}, nil
}
