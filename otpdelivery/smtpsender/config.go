package smtpsender

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-mfa/mfa/otpdelivery"
)

// Encryption is how the connection to the server gets encrypted.
type Encryption int

// The ways to encrypt. There is none that is content with what the server
// offers: whoever sits in between would have it offer nothing.
const (
	// STARTTLS begins in the clear and encrypts before anything is said
	// (RFC 3207), on port 587. A server that does not offer it gets nothing.
	STARTTLS Encryption = iota

	// Implicit encrypts from the first byte (RFC 8314, section 3.3), on port
	// 465.
	Implicit

	// InsecureNone never encrypts, whatever the server offers. Whoever sees the
	// network sees the codes, and the password if there is one. It is for tests
	// and for a server on the same machine.
	InsecureNone
)

// Config says which server sends the mails, and from whom. Host and From are
// required.
type Config struct {
	Host       string     // the server's name, or its IP address
	Port       int        // 587 by default, 465 where Encryption is Implicit
	Encryption Encryption // STARTTLS by default

	// Username and Password are given by AUTH PLAIN, or else LOGIN, and never
	// over a connection in the clear, unless Encryption is InsecureNone. Leave
	// both empty for a server that wants none.
	Username, Password string

	// From is the sender, such as "Example <login@example.com>". Notices of mails
	// that could not be delivered go to the same address.
	From string

	// ReplyTo is where answers go, in the form of From, which is the default.
	ReplyTo string

	// HELO is what the client calls itself: a domain name. The default is the
	// IP address from which it connects, in brackets (RFC 5321, section 4.1.4).
	HELO string

	// Timeout is how long sending a message may take, from the connection to
	// the server's last answer. The default is 10 s.
	Timeout time.Duration

	// TLSConfig has, for example, the RootCAs of a server with a certificate of
	// its own. New copies it, puts in Host where ServerName is empty, and
	// TLS 1.2 where MinVersion is 0.
	TLSConfig *tls.Config
}

// Sender sends e-mails through an SMTP server. It is safe for concurrent use
// and holds no connection.
type Sender struct {
	cfg     Config // with the defaults; TLSConfig is the Sender's own
	from    *mail.Address
	replyTo *mail.Address // nil if it is from
}

var _ otpdelivery.Sender = (*Sender)(nil)

// New returns a Sender. It does not connect. It refuses a Config that is
// incomplete or contradicts itself with one sentence that says how to mend it.
func New(cfg Config) (*Sender, error) {
	s := &Sender{cfg: cfg}
	for _, check := range []func() error{s.initServer, s.initEncryption, s.initAddresses, s.initDialogue} {
		if err := check(); err != nil {
			return nil, fmt.Errorf("smtpsender: %w", err)
		}
	}
	return s, nil
}

// Format implements [fmt.Formatter]. It prints no password, under any verb.
func (s *Sender) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Sender(%s:%d, redacted)", s.cfg.Host, s.cfg.Port)
}

func (s *Sender) initServer() error {
	c := &s.cfg
	if _, err := netip.ParseAddr(c.Host); err != nil && !domainName.MatchString(c.Host) {
		return fmt.Errorf("Config.Host is %q: give the name of your mail server alone, such as smtp.example.com, and the port in Config.Port", c.Host)
	}
	switch {
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("Config.Port is %d: leave it 0 for the default, or give the server's", c.Port)
	case c.Port == 465 && c.Encryption == STARTTLS:
		return errors.New("Config.Port is 465, where the server waits for encryption from the first byte: set Config.Encryption to Implicit, or leave the port 0")
	case c.Port == 587 && c.Encryption == Implicit:
		return errors.New("Config.Port is 587, where encryption begins with STARTTLS: leave Config.Encryption 0, or the port 0 for that of Implicit")
	case c.Port == 0 && c.Encryption == Implicit:
		c.Port = 465
	case c.Port == 0:
		c.Port = 587
	}
	return nil
}

var domainName = regexp.MustCompile(`\A[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?\z`)

func (s *Sender) initEncryption() error {
	c := &s.cfg
	switch {
	case c.Encryption < STARTTLS || c.Encryption > InsecureNone:
		return fmt.Errorf("Config.Encryption is %d: use STARTTLS, Implicit or InsecureNone", c.Encryption)
	case c.Encryption == InsecureNone && c.TLSConfig != nil:
		return errors.New("Config.TLSConfig is set, and Config.Encryption is InsecureNone, which never encrypts: leave out one of them")
	case (c.Username == "") != (c.Password == ""):
		return errors.New("Config has only one of Username and Password: give both, or neither for a server that wants none")
	}
	c.TLSConfig = c.TLSConfig.Clone() // nil for nil
	if c.TLSConfig == nil {
		c.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.TLSConfig.ServerName == "" {
		c.TLSConfig.ServerName = c.Host
	}
	if c.TLSConfig.MinVersion == 0 {
		c.TLSConfig.MinVersion = tls.VersionTLS12
	}
	return nil
}

func (s *Sender) initAddresses() (err error) {
	if s.from, err = parseOwn(s.cfg.From); err != nil {
		return fmt.Errorf("Config.From %w", err)
	}
	if s.cfg.ReplyTo == "" {
		return nil
	}
	if s.replyTo, err = parseOwn(s.cfg.ReplyTo); err != nil {
		return fmt.Errorf("Config.ReplyTo %w", err)
	}
	return nil
}

// parseOwn takes an address of the app, with or without name. Only addressees
// may have letters beyond ASCII in theirs, which not every server can send to.
func parseOwn(s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || !isLine(a.Name) || !isAddress(a.Address) {
		return nil, fmt.Errorf(`is %q, which is no address: write "Example <login@example.com>"`, s)
	}
	if !isASCII(a.Address) {
		return nil, fmt.Errorf("is %q: write the domain in its ASCII form, which begins with xn--", s)
	}
	return a, nil
}

func (s *Sender) initDialogue() error {
	c := &s.cfg
	if c.HELO != "" && !helloName.MatchString(c.HELO) {
		return fmt.Errorf("Config.HELO is %q: give the domain name of this machine, or nothing", c.HELO)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("Config.Timeout is %v: leave it 0 for the default of 10 s, or say how long sending may take", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	return nil
}

// A name, or an address in brackets.
var helloName = regexp.MustCompile(`\A[A-Za-z0-9._:\[\]-]{1,255}\z`)

// isAddress reports whether s is an address alone, of a mailbox in a domain
// that has a name, and without anything that needs quotes.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == "" && a.String() == "<"+s+">" &&
		!strings.Contains(s, "@[") && !strings.ContainsFunc(s, unicode.IsSpace) && isLine(s)
}

// isLine reports whether s is text without control characters, such as line
// breaks.
func isLine(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
