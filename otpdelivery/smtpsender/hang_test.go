package smtpsender_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

// soon is a timeout in the tests, and late is when a test finds that it did not
// work: the machine may be busy.
const (
	soon = 300 * time.Millisecond
	late = 10 * time.Second
)

// requireInTime requires that sending ends by a deadline, with an error that
// may be tried again.
func requireInTime(t *testing.T, ctx context.Context, s *smtpsender.Sender, want error) error {
	t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- s.Send(ctx, message()) }()
	select {
	case err := <-sent:
		require.ErrorIs(t, err, want)
		require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
		assert.NotContains(t, err.Error(), addressee)
		return err
	case <-time.After(late):
		require.FailNow(t, "Send goes on")
		return nil
	}
}

func TestF08_AServerThatHangsIsGivenUp(t *testing.T) {
	type situation struct {
		script *script
		says   string
	}
	situations := map[string]situation{
		"implicit TLS":    {&script{implicit: true, at: atConnection, act: hang}, "connecting: "},
		"LOGIN: username": {&script{login: true, at: atUsername, act: hang}, "AUTH: "},
		"LOGIN: password": {&script{login: true, at: atPassword, act: hang}, "AUTH: "},
	}
	for step, says := range map[string]string{
		atGreeting: "greeting: ", "EHLO": "EHLO: ", "STARTTLS": "STARTTLS: ", atHandshake: "STARTTLS: ", "EHLO again": "STARTTLS: ", "AUTH": "AUTH: ",
		"MAIL": "MAIL: ", "RCPT": "RCPT: ", "DATA": "content: ", inContent: "content: ", atContent: "content: ",
	} {
		require.Contains(t, steps, step)
		situations[step] = situation{&script{at: step, act: hang}, says}
	}
	for name, c := range situations {
		t.Run(name, func(t *testing.T) {
			cfg := c.script.open(t)
			cfg.Timeout = soon
			err := requireInTime(t, t.Context(), newSender(t, cfg), context.DeadlineExceeded)
			assert.ErrorContains(t, err, "smtpsender: "+c.says)
			c.script.waitForAll(t)
			requireNothingLeft(t)
		})
	}
}

func TestF08_TheContextEndsSending(t *testing.T) {
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			reached := make(chan struct{})
			server := &script{at: step, act: func(conn net.Conn) {
				close(reached)
				hang(conn)
			}}
			s := newSender(t, server.open(t))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-reached
				cancel()
			}()
			_ = requireInTime(t, ctx, s, context.Canceled)
		})
	}
	t.Run("a deadline", func(t *testing.T) {
		server := &script{at: "RCPT", act: hang}
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		_ = requireInTime(t, ctx, newSender(t, server.open(t)), context.DeadlineExceeded)
	})
}

// A timeout for each read or write would never end here.
func TestF08_AServerThatDawdlesIsGivenUp(t *testing.T) {
	for _, step := range []string{atGreeting, "EHLO", "EHLO again", "MAIL", atContent} {
		t.Run(step, func(t *testing.T) {
			server := &script{at: step, act: func(conn net.Conn) {
				for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
					if _, err := conn.Write([]byte("250-one moment\r\n")); err != nil {
						return
					}
				}
			}}
			cfg := server.open(t)
			cfg.Timeout = soon
			_ = requireInTime(t, t.Context(), newSender(t, cfg), context.DeadlineExceeded)
		})
	}
}

// The content is longer than what the system buffers.
func TestF08_AServerThatReadsNothingIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	server := &script{at: inContent, act: func(net.Conn) { <-release }}
	cfg := server.open(t)
	defer close(release)
	cfg.Timeout = time.Second
	m := message()
	m.Text = strings.Repeat("A long mail.\n", 1_000_000)
	begin := time.Now()
	err := newSender(t, cfg).Send(t.Context(), m)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(begin), late)
}

func TestSend_AServerThatNeverStopsTalkingIsGivenUp(t *testing.T) {
	for _, step := range []string{atGreeting, "EHLO", "EHLO again", "RCPT"} {
		t.Run(step, func(t *testing.T) {
			server := &script{at: step, act: func(conn net.Conn) {
				line := []byte("250-" + strings.Repeat("x", 1000) + "\r\n")
				for {
					if _, err := conn.Write(line); err != nil {
						return
					}
				}
			}}
			cfg := server.open(t)
			cfg.Timeout = time.Minute
			err := newSender(t, cfg).Send(t.Context(), message())
			require.ErrorContains(t, err, "the server says too much")
			require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
		})
	}
}

// The mail has been taken over by then.
func TestSend_AServerThatSaysNoGoodbye(t *testing.T) {
	for name, server := range map[string]*script{
		"hangs":    {at: "QUIT", act: hang},
		"hangs up": {at: "QUIT", act: func(net.Conn) {}},
		"refuses":  {at: "QUIT", reply: "550 stay"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := server.open(t)
			cfg.Timeout = time.Minute
			begin := time.Now()
			require.NoError(t, newSender(t, cfg).Send(t.Context(), message()))
			assert.Less(t, time.Since(begin), late)
		})
	}
}

func TestSend_AServerThatHangsUp(t *testing.T) {
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			server := &script{at: step, act: func(net.Conn) {}}
			err := newSender(t, server.open(t)).Send(t.Context(), message())
			require.Error(t, err)
			require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
			assert.NotContains(t, err.Error(), addressee)
		})
	}
}

func TestSend_NobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	err = newSender(t, smtpsender.Config{Host: "127.0.0.1", Port: port, From: "login@example.com"}).Send(t.Context(), message())
	require.ErrorContains(t, err, fmt.Sprintf("smtpsender: connecting: dial tcp 127.0.0.1:%d", port))
	require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
	var network *net.OpError
	require.ErrorAs(t, err, &network)
}
