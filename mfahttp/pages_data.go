package mfahttp

import (
	"html/template"
	"time"
)

// Page is what the data of every page has. Templates reach its fields directly:
// {{.AppName}}. Fields may be added; those that exist keep their meaning.
type Page struct {
	Title    string // what the page is for
	AppName  string // Config.AppName
	HomeURL  string // Config.HomeURL; empty on the page of a link, which leads nowhere else while it may be good
	Prefix   string // Config.Prefix, empty at the root: {{.Prefix}}/assets/mfa.css
	ReturnTo string // the path on this origin that the user was going to, or ""; forms send it on as return_to
	Active   bool   // the user is signed in; false while a sign-in waits for its second factor

	Alert      string        // what went wrong, one English sentence, or ""
	AlertCode  string        // the same as a code of the API, for templates in other languages: "rejected", "throttled", …
	RetryAfter time.Duration // how long to wait, in whole seconds; zero if waiting does not help
	Notice     string        // what has just been done, one English sentence, or ""
	NoticeCode string        // the same as a code: "added", "renamed", "removed", "codes", "resent"
}

// OverviewPage is the data of overview.html.
type OverviewPage struct {
	Page
	// Restricted means that the session may see nothing yet: all that the
	// page offers is to set up a first method.
	Restricted  bool
	AnyAdd      bool           // at least one method has an AddURL
	ContinueURL string         // ReturnTo, if the session may go there now; else ""
	Needs       []string       // labels of the methods of which ReturnTo needs one that the user has not set up
	Methods     []MethodPanel  // without recovery codes
	Recovery    *RecoveryPanel // nil if recovery codes are not configured, or the page is Restricted
}

// MethodPanel is one method on the overview.
type MethodPanel struct {
	Method      string // the AMR name: "totp"
	Label       string // in English
	Description string // in English; empty for a method that the pages do not know
	Credentials []CredentialRow
	AddURL      string // where another one is set up; empty if that is not possible now
	Contact     bool   // codes go to the address that the app knows, as nothing is set up
}

// CredentialRow is one authenticator of the user.
type CredentialRow struct {
	ID         string
	Name       string
	CreatedAt  time.Time  // UTC
	LastUsedAt *time.Time // UTC; nil if never
	Sync       string     // "synced" between devices or on one "device" only; empty where that means nothing
	Address    string     // masked, of an authenticator that codes are sent to; else empty
}

// RecoveryPanel is the state of the recovery codes.
type RecoveryPanel struct {
	Enrolled    bool
	Left, Total int    // codes
	Low         bool   // few are left
	URL         string // where new ones are made; empty if that is not possible now
}

// MethodChoice is a method that can be used instead.
type MethodChoice struct {
	Method string
	Label  string // in English
	URL    string
}

// EnrollPage is the data of enroll.html.
type EnrollPage struct {
	Page
	Method   string
	Label    string         // in English
	Address  string         // of "email" and "sms": what the user typed, if it is to be corrected
	To       string         // of "email" and "sms": where the code went, masked; forms send it on as to, to be shown again
	StartURL string         // of "email" and "sms": where another address can be entered
	Name     string         // what the user calls the new authenticator, or ""
	Ceremony string         // the id of the enrolment, once it has begun; forms send it as id
	TOTP     *TOTPSetup     // only in the answer that made the secret; nil otherwise
	Others   []MethodChoice // what could be set up instead
	BackURL  string
	NextURL  string // for the script: where to go when it is done
	CodesURL string // for the script: where to go if recovery codes should follow
}

// TOTPSetup is a new secret. It is shown once.
type TOTPSetup struct {
	Secret string        // base32 in groups of four
	URI    template.URL  // otpauth://…, for a link on the same device
	QR     template.HTML // an SVG element: the URI as a QR code
}

// VerifyPage is the data of verify.html.
type VerifyPage struct {
	Page
	Method      string         // the method that the page asks for; empty if none can be used
	Label       string         // in English
	Delivered   bool           // Method sends a code, once the user asks for it
	Addresses   []Address      // of a Delivered method: where the code can go; empty for the address that the app knows
	Ceremony    string         // the id of the verification, once a code was sent; forms send it as id
	To          string         // where the code went, masked; forms send it on as to, to be shown again
	StartURL    string         // where another code can be asked for instead of the one that was sent
	Recovery    bool           // Method is a recovery method
	Others      []MethodChoice // what can be used instead, recovery last
	Setups      []MethodChoice // what can be set up after this, for a sign-in whose user has set up nothing yet
	Setup       string         // label of what is set up after this, or ""
	Allowed     string         // the methods parameter; forms send it on as methods
	RecoveryURL string         // where a recovery code can be entered instead, or ""
	OverviewURL string
	NextURL     string // for the script: where to go when it is done
}

// Address is one of the user's addresses.
type Address struct {
	ID   string // of the credential; the form that asks for a code sends it as credential
	Text string // masked
	Name string // what the user calls it, if anything
}

// SignInPage is the data of signin.html. It is the same for everybody, whatever
// was typed.
type SignInPage struct {
	Page
	Methods  []MethodChoice // what a code can be sent by, without URL; the form sends one as method
	Username string         // what the user typed, if it is to be corrected
	Ceremony string         // the id of the sign-in, once it has begun; forms send it as id
	StartURL string         // where it begins again
	LoginURL string         // the app's login, if that is another page
}

// LinkPage is the data of link.html: the page of a link in a message. Its form
// has no action, so that it is sent to the link itself.
type LinkPage struct {
	Page
	Elsewhere bool // the link does nothing here: the code has to be typed where it was asked for
}

// RecoveryPage is the data of recovery_codes.html.
type RecoveryPage struct {
	Page
	Enrolled    bool
	Left, Total int
	CanCreate   bool     // new codes can be made
	Codes       []string // only in the answer that made them; empty otherwise
	Ceremony    string   // the id of the enrolment, beside Codes; the form sends it as id
	BackURL     string
}

// ErrorPage is the data of error.html.
type ErrorPage struct {
	Page
	Status    int // the HTTP status
	BackURL   string
	BackLabel string // in English
}
