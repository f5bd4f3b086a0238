package lookup_test

import (
	"fmt"

	"github.com/go-mfa/mfa/lookup"
)

func ExampleNew() {
	f, err := lookup.New(lookup.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Info().Method)
	_, err = lookup.New(lookup.Config{Bits: 20})
	fmt.Println(err)
	// Output:
	// lookup_secret
	// lookup: Config.Bits is 20: use 80 to 128
}
