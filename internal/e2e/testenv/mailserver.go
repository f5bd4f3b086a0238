package testenv

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

// MailServer takes mails by SMTP from whoever logs in over TLS.
type MailServer struct {
	Config smtpsender.Config // of a Sender that may send there

	t     testing.TB
	mails chan Mail
}

// Mail is one that was taken, read back.
type Mail struct{ To, Subject, Text, HTML string }

const (
	mailUser     = "login@example.com"
	mailPassword = "battery staple"
)

// StartMailServer serves until the test ends.
func StartMailServer(t testing.TB) *MailServer {
	t.Helper()
	s := &MailServer{t: t, mails: make(chan Mail, 100)}
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())

	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &mailSession{server: s, conn: c}, nil }))
	server.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	address, err := net.ResolveTCPAddr("tcp", l.Addr().String())
	check(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = l.Close() // which a server that has not begun yet does not know of
		if err := <-served; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	s.Config = smtpsender.Config{
		Host: "127.0.0.1", Port: address.Port, From: "Demo <" + mailUser + ">", Username: mailUser, Password: mailPassword,
		TLSConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	return s
}

// Next waits for the next mail.
func (s *MailServer) Next() Mail {
	s.t.Helper()
	select {
	case m := <-s.mails:
		return m
	case <-time.After(patience):
		s.t.Fatal("no mail came")
		return Mail{}
	}
}

// mailSession is one connection. It implements smtp.AuthSession.
type mailSession struct {
	server   *MailServer
	conn     *smtp.Conn
	loggedIn bool
	to       string
}

func (m *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (m *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if _, encrypted := m.conn.TLSConnectionState(); !encrypted || user != mailUser || password != mailPassword {
			return smtp.ErrAuthFailed
		}
		m.loggedIn = true
		return nil
	}), nil
}

func (m *mailSession) Mail(string, *smtp.MailOptions) error {
	if !m.loggedIn {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (m *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	m.to = to
	return nil
}

func (m *mailSession) Data(r io.Reader) error {
	letter, err := readMail(r)
	if err != nil {
		return err
	}
	letter.To = m.to
	m.server.mails <- letter
	return nil
}

func (m *mailSession) Reset()        { m.to = "" }
func (m *mailSession) Logout() error { return nil }

// readMail reads a mail of text and HTML.
func readMail(r io.Reader) (Mail, error) {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return Mail{}, err
	}
	var m Mail
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return Mail{}, err
	}
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return Mail{}, err
	}
	parts := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return Mail{}, err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return Mail{}, err
		}
		if kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type")); err == nil && kind == "text/html" {
			m.HTML = string(body)
		} else {
			m.Text = string(body)
		}
	}
}
