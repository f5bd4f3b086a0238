package notice

import (
	"embed"
	"io/fs"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/message"
	"github.com/go-mfa/mfa/otpdelivery"
)

//go:embed templates
var embedded embed.FS

// Templates are the templates of this package: a folder for each language, with
// a file for each kind of event that is told, shared.txt with what they have in
// common, and layout.html. Config.Templates replaces them one by one and adds
// languages.
//
// A file defines "subject" and "text", in text/template over
// [otpdelivery.Fields], of which App, Name, Method, Credential, First, At and Left
// are set. Method is an AMR name such as "totp"; for "contact_changed" it says what
// was changed, "email", "sms", or nothing if there was none before. Left is 0
// also where it is not known. The HTML is made from the paragraphs of the text.
func Templates() fs.FS {
	sub, err := fs.Sub(embedded, "templates")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

var purposes = []string{
	string(mfa.EventEnrolled), string(mfa.EventRemoved), string(mfa.EventVerified), string(mfa.EventLowCodes),
	string(mfa.EventLocked), string(mfa.EventSuspicious), string(mfa.EventContactChanged), string(mfa.EventReset),
}

// newTemplates tries every file without values, and for each branch that a
// template may have.
func newTemplates(over fs.FS) (*message.Set, error) {
	samples := []any{otpdelivery.Fields{}}
	samples = append(samples, otpdelivery.Fields{App: "App", Method: "email", First: true, At: time.Unix(0, 0).UTC()})
	for left, method := range []string{"totp", "webauthn", "lookup_secret", "email", "sms", "other"} {
		samples = append(samples, otpdelivery.Fields{
			App: "App", Name: "Name", Method: method, Credential: "Phone", At: time.Unix(0, 0).UTC(), Left: left,
		})
	}
	return message.New(Templates(), over, purposes, samples...)
}
