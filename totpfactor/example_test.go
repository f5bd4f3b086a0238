package totpfactor_test

import (
	"fmt"

	"github.com/go-mfa/mfa/totpfactor"
)

func ExampleNew() {
	f, err := totpfactor.New(totpfactor.Config{Issuer: "Example App"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Info().Method)
	_, err = totpfactor.New(totpfactor.Config{Issuer: "Example: App"})
	fmt.Println(err)
	// Output:
	// totp
	// totpfactor: Config.Issuer has a colon, a control character or invalid UTF-8 in it: otpauth URIs cannot carry it, use another name
}
