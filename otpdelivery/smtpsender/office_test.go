package smtpsender_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

const (
	username = "login@example.com"
	password = "correct horse / 電池"
)

// office is a mail server in this process. What it is set to must not be
// changed once it is open.
type office struct {
	ca         *authority // a new one where there is none
	host       string     // where it is; 127.0.0.1 where it is empty
	implicit   bool
	noTLS      bool                       // it offers no STARTTLS
	names      []string                   // of its certificate; the host where there are none
	mechanisms []string                   // of AUTH; nobody has to log in where there are none
	utf8       bool                       // it offers SMTPUTF8
	refusal    map[string]*smtp.SMTPError // by command

	mu    sync.Mutex
	taken []parcel
}

// parcel is a mail with what was said about it.
type parcel struct {
	from      string
	to        []string
	utf8      bool
	letter    []byte
	encrypted bool
	mechanism string // of the login
}

// open serves until the end of the test and returns what a Sender needs to
// know of it.
func (o *office) open(t testing.TB) smtpsender.Config {
	t.Helper()
	if o.ca == nil {
		o.ca = newAuthority(t)
	}
	if o.host == "" {
		o.host = "127.0.0.1"
	}
	if o.names == nil {
		o.names = []string{o.host}
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &counter{office: o, conn: c}, nil }))
	server.Domain = "mail.example.com"
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = o.utf8
	server.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", o.host+":0")
	require.NoError(t, err)
	cfg := smtpsender.Config{
		Host: o.host, Port: l.Addr().(*net.TCPAddr).Port, From: "Example <login@example.com>",
		TLSConfig: &tls.Config{RootCAs: o.ca.pool},
	}
	if len(o.mechanisms) > 0 {
		cfg.Username, cfg.Password = username, password
	}
	certificate := &tls.Config{Certificates: []tls.Certificate{o.ca.issue(t, o.names...)}}
	switch {
	case o.implicit:
		cfg.Encryption = smtpsender.Implicit
		l = tls.NewListener(l, certificate)
	case !o.noTLS:
		server.TLSConfig = certificate
	}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		_ = l.Close() // which a server that has not begun yet does not know of
		require.NoError(t, <-served)
	})
	return cfg
}

// only returns the one mail that was taken.
func (o *office) only(t testing.TB) parcel {
	t.Helper()
	taken := o.all()
	require.Len(t, taken, 1)
	return taken[0]
}

func (o *office) all() []parcel {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken
}

// counter is where one client is served.
type counter struct {
	office *office
	conn   *smtp.Conn
	parcel parcel
}

func (c *counter) AuthMechanisms() []string { return c.office.mechanisms }

func (c *counter) Auth(mechanism string) (sasl.Server, error) {
	judge := func(_, u, p string) error {
		if u != username || p != password {
			return smtp.ErrAuthFailed
		}
		c.parcel.mechanism = mechanism
		return nil
	}
	if mechanism == sasl.Plain {
		return sasl.NewPlainServer(judge), nil
	}
	return &loginServer{judge: judge}, nil
}

func (c *counter) Mail(from string, o *smtp.MailOptions) error {
	if refusal, ok := c.office.refusal["MAIL"]; ok {
		return refusal
	}
	if len(c.office.mechanisms) > 0 && c.parcel.mechanism == "" {
		return smtp.ErrAuthRequired
	}
	_, c.parcel.encrypted = c.conn.TLSConnectionState()
	c.parcel.from, c.parcel.utf8 = from, o.UTF8
	return nil
}

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	if refusal, ok := c.office.refusal["RCPT"]; ok {
		return refusal
	}
	c.parcel.to = append(c.parcel.to, to)
	return nil
}

func (c *counter) Data(r io.Reader) error {
	letter, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if refusal, ok := c.office.refusal["content"]; ok {
		return refusal
	}
	c.parcel.letter = letter
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.taken = append(c.office.taken, c.parcel)
	return nil
}

func (c *counter) Reset()        { c.parcel = parcel{mechanism: c.parcel.mechanism} }
func (c *counter) Logout() error { return nil }

// loginServer is the server's side of AUTH LOGIN.
type loginServer struct {
	judge    func(identity, username, password string) error
	username []byte
	asked    int
}

func (s *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		s.asked++
	}
	switch s.asked {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		s.username = bytes.Clone(response)
		return []byte("Password:"), false, nil
	case 2:
		return nil, true, s.judge("", string(s.username), string(response))
	}
	return nil, true, errors.New("asked too often")
}

// authority issues the certificates of servers.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	a := &authority{key: key, pool: x509.NewCertPool()}
	a.certificate, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.pool.AddCert(a.certificate)
	return a
}

// issue returns a certificate for names and IP addresses.
func (a *authority) issue(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
