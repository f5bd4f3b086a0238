package redisstore_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// loss is what becomes of a write on its way.
type loss int

const (
	requestLost loss = iota + 1 // the connection breaks before the write arrives
	answerLost                  // the connection breaks before the answer arrives
	answerLate                  // the connection stays, and no answer arrives
)

// wire lies between clients and servers: a TCP proxy for each connection. Its
// method dial is the Dialer of a client.
type wire struct {
	t testing.TB

	mu    sync.Mutex
	next  loss       // of the next write
	ends  []net.Conn // of the clients
	count int        // of connections so far
}

// lose makes the next write get lost, and none after it.
func (w *wire) lose(l loss) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = l
}

// lossOf returns what becomes of a request.
func (w *wire) lossOf(request []byte) (l loss) {
	if bytes.Contains(request, []byte("eval\r\n")) {
		w.mu.Lock()
		defer w.mu.Unlock()
		l, w.next = w.next, 0
	}
	return l
}

// cut ends all connections, as a server does that finds them idle for too
// long.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.ends {
		_ = c.Close()
	}
	w.ends = nil
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	server, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, l.Close()) }()
	client, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	require.NoError(w.t, err)
	end, err := l.Accept()
	require.NoError(w.t, err)
	w.mu.Lock()
	w.ends = append(w.ends, end)
	w.count++
	w.mu.Unlock()

	hangUp := func() { _, _ = end.Close(), server.Close() }
	lost := make(chan loss, 1) // by what was asked for last
	go func() {
		defer hangUp()
		pump(end, func(request []byte) error {
			l := w.lossOf(request)
			if l == requestLost {
				return io.ErrClosedPipe
			}
			if l != 0 {
				lost <- l
			}
			_, err := server.Write(request)
			return err
		})
	}()
	go func() {
		defer hangUp()
		pump(server, func(answer []byte) error {
			select {
			case l := <-lost:
				if l == answerLost {
					return io.ErrClosedPipe
				}
				return nil
			default:
				_, err := end.Write(answer)
				return err
			}
		})
	}()
	return client, nil
}

// pump hands on what comes in until one of both ends.
func pump(from io.Reader, to func([]byte) error) {
	b := make([]byte, 1<<17)
	for {
		n, err := from.Read(b)
		if n > 0 && to(b[:n]) != nil || err != nil {
			return
		}
	}
}
