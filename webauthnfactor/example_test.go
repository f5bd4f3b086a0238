package webauthnfactor_test

import (
	"fmt"

	"github.com/go-mfa/mfa/webauthnfactor"
)

func ExampleNew() {
	keys, err := webauthnfactor.New(webauthnfactor.Config{
		RPID:          "example.com",
		RPDisplayName: "Example",
		Origins:       []string{"https://login.example.com"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(keys.Info().Method)
	// Output: webauthn
}

func ExampleNew_misconfigured() {
	_, err := webauthnfactor.New(webauthnfactor.Config{
		RPID:          "example.com",
		RPDisplayName: "Example",
		Origins:       []string{"https://example.com/"},
	})
	fmt.Println(err)
	// Output: webauthnfactor: origin "https://example.com/" is more than an origin: write scheme, host and port alone, without a final slash
}
