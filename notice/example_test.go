package notice_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing/fstest"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/notice"
	"github.com/go-mfa/mfa/otpdelivery"
)

func ExampleNew() {
	user := func(_ context.Context, id string) (mfa.User, error) {
		return mfa.User{ID: id, DisplayName: "Alice", Email: "alice@example.com", Locale: "en-GB"}, nil
	}
	// In an app this is an otpdelivery.Queue over smtpsender.
	sender := otpdelivery.SenderFunc(func(_ context.Context, m otpdelivery.Message) error {
		fmt.Printf("to %s: %s\n\n%s", m.To, m.Subject, m.Text)
		return nil
	})
	notices, err := notice.New(notice.Config{App: "Example", Sender: sender, User: user})
	if err != nil {
		panic(err)
	}
	// OnEvent goes into mfa.Config.OnEvent, alone or beside what the app does.
	cfg := mfa.Config{User: user, OnEvent: func(ctx context.Context, e mfa.Event) {
		slog.DebugContext(ctx, "audit", "event", e)
		notices.OnEvent(ctx, e)
	}}
	cfg.OnEvent(context.Background(), mfa.Event{
		Kind: mfa.EventEnrolled, UserID: "1", Method: "totp", Name: "Phone", Time: time.Date(2026, 11, 26, 9, 5, 0, 0, time.UTC),
	})
	// Before the process ends:
	if err := notices.Shutdown(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// to alice@example.com: New sign-in method for your Example account
	//
	// Hello Alice,
	//
	// This sign-in method was set up for your Example account:
	//
	// Method: authenticator app “Phone”
	// Time: 26 November 2026, 09:05 UTC
	//
	// If that was you, there is nothing to do.
	//
	// If it was not you, somebody else has access to your account. Sign in to Example, remove the method, and change your password. If you cannot sign in any more, contact Example at once.
}

func ExampleTemplates() {
	// The texts of an app lie over those of the package, file by file. In an app
	// they are embedded.
	own := fstest.MapFS{"en/locked.txt": {Data: []byte(
		`{{define "subject"}}Somebody is guessing{{end}}{{define "text"}}{{template "hello" .}}If you are stuck, call us.{{end}}`)}}
	notices, err := notice.New(notice.Config{
		App: "Example", Templates: own,
		Sender: otpdelivery.SenderFunc(func(_ context.Context, m otpdelivery.Message) error {
			fmt.Printf("%s\n\n%s", m.Subject, m.Text)
			return nil
		}),
		User: func(context.Context, string) (mfa.User, error) {
			return mfa.User{Name: "alice", Email: "alice@example.com"}, nil
		},
	})
	if err != nil {
		panic(err)
	}
	notices.OnEvent(context.Background(), mfa.Event{Kind: mfa.EventLocked, UserID: "1", Method: "totp"})
	if err := notices.Shutdown(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// Somebody is guessing
	//
	// Hello alice,
	//
	// If you are stuck, call us.
}
