package smtpsender_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

func TestF08_AServerThatTakesNoConnectionIsGivenUp(t *testing.T) {
	s := newSender(t, smtpsender.Config{Host: "127.0.0.1", Port: fullPort(t), From: "login@example.com", Timeout: soon})
	err := requireInTime(t, t.Context(), s, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "smtpsender: connecting: ")
	requireNothingLeft(t)
}

// fullPort returns a port of the loopback interface where connections are
// neither taken nor refused: nobody accepts them, and the queue is full.
func fullPort(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Close(fd)) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	addr, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	port := addr.(*syscall.SockaddrInet4).Port
	for range 100 {
		conn, err := net.DialTimeout("tcp", (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String(), 200*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { require.NoError(t, conn.Close()) })
	}
	t.Fatal("The queue never gets full.")
	return 0
}

// The address is not one of those that libraries take for localhost and
// where they allow more. Linux alone has it without being told.
func TestSend_InTheClearOnlyInsecurely(t *testing.T) {
	for _, mechanism := range []string{"", "PLAIN", "LOGIN"} {
		t.Run(mechanism, func(t *testing.T) {
			o := &office{host: "127.0.0.2", noTLS: true}
			if mechanism != "" {
				o.mechanisms = []string{mechanism}
			}
			cfg := o.open(t)
			require.ErrorContains(t, newSender(t, cfg).Send(t.Context(), message()), "nothing is sent in the clear")
			require.Empty(t, o.all())

			cfg.Encryption, cfg.TLSConfig = smtpsender.InsecureNone, nil
			require.NoError(t, newSender(t, cfg).Send(t.Context(), message()))
			p := o.only(t)
			assert.False(t, p.encrypted)
			assert.Equal(t, mechanism, p.mechanism)
		})
	}
}
