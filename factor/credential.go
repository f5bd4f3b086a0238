package factor

import (
	"fmt"
	"log/slog"
	"time"
)

// Credential is one enrolled authenticator of one user: this phone's TOTP
// secret, that security key, the set of lookup secrets. Every stored
// credential is usable; a pending enrolment is not a credential.
//
// fmt and slog print it without Data. encoding/json and encoding/gob keep all
// fields, so that a store may use them; what a store sees of Data is sealed.
type Credential struct {
	ID        string // random, chosen by the Manager
	UserID    string
	Method    string
	Name      string // what the user calls it
	Key       string // unique per method over all users, at most 64 ASCII bytes; the Manager sets the ID where a factor leaves it empty
	Data      []byte // the factor's own; sealed in a store, opened in a Request
	CreatedAt time.Time
	UsedAt    time.Time // zero if never used
	Version   int64     // chosen by the Manager at random, never zero, never repeated
}

// Format implements [fmt.Formatter]. It leaves Data out under every verb.
func (c Credential) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Credential(%q, user %q, method %q, %d bytes redacted)", c.ID, c.UserID, c.Method, len(c.Data))
}

// LogValue implements [slog.LogValuer]. It leaves Data out.
func (c Credential) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", c.ID),
		slog.String("user", c.UserID),
		slog.String("method", c.Method),
	)
}

// User is what the app tells of one of its users. Email and Phone are set only
// if the app has verified that they belong to the user.
type User struct {
	ID          string // the app's primary key: never changes, never reused, at most 255 bytes
	Name        string // the name the user signs in with
	DisplayName string
	Email       string
	Phone       string // E.164
	Locale      string // BCP 47
}
