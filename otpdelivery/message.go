package otpdelivery

import (
	"fmt"
	"log/slog"
	"time"
)

// Channel is the way by which a message goes.
type Channel string

// The channels. They are also the names of the methods.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// Message is one message to one person: the text, and what the text was made
// of, for providers that have templates of their own.
//
// fmt and slog print it without addressee, text and secrets.
type Message struct {
	ID      string  // random, and the same whenever the message is tried again
	UserID  string  // whom it is about; messages about one user are sent in their order
	Channel Channel // what To is
	To      string  // an e-mail address without a name, or a phone number in E.164 form
	Purpose string  // what it is for: "enroll", "verify", "sign_in", or what a notice tells of
	Locale  string  // of the text: BCP 47

	Subject string // of an e-mail; one line
	Text    string
	HTML    string // of an e-mail

	Fields  Fields
	Expires time.Time // when it is not worth sending any more; zero for never

	decoy bool // a Queue takes it over like any other and sends it to nobody
}

// Fields are what the text of a message is made of: the data of its template.
// A field that does not belong to the purpose is empty.
type Fields struct {
	App     string // what the app is called
	Host    string // the app's, for the last line of an SMS; empty if it is not known
	Name    string // what the user is called, one line; empty for who may be somebody else, and where it could be taken for a link
	Code    string // digits
	Link    string // does what the code does; empty where links are off
	Minutes int    // how long code and link are good

	Method     string    // of the factor that a notice is about, by its AMR name
	Credential string    // what the user calls it, one line
	First      bool      // the method is a first factor, by which anybody can try to sign in who knows a name
	At         time.Time // when it happened
	Left       int       // how many recovery codes are left
}

// Format implements [fmt.Formatter]. It prints nothing that the message says,
// under any verb.
func (m Message) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Message(%q, %s, %q, redacted)", m.ID, m.Channel, m.Purpose)
}

// LogValue implements [slog.LogValuer]. It leaves out addressee, text and
// secrets.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", m.ID),
		slog.String("user", m.UserID),
		slog.String("channel", string(m.Channel)),
		slog.String("purpose", m.Purpose),
	)
}

// Format implements [fmt.Formatter], printing nothing under any verb.
func (Fields) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "Fields(redacted)") }

// LogValue implements [slog.LogValuer], logging nothing.
func (Fields) LogValue() slog.Value { return slog.StringValue("redacted") }
