package stores

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proxy lies between clients and a server, and cuts a connection when it is
// told to.
type proxy struct {
	t        *testing.T
	listener net.Listener
	server   string

	mu    sync.Mutex
	next  func() // what is done when the next connection is cut; nil if none is to be
	where cut
	conns []net.Conn
	all   sync.WaitGroup
}

// cut is when a connection is cut.
type cut int

const (
	before cut = iota // the next request reaches the server
	behind            // the server has answered it, and before the answer reaches the client
)

func (c cut) String() string { return [...]string{"before", "behind"}[c] }

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{t: t, listener: l, server: server}
	p.all.Go(p.accept)
	t.Cleanup(func() {
		assert.NoError(t, l.Close())
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close() // it may be closed
		}
		p.mu.Unlock()
		p.all.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// cutNext cuts the connection by which the next request comes, and no other,
// and calls done before the client sees it.
func (p *proxy) cutNext(where cut, done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.where, p.next = where, done
}

func (p *proxy) take(where cut) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.where == where {
		done, p.next = p.next, nil
	}
	return done
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if !assert.NoError(p.t, err) {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if !assert.NoError(p.t, err) {
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.join(client, server)
	}
}

// join hands on what either side says until one of them ends.
func (p *proxy) join(client, server net.Conn) {
	hangUp := func() { _, _ = client.Close(), server.Close() }
	var answered atomic.Pointer[func()] // what is done when there is an answer
	p.all.Go(func() {
		defer hangUp()
		pump(client, func(request []byte) bool {
			if done := p.take(before); done != nil {
				done()
				return false
			}
			if done := p.take(behind); done != nil {
				answered.Store(&done)
			}
			_, err := server.Write(request)
			return err == nil
		})
	})
	p.all.Go(func() {
		defer hangUp()
		pump(server, func(answer []byte) bool {
			if done := answered.Load(); done != nil {
				(*done)()
				return false
			}
			_, err := client.Write(answer)
			return err == nil
		})
	})
}

// pump hands on what comes in as long as somebody takes it.
func pump(from net.Conn, take func([]byte) bool) {
	b := make([]byte, 1<<17)
	for {
		n, err := from.Read(b)
		if n > 0 && !take(b[:n]) || err != nil {
			return
		}
	}
}
