package twilio_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/twilio"
)

func ExampleNew() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("to", r.FormValue("To"), "from", r.FormValue("From"))
		w.WriteHeader(http.StatusCreated)
	}))
	defer api.Close()

	sender, err := twilio.New(twilio.Config{
		AccountSID: "AC00000000000000000000000000000001",
		AuthToken:  "from the environment",
		From:       "+14155550100",
		BaseURL:    api.URL, // leave it out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sender.Send(context.Background(), otpdelivery.Message{Channel: otpdelivery.SMS, To: "+14155550199", Text: "123456 is your code."}))
	// Output:
	// to +14155550199 from +14155550100
	// <nil>
}
