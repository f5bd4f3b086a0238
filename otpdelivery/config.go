package otpdelivery

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/go-mfa/mfa/internal/message"
)

// Config is what a Factor is made of. App and Sender are required, and
// Countries for SMS.
type Config struct {
	App    string // what the app is called, in messages
	Sender Sender

	// UseVerifiedContact makes the user's verified address, of Config.User of
	// the Manager, a second factor that nobody has to enrol: whoever has one
	// has a second factor, and whoever changes it changes one. Guard the page
	// for that like those for factors.
	UseVerifiedContact bool
	// SignIn makes the method a first factor, too: people sign in by a code
	// that is sent to their verified address, or else to one they have
	// enrolled. Whoever has nothing but that inbox beside a password signs in by
	// the inbox alone from then on, with all rights. It needs a [*Queue] as Sender, so that answers take as long
	// for names that nobody has.
	SignIn bool

	// BaseURL is where the pages of mfahttp are: "https://example.com/mfa".
	// The last line of an SMS names its host, so that phones fill in the code.
	BaseURL string
	// Links puts a link into e-mails that does what the code does, where the
	// ceremony began. It needs BaseURL. Scanners that follow links change
	// nothing.
	Links bool

	// Countries are the calling codes, such as "+49", that SMS go to. Numbers
	// elsewhere are refused.
	Countries []string

	Digits    int    // of a code: 6, the default, or 8
	Templates fs.FS  // laid over those of Templates, file by file
	Locale    string // for users without one: BCP 47, "en"
	Limits    Limits
}

// Limits bound how much is sent by the method. Verifications, enrolments, which
// anybody with an account may begin, and sign-ins, which anybody may begin, are
// counted apart: each of the three has these limits. Zero values mean the
// defaults.
type Limits struct {
	PerUser    int           // to one user per hour, 10
	PerAddress int           // to one address per hour, for whomever, 10
	PerPrefix  int           // SMS to numbers that differ in the last four digits only, per day, 50; not of verifications
	PerDay     int           // over all per day, 10,000; near it some are refused before
	Cooldown   time.Duration // between two messages of one ceremony, 30 s
}

// Factor sends codes by one channel. It implements factor.Factor of
// github.com/go-mfa/mfa/factor and is safe for concurrent use.
type Factor struct {
	channel   Channel
	cfg       Config
	host      string // of BaseURL
	templates *message.Set
}

// NewEmail makes the method "email". It refuses a Config that is incomplete or
// unsafe with one sentence that says how to mend it.
func NewEmail(cfg Config) (*Factor, error) {
	if len(cfg.Countries) > 0 {
		return nil, errors.New("otpdelivery: Config.Countries is for SMS: leave it empty for e-mail")
	}
	return newFactor(Email, cfg)
}

// NewSMS makes the method "sms". SMS can be intercepted, so that NIST restricts
// them (SP 800-63B-4, section 3.2.9): mfa.New wants another method beside it,
// which is then asked for first. It refuses a Config that is
// incomplete or unsafe with one sentence that says how to mend it.
func NewSMS(cfg Config) (*Factor, error) {
	switch {
	case cfg.Links:
		return nil, errors.New("otpdelivery: Config.Links is for e-mail: an SMS has no room for a link")
	case len(cfg.Countries) == 0:
		return nil, errors.New(`otpdelivery: Config.Countries is empty: name the calling codes that SMS may go to, such as "+49", because messages abroad cost money and are what fraudsters ask for`)
	}
	return newFactor(SMS, cfg)
}

var callingCode = regexp.MustCompile(`^\+[1-9][0-9]{0,6}$`)

func newFactor(channel Channel, cfg Config) (*Factor, error) {
	f := &Factor{channel: channel, cfg: cfg}
	f.cfg.Countries = slices.Clone(cfg.Countries)
	for _, check := range []func() error{f.initSender, f.initURL, f.initCodes, f.initLimits} {
		if err := check(); err != nil {
			return nil, fmt.Errorf("otpdelivery: %w", err)
		}
	}
	templates, err := newTemplates(cfg.Templates)
	if err != nil {
		return nil, fmt.Errorf("otpdelivery: Config.Templates: %w", err)
	}
	f.templates = templates
	return f, nil
}

func (f *Factor) initSender() error {
	if message.Line(f.cfg.App) == "" {
		return errors.New("Config.App is empty: say what the app is called, so that people know who writes to them")
	}
	if missing(f.cfg.Sender) {
		return errors.New("Config.Sender is missing: take smtpsender.New, or write a SenderFunc")
	}
	if _, queued := f.cfg.Sender.(*Queue); f.cfg.SignIn && !queued {
		return errors.New("Config.SignIn needs a *Queue as Sender, because how long sending takes would say whether a name exists: wrap the sender with NewQueue")
	}
	return nil
}

func (f *Factor) initURL() error {
	if f.cfg.BaseURL == "" {
		if f.cfg.Links {
			return errors.New(`Config.Links needs Config.BaseURL, such as "https://example.com/mfa"`)
		}
		return nil
	}
	u, err := url.Parse(f.cfg.BaseURL)
	local := err == nil && u.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	if err != nil || u.Scheme != "https" && !local || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return errors.New(`Config.BaseURL is no https URL without query: give where the pages of mfahttp are, such as "https://example.com/mfa"`)
	}
	f.host = u.Hostname()
	return nil
}

func (f *Factor) initCodes() error {
	for _, c := range f.cfg.Countries {
		if !callingCode.MatchString(c) {
			return fmt.Errorf(`Config.Countries has %q, which is no calling code: write "+49"`, c)
		}
	}
	switch f.cfg.Digits {
	case 0:
		f.cfg.Digits = 6
	case 6, 8:
	default:
		return fmt.Errorf("Config.Digits is %d: a code has 6 or 8 digits", f.cfg.Digits)
	}
	return nil
}

func (f *Factor) initLimits() error {
	l := &f.cfg.Limits
	for _, n := range []struct {
		name  string
		value *int
		def   int
	}{{"PerUser", &l.PerUser, 10}, {"PerAddress", &l.PerAddress, 10}, {"PerPrefix", &l.PerPrefix, 50}, {"PerDay", &l.PerDay, 10_000}} {
		if *n.value < 0 {
			return fmt.Errorf("Config.Limits.%s is negative: leave it zero for the default of %d", n.name, n.def)
		}
		if *n.value == 0 {
			*n.value = n.def
		}
	}
	if l.Cooldown < 0 {
		return errors.New("Config.Limits.Cooldown is negative: leave it zero for the default of 30 s")
	}
	if l.Cooldown == 0 {
		l.Cooldown = 30 * time.Second
	}
	return nil
}
