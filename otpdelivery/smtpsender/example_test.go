package smtpsender_test

import (
	"fmt"
	"log"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

func ExampleNew() {
	sender, err := smtpsender.New(smtpsender.Config{
		Host:     "smtp.example.com",
		Username: "login@example.com",
		Password: "from your secrets",
		From:     "Example <login@example.com>",
	})
	if err != nil {
		log.Fatal(err)
	}
	cfg := otpdelivery.Config{App: "Example", Sender: sender} // and so on, to otpdelivery.NewEmail
	fmt.Println(cfg.Sender)
	// Output: Sender(smtp.example.com:587, redacted)
}

func ExampleNew_refusals() {
	_, err := smtpsender.New(smtpsender.Config{Host: "smtp.example.com", Port: 465, From: "Example <login@example.com>"})
	fmt.Println(err)
	// Output: smtpsender: Config.Port is 465, where the server waits for encryption from the first byte: set Config.Encryption to Implicit, or leave the port 0
}
