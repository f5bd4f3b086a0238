package smtpsender_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

// The steps at which a script can do something of its own: the commands, and
// these.
const (
	atConnection = "connection" // instead of TLS, where that is implicit
	atGreeting   = "greeting"
	atHandshake  = "handshake" // after STARTTLS
	atUsername   = "username"  // of AUTH LOGIN
	atPassword   = "password"
	atContent    = "content" // after the last dot
	inContent    = "in content"
)

// steps are those that come before the mail is taken over, in a dialogue with
// STARTTLS and AUTH PLAIN.
var steps = []string{atGreeting, "EHLO", "STARTTLS", atHandshake, "EHLO again", "AUTH", "MAIL", "RCPT", "DATA", inContent, atContent}

// script is a mail server that keeps to a script: at one step it says or does
// something else.
type script struct {
	ca       *authority
	implicit bool
	login    bool   // it offers LOGIN instead of PLAIN
	features string // further lines of its answer to EHLO

	at    string              // the step
	reply string              // what it says instead; then it goes on
	act   func(conn net.Conn) // or what it does instead; then it hangs up

	mu      sync.Mutex
	heard   []string // commands, in the clear or not
	clients int      // that are being served
}

// open serves until the end of the test, when every connection must have been
// closed by its client.
func (s *script) open(t testing.TB) smtpsender.Config {
	t.Helper()
	if s.ca == nil {
		s.ca = newAuthority(t)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &tls.Config{Certificates: []tls.Certificate{s.ca.issue(t, "127.0.0.1")}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			s.count(1)
			go func() {
				defer s.count(-1)
				defer conn.Close()
				s.serve(conn, server)
			}()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		s.waitForAll(t)
	})
	cfg := smtpsender.Config{
		Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, From: "login@example.com",
		Username: username, Password: password, TLSConfig: &tls.Config{RootCAs: s.ca.pool},
	}
	if s.implicit {
		cfg.Encryption = smtpsender.Implicit
	}
	return cfg
}

func (s *script) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients += n
}

// waitForAll waits until every client has hung up.
func (s *script) waitForAll(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.clients == 0
	}, late, time.Millisecond, "a connection was left open")
}

// said returns the commands of all clients.
func (s *script) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

// dialogue is with one client.
type dialogue struct {
	*script

	conn  net.Conn
	lines *bufio.Reader
	over  bool
}

func (s *script) serve(conn net.Conn, server *tls.Config) {
	d := &dialogue{script: s, conn: conn}
	if s.implicit {
		if d.deviates(atConnection) {
			return
		}
		d.conn = tls.Server(conn, server)
	}
	d.lines = bufio.NewReader(d.conn)
	d.answer(atGreeting, "220 mail.example.com")
	for encrypted := s.implicit; !d.over; {
		line := d.read()
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "":
			return
		case "EHLO":
			d.hello(encrypted)
		case "STARTTLS":
			d.answer(verb, "220 go ahead")
			if d.over || d.deviates(atHandshake) {
				return
			}
			d.conn = tls.Server(conn, server)
			d.lines = bufio.NewReader(d.conn)
			encrypted = true
		case "AUTH":
			d.auth(verb)
		case "DATA":
			d.answer(verb, "354 go ahead")
			if d.at == inContent {
				d.act(d.conn)
				return
			}
			if d.over || d.at == verb && d.reply != "" {
				continue
			}
			d.skipContent()
			d.answer(atContent, "250 2.0.0 taken")
		case "QUIT":
			d.answer(verb, "221 bye")
			return
		default:
			d.answer(verb, "250 fine")
		}
	}
}

// hello answers EHLO.
func (d *dialogue) hello(encrypted bool) {
	offer := "STARTTLS"
	step := "EHLO"
	if encrypted {
		step = "EHLO again"
		offer = "AUTH PLAIN"
		if d.login {
			offer = "AUTH LOGIN"
		}
	}
	d.answer(step, "250-mail.example.com\r\n"+d.features+"250 "+offer)
}

func (d *dialogue) auth(verb string) {
	if d.login {
		d.answer(atUsername, "334 VXNlcm5hbWU6")
		if d.over || d.read() == "*" {
			return
		}
		d.answer(atPassword, "334 UGFzc3dvcmQ6")
		if d.over || d.read() == "*" {
			return
		}
	}
	d.answer(verb, "235 2.7.0 welcome")
}

func (d *dialogue) skipContent() {
	for line := d.read(); line != "." && line != ""; {
		line = d.read()
	}
}

// deviates does what the script wants at a step, if it wants anything.
func (d *dialogue) deviates(step string) bool {
	if d.at == step && d.act != nil {
		d.act(d.conn)
		d.over = true
	}
	return d.over
}

// answer says what is right, or what the script wants at a step.
func (d *dialogue) answer(step, right string) {
	if d.deviates(step) {
		return
	}
	if d.at == step && d.reply != "" {
		right = d.reply
	}
	if _, err := fmt.Fprintf(d.conn, "%s\r\n", right); err != nil {
		d.over = true
	}
}

// read returns a line, which is empty when the client has hung up, or says
// nothing: no line of a client is empty but in a mail.
func (d *dialogue) read() string {
	line, err := d.lines.ReadString('\n')
	if err != nil {
		return ""
	}
	line = strings.TrimRight(line, "\r\n")
	d.mu.Lock()
	d.heard = append(d.heard, line)
	d.mu.Unlock()
	if line == "" {
		return " "
	}
	return line
}

// hang waits until the client hangs up.
func hang(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_, _ = io.Copy(io.Discard, conn)
}
