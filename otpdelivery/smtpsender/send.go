package smtpsender

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/go-mfa/mfa/otpdelivery"
)

// Send implements [otpdelivery.Sender]. It returns when the server has taken
// the mail over or refused it, when ctx is done, or after Config.Timeout. The
// package documentation says which errors are permanent.
func (s *Sender) Send(ctx context.Context, m otpdelivery.Message) error {
	letter, err := s.compose(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if err := s.deliver(ctx, m.To, letter); err != nil {
		return fmt.Errorf("smtpsender: %w", err)
	}
	return nil
}

// The steps of the dialogue, by their names in errors. The others are called
// by their commands.
const (
	connecting = "connecting"
	greeting   = "greeting"
	content    = "content"
)

func (s *Sender) deliver(ctx context.Context, to string, letter []byte) error {
	wire, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.cfg.Host, strconv.Itoa(s.cfg.Port)))
	if err != nil {
		return explain(ctx, connecting, err)
	}
	defer func() { _ = wire.Close() }()
	// However a command waits, it ends with the connection.
	defer context.AfterFunc(ctx, func() { _ = wire.Close() })()

	conn := net.Conn(&limitedConn{Conn: wire, left: maxSaid})
	if s.cfg.Encryption == Implicit {
		secure := tls.Client(conn, s.cfg.TLSConfig)
		if err := secure.HandshakeContext(ctx); err != nil {
			return explain(ctx, connecting, err)
		}
		conn = secure
	}
	var client *smtp.Client
	for _, step := range []struct {
		name string
		take func() error
	}{
		{greeting, func() (err error) { client, err = smtp.NewClient(conn, s.cfg.Host); return err }},
		{"EHLO", func() error { return client.Hello(s.hello(wire)) }},
		{"STARTTLS", func() error { return s.encrypt(client) }},
		{"AUTH", func() error { return s.authenticate(client) }},
		{"MAIL", func() error { return s.mail(client, to) }},
		{"RCPT", func() error { return client.Rcpt("<" + to + ">") }},
		{content, func() error { return write(client, letter) }},
	} {
		if err := step.take(); err != nil {
			return explain(ctx, step.name, err)
		}
	}
	// The mail is the server's now. Whoever waits for Send waits a second more at
	// most for a goodbye, and what becomes of that changes nothing.
	_ = wire.SetDeadline(time.Now().Add(time.Second))
	_ = client.Quit()
	return nil
}

// hello returns what the client calls itself.
func (s *Sender) hello(wire net.Conn) string {
	if s.cfg.HELO != "" {
		return s.cfg.HELO
	}
	local, err := netip.ParseAddrPort(wire.LocalAddr().String())
	if err != nil {
		return "localhost"
	}
	ip := local.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + ip.String() + "]"
}

// encrypt does nothing where that is not its turn.
func (s *Sender) encrypt(client *smtp.Client) error {
	if s.cfg.Encryption != STARTTLS {
		return nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return sentence("the server does not offer it, and nothing is sent in the clear: use its port for implicit TLS")
	}
	return client.StartTLS(s.cfg.TLSConfig)
}

func (s *Sender) authenticate(client *smtp.Client) error {
	if s.cfg.Username == "" {
		return nil
	}
	_, mechanisms := client.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(mechanisms))
	insecure := s.cfg.Encryption == InsecureNone
	switch {
	case slices.Contains(offered, "PLAIN"):
		return client.Auth(smtp.PlainAuth("", s.cfg.Username, s.cfg.Password, s.cfg.Host, insecure))
	case slices.Contains(offered, "LOGIN"):
		return client.Auth(smtp.LoginAuth(s.cfg.Username, s.cfg.Password, s.cfg.Host, insecure))
	}
	return sentence("the server offers neither PLAIN nor LOGIN: leave Config.Username empty if it wants no login")
}

// mail begins the mail. SMTPUTF8 (RFC 6531) is asked for only where the
// addressee needs it, because then every server on the way has to know it.
func (s *Sender) mail(client *smtp.Client, to string) error {
	if offered, _ := client.Extension("SMTPUTF8"); !offered && !isASCII(to) {
		return fmt.Errorf("%w, because the server takes no address with letters beyond ASCII", otpdelivery.ErrPermanent)
	}
	client.SkipSMTPUTF8(isASCII(to))
	return client.Mail("<" + s.from.Address + ">")
}

func write(client *smtp.Client, letter []byte) error {
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(letter); err != nil {
		return err // and without the last dot, so that the server takes no half
	}
	return w.Close()
}

// maxSaid is how many bytes a server may say in one dialogue, certificates
// included.
const maxSaid = 1 << 18

// limitedConn ends a dialogue in which the other end does not stop talking.
type limitedConn struct {
	net.Conn

	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, sentence("the server says too much")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
