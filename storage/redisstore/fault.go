package redisstore

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/go-mfa/mfa"
)

// fault names what failed. It wraps mfa.ErrBusy only if nothing was done.
func fault(what string, err error) error {
	switch {
	case redis.HasErrorPrefix(err, "unknown command"): // and Redis repeats its arguments
		return fmt.Errorf("redisstore: %s: the server does not know a command: it must know GET and EVAL, and WAIT for Options.WaitReplicas", what)
	case nothingDone(err):
		return fmt.Errorf("redisstore: %s: %w: %w", what, mfa.ErrBusy, err)
	}
	return fmt.Errorf("redisstore: %s: %w", what, err)
}

// busyReplies begin the replies of a Redis that has done nothing and may do it
// later. MOVED and ASK are there for those that were followed in vain.
var busyReplies = []string{
	"LOADING ", "READONLY ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", "NOREPLICAS ", "BUSY ", "MOVED ", "ASK ",
}

// nothingDone reports whether an error means for certain that the command did
// nothing, and that it may do something later. A connection that is lost
// leaves that open; one that was never there does not.
func nothingDone(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial" ||
		errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) ||
		slices.ContainsFunc(busyReplies, func(prefix string) bool { return redis.HasErrorPrefix(err, prefix) })
}
