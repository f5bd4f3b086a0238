package otpdelivery_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/otpdelivery"
)

// provider stands for a client of a mail or SMS service.
func provider(_ context.Context, m otpdelivery.Message) error {
	fmt.Println("to", m.To, "for", m.Purpose)
	return nil
}

func ExampleNewEmail() {
	email, err := otpdelivery.NewEmail(otpdelivery.Config{
		App: "Example", Sender: otpdelivery.SenderFunc(provider), UseVerifiedContact: true,
	})
	if err != nil {
		panic(err)
	}
	step, err := email.BeginVerify(context.Background(), factor.Request{
		User: factor.User{ID: "1", Email: "alice@example.com"}, Purpose: factor.PurposeVerify, Ceremony: "c", Now: time.Now(),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(step.Prompt)
	if err := step.Deliver(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// {a•••@e•••.com 6}
	// to alice@example.com for verify
}

func ExampleNewSMS() {
	_, err := otpdelivery.NewSMS(otpdelivery.Config{App: "Example", Sender: otpdelivery.SenderFunc(provider)})
	fmt.Println(err)
	// Output:
	// otpdelivery: Config.Countries is empty: name the calling codes that SMS may go to, such as "+49", because messages abroad cost money and are what fraudsters ask for
}

func ExampleNewQueue() {
	queue, err := otpdelivery.NewQueue(otpdelivery.QueueConfig{Sender: otpdelivery.SenderFunc(provider)})
	if err != nil {
		panic(err)
	}
	if err := queue.Send(context.Background(), otpdelivery.Message{To: "alice@example.com", Purpose: "verify"}); err != nil {
		panic(err)
	}
	if err := queue.Shutdown(context.Background()); err != nil {
		panic(err)
	}
	// Output: to alice@example.com for verify
}

func ExampleNewFallback() {
	down := otpdelivery.SenderFunc(func(context.Context, otpdelivery.Message) error { return fmt.Errorf("no route") })
	sender, err := otpdelivery.NewFallback(otpdelivery.FallbackConfig{
		Senders: []otpdelivery.Sender{down, otpdelivery.SenderFunc(provider)},
	})
	if err != nil {
		panic(err)
	}
	if err := sender.Send(context.Background(), otpdelivery.Message{To: "alice@example.com", Purpose: "verify"}); err != nil {
		panic(err)
	}
	// Output: to alice@example.com for verify
}

func ExampleNewLog() {
	_, err := otpdelivery.NewLog(otpdelivery.LogConfig{})
	fmt.Println(err != nil)
	// Output: true
}
