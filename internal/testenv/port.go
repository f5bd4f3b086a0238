package testenv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
)

// freePorts returns n different ports that nobody listens on. They are below
// those that systems give to outgoing connections: otherwise one of these could
// take the port of a server while that is down, or a client that dials it then
// be connected to itself.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := 20000 + rand.IntN(12000)
		// All are held until the last is found, so that none is found twice.
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", loopback(port))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // nobody has connected
		ports = append(ports, port)
	}
	return nil, fmt.Errorf("no %d free ports found", n)
}
