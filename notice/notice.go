package notice

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/internal/message"
	"github.com/go-mfa/mfa/otpdelivery"
)

// Config is what Notices are made of. App, Sender and User are required.
type Config struct {
	App string // what the app is called
	// Sender takes the mails, one after another. Give a [*otpdelivery.Queue], so
	// that one which cannot be sent is tried again and does not hold up the
	// others: one of its own, so that codes never wait behind a notice to an
	// inbox that is gone.
	Sender otpdelivery.Sender
	// User is Config.User of the Manager. An error that wraps mfa.ErrNotFound
	// says that the user is gone; other errors are logged.
	User func(ctx context.Context, userID string) (mfa.User, error)

	Templates fs.FS         // laid over those of Templates, file by file
	Locale    string        // for users without one: BCP 47, "en"
	Timeout   time.Duration // of asking User, and of each mail, 10 s
	Logger    *slog.Logger  // nil means slog.Default
}

// Notices mails users about events, in the background and in their order. It is
// safe for concurrent use. Call Shutdown before the process ends: what waits is
// kept in memory, at most 1,000 events.
type Notices struct {
	cfg       Config
	templates *message.Set
	backlog   backlog
}

// New makes Notices. It refuses a Config that is incomplete or wrong with one
// sentence that says how to mend it.
func New(cfg Config) (*Notices, error) {
	switch {
	case message.Line(cfg.App) == "":
		return nil, errors.New("notice: Config.App is empty: say what the app is called, so that people know who writes to them")
	case cfg.Sender == nil:
		return nil, errors.New("notice: Config.Sender is missing: take otpdelivery.NewQueue over the sender of your mails")
	case cfg.User == nil:
		return nil, errors.New("notice: Config.User is missing: give the function that is Config.User of the Manager")
	case cfg.Timeout < 0:
		return nil, errors.New("notice: Config.Timeout is negative: leave it zero for the default of 10 s")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	templates, err := newTemplates(cfg.Templates)
	if err != nil {
		return nil, fmt.Errorf("notice: Config.Templates: %w", err)
	}
	return &Notices{cfg: cfg, templates: templates}, nil
}

// OnEvent mails the user about an event that concerns one, and ignores all
// others. It goes into mfa.Config.OnEvent, or is called by what is there.
//
// It returns at once, so that nobody waits for the mail, and nobody learns by
// waiting whether a name exists. A failure is logged and told to nobody else; a
// user without an address is logged at debug level.
func (n *Notices) OnEvent(ctx context.Context, e mfa.Event) {
	if e.UserID == "" || !concernsUser(e) { // guesses at names that nobody has are of no user
		return
	}
	if err := n.add(ctx, e); err != nil {
		n.cfg.Logger.ErrorContext(ctx, "notice: nobody was told of an event", "event", e, "error", err)
	}
}

// tell mails the user about an event.
func (n *Notices) tell(ctx context.Context, e mfa.Event) {
	defer func() {
		if p := recover(); p != nil {
			n.cfg.Logger.ErrorContext(ctx, "notice: User, Sender or a template panicked, and nobody was told of an event", "event", e, "panic", fmt.Sprintf("%T", p))
		}
	}()
	asking, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	u, err := n.cfg.User(asking, e.UserID)
	switch {
	case errors.Is(err, mfa.ErrNotFound):
		n.cfg.Logger.DebugContext(ctx, "notice: nobody has this id", "event", e)
		return
	case err != nil:
		n.cfg.Logger.ErrorContext(ctx, "notice: Config.User failed, and nobody was told of an event", "event", e, "error", err)
		return
	}
	former, present := n.addresses(ctx, u, e)
	if former == "" && present == "" {
		n.cfg.Logger.DebugContext(ctx, "notice: there is no address to tell of an event", "event", e)
	}
	if former != "" { // where somebody else may read by now: they learn no name
		n.send(ctx, mfa.User{Locale: u.Locale}, e, former)
	}
	if present != "" {
		n.send(ctx, u, e, present)
	}
}

// concernsUser reports whether a user is told of an event.
func concernsUser(e mfa.Event) bool {
	switch e.Kind {
	case mfa.EventVerified:
		return e.Method == "lookup_secret"
	case mfa.EventEnrolled, mfa.EventRemoved, mfa.EventLowCodes, mfa.EventLocked, mfa.EventSuspicious, mfa.EventContactChanged, mfa.EventReset:
		return true
	default:
		return false
	}
}

// addresses returns where the mails about an event go: to what the event took
// from the user, if that was an address, and to the one that the user has.
func (n *Notices) addresses(ctx context.Context, u mfa.User, e mfa.Event) (former, present string) {
	switch e.Kind {
	case mfa.EventRemoved, mfa.EventReset, mfa.EventContactChanged:
		if address, ok := strings.CutPrefix(e.Channel, emailChannel); ok && e.Channel != factor.EmailChannel(u.Email) {
			former = n.address(ctx, address, e)
		}
	default:
	}
	return former, n.address(ctx, u.Email, e)
}

// address returns what can be mailed to, or "".
func (n *Notices) address(ctx context.Context, s string, e mfa.Event) string {
	s = strings.TrimSpace(s)
	if s == "" || isAddress(s) {
		return s
	}
	n.cfg.Logger.ErrorContext(ctx, "notice: what should be the user's e-mail address is none, and was not told of an event", "event", e)
	return ""
}

// How factor.EmailChannel and factor.PhoneChannel begin.
const (
	emailChannel = "email:"
	phoneChannel = "tel:"
)

// isAddress reports whether a string is an address alone, without anything
// that could become a header.
func isAddress(s string) bool {
	parsed, err := mail.ParseAddress(s)
	hidden := strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	return err == nil && parsed.Address == s && !hidden
}

// send writes a mail and hands it to the Sender.
func (n *Notices) send(ctx context.Context, u mfa.User, e mfa.Event, to string) {
	m := otpdelivery.Message{
		ID: newID(), UserID: e.UserID, Channel: otpdelivery.Email, To: to, Purpose: string(e.Kind), Fields: n.fields(u, e),
	}
	locale := u.Locale
	if locale == "" {
		locale = n.cfg.Locale
	}
	written, err := n.templates.Mail(m.Purpose, locale, m.Fields, "", "")
	if err == nil {
		m.Subject, m.Text, m.HTML, m.Locale = written.Subject, written.Text, written.HTML, written.Locale
		sending, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
		defer cancel()
		err = n.cfg.Sender.Send(sending, m)
	}
	if err != nil {
		n.cfg.Logger.ErrorContext(ctx, "notice: a mail was not sent", "message", m, "error", err)
	}
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

func (n *Notices) fields(u mfa.User, e mfa.Event) otpdelivery.Fields {
	f := otpdelivery.Fields{
		App: message.Line(n.cfg.App), Name: message.Name(u.DisplayName, u.Name), Method: e.Method, Credential: message.Line(e.Name),
		First: e.Role == mfa.RoleFirst, At: e.Time.UTC(),
	}
	if f.Credential == e.Method { // the name of what nobody has named
		f.Credential = ""
	}
	switch {
	case e.Kind == mfa.EventLowCodes:
		f.Left = left(e.Reason)
	case e.Kind == mfa.EventContactChanged && strings.HasPrefix(e.Channel, emailChannel):
		f.Method = string(otpdelivery.Email)
	case e.Kind == mfa.EventContactChanged && strings.HasPrefix(e.Channel, phoneChannel):
		f.Method = string(otpdelivery.SMS)
	}
	return f
}

// left is the number that the reason of EventLowCodes begins with, 0 if it
// begins with none.
func left(reason string) int {
	number, _, _ := strings.Cut(reason, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
