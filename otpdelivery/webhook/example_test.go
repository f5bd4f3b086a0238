package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/webhook"
)

var sharedSecret = []byte("32 bytes or more from crypto/rand, kept like a password")

func ExampleNew() {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer endpoint.Close()

	sender, err := webhook.New(webhook.Config{URL: endpoint.URL + "/mfa", Secret: sharedSecret})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sender.Send(context.Background(), otpdelivery.Message{ID: "m1", Channel: otpdelivery.SMS, To: "+14155550199", Text: "123456 is your code."}))
	// Output: try again in 1m0s: webhook: the endpoint answers 429
}

func ExampleNewVerifier() {
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{Secrets: [][]byte{sharedSecret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := verifier.Verify(r)
		switch {
		case errors.Is(err, webhook.ErrUnverified):
			w.WriteHeader(http.StatusUnauthorized)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		default: // unless m.ID was here a moment ago
			fmt.Println(m.Channel, "to", m.To, "in", m.Locale)
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	defer endpoint.Close()

	sender, err := webhook.New(webhook.Config{URL: endpoint.URL, Secret: sharedSecret})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sender.Send(context.Background(), otpdelivery.Message{ID: "m1", Channel: otpdelivery.SMS, To: "+14155550199", Locale: "en", Text: "123456 is your code."}))
	// Output:
	// sms to +14155550199 in en
	// <nil>
}
