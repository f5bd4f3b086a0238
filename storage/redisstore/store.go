package redisstore

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-mfa/mfa"
)

// Options has the options of a Store. The zero Options is valid.
type Options struct {
	// Prefix begins every key in Redis: letters, digits and . _ : -, at most 64.
	// The default is "mfa:".
	Prefix string

	// WaitReplicas is how many replicas of its master must have acknowledged a
	// write before the write counts. The package documentation says what may be
	// lost in a failover without. The default is none.
	WaitReplicas int

	// WaitTimeout is how long a write waits for them: a millisecond at least,
	// and less than the client's ReadTimeout. The default is a second.
	WaitTimeout time.Duration

	// Now is the clock by which records expire, the same as that of the
	// Manager. The default is time.Now.
	Now func() time.Time
}

// Store keeps mfa.Records in Redis. It is safe for concurrent use, also by
// several processes with one Redis. It holds nothing itself: closing the
// client is the app's business.
type Store struct {
	client  redis.UniversalClient // *redis.Client or *redis.ClusterClient
	options Options
}

var _ mfa.Records = (*Store)(nil)

// New returns a Store over client, which is a *redis.Client (for one server or
// a group behind Sentinel) or a *redis.ClusterClient. It does not talk to
// Redis: call [Store.Check] at start-up. It refuses options and clients that
// are wrong with one sentence that says how to mend them.
func New(client redis.UniversalClient, o Options) (*Store, error) {
	readTimeout, err := examine(client)
	if err != nil {
		return nil, err
	}
	if o.Prefix == "" {
		o.Prefix = "mfa:"
	}
	if o.WaitTimeout == 0 {
		o.WaitTimeout = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case !validPrefix.MatchString(o.Prefix):
		return nil, fmt.Errorf("redisstore: Options.Prefix is %q: use letters, digits and . _ : -, at most 64", o.Prefix)
	case o.WaitReplicas < 0:
		return nil, fmt.Errorf("redisstore: Options.WaitReplicas is %d: use 0 for none, or how many must acknowledge", o.WaitReplicas)
	case o.WaitTimeout < time.Millisecond: // WAIT takes 0 for ever
		return nil, fmt.Errorf("redisstore: Options.WaitTimeout is %v: use a millisecond at least", o.WaitTimeout)
	case o.WaitReplicas > 0 && readTimeout > 0 && o.WaitTimeout >= readTimeout:
		return nil, fmt.Errorf("redisstore: Options.WaitTimeout is %v, and the client gives up reading after %v: wait shorter, or raise its ReadTimeout", o.WaitTimeout, readTimeout)
	}
	return &Store{client: client, options: o}, nil
}

// A brace would put all records on one server of a cluster.
var validPrefix = regexp.MustCompile(`\A[A-Za-z0-9._:-]{1,64}\z`)

// examine returns the read timeout of a client that can be used.
func examine(client redis.UniversalClient) (time.Duration, error) {
	switch c := client.(type) {
	case *redis.Client:
		if o := c.Options(); o.ClientSideCache != nil || o.ClientSideCacheConfig != nil {
			return 0, errors.New("redisstore: the client caches what it reads, and a spent record would still be found: give one without client-side cache")
		}
		return c.Options().ReadTimeout, nil
	case *redis.ClusterClient:
		if c.Options().ReadOnly {
			return 0, errors.New("redisstore: the client reads from replicas, where a new record may not be yet: give one without ReadOnly, RouteByLatency and RouteRandomly")
		}
		return c.Options().ReadTimeout, nil
	case *redis.Ring:
		return 0, errors.New("redisstore: a Ring takes another server while one does not answer, so that two processes can each find and spend a record: use Redis Cluster or Sentinel")
	default:
		return 0, fmt.Errorf("redisstore: the client is a %T: give a *redis.Client or a *redis.ClusterClient", client)
	}
}
