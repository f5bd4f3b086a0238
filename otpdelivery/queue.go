package otpdelivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// QueueConfig is what a Queue is made of. Sender is required. Zero values mean
// the defaults.
type QueueConfig struct {
	Sender  Sender
	Size    int           // messages that wait or are being sent, 1,000
	Workers int           // messages that are sent at once, 4
	Timeout time.Duration // of one try, 15 s

	// Now is the clock by which messages expire: that of the Manager. Nil means
	// time.Now.
	Now func() time.Time
	// Failed is told of each message that was given up, and why. It must not
	// block. Nil is allowed: every one is logged, too.
	Failed func(Message, error)
	Logger *slog.Logger // nil means slog.Default
}

// Queue is a Sender that takes messages over at once and sends them in the
// background with another one, which it tries again for some minutes. Messages
// about one user are sent in their order, so one that has to wait holds up that
// user's next ones; it waits ten minutes at most at a time, and never beyond its
// expiry. Take a Queue for each channel, so that a mail holds up no SMS. No user
// has more than a tenth of the places, or 20 where that is more.
//
// The queue keeps them in memory: what a process has not sent when it dies is
// lost, and its user asks for another.
//
// It is safe for concurrent use. Call Shutdown before the process ends.
type Queue struct {
	cfg    QueueConfig
	ctx    context.Context // ends with Shutdown's
	cancel context.CancelFunc

	mu      sync.Mutex
	lanes   map[string]*lane
	ready   []*lane // whose first message may be sent now
	waiting int     // messages in all lanes
	working int     // goroutines
	closing bool
	idle    chan struct{} // closed when closing and nothing waits
}

// lane is the messages about one user, in their order.
type lane struct {
	key      string
	messages []Message
	tries    int         // of the first
	sending  bool        // the first
	retry    *time.Timer // runs while the first waits to be tried again
}

var (
	// ErrQueueFull means that a Queue holds as many messages as it may, in all or
	// about the user: the message was not taken over.
	ErrQueueFull = errors.New("otpdelivery: the queue is full")
	errShutDown  = errors.New("otpdelivery: the queue is shut down")
	errExpired   = errors.New("otpdelivery: the message expired before it could be sent")
)

const (
	queueTries = 8
	perUser    = 20 // messages that wait, at least
	firstPause = time.Second
	maxPause   = time.Minute
	maxLater   = 10 * time.Minute // as long as a provider may have a message wait
	// lastCall is how long Shutdown waits, when its time is over, for a Sender
	// that has been told to stop.
	lastCall = time.Second
)

// NewQueue makes a Queue. It refuses a QueueConfig that is wrong with one
// sentence that says how to mend it.
func NewQueue(cfg QueueConfig) (*Queue, error) {
	if missing(cfg.Sender) {
		return nil, errors.New("otpdelivery: QueueConfig.Sender is missing: give the Sender that the queue sends with")
	}
	if cfg.Size < 0 || cfg.Workers < 0 || cfg.Timeout < 0 {
		return nil, errors.New("otpdelivery: QueueConfig has a negative Size, Workers or Timeout: leave it zero for the default")
	}
	if cfg.Size == 0 {
		cfg.Size = 1000
	}
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	q := &Queue{cfg: cfg, lanes: map[string]*lane{}, idle: make(chan struct{})}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	return q, nil
}

// Send takes a message over and never waits. It returns ErrQueueFull, or an
// error after Shutdown.
func (q *Queue) Send(_ context.Context, m Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closing:
		return errShutDown
	case q.waiting >= q.cfg.Size:
		return ErrQueueFull
	case m.decoy && q.waiting >= q.cfg.Size/2:
		return nil // it takes no place that a message may need
	}
	key := "user " + m.UserID
	if m.UserID == "" {
		key = "address " + m.To
	}
	l := q.lanes[key]
	if l == nil {
		l = &lane{key: key}
	}
	if len(l.messages) >= max(perUser, q.cfg.Size/10) {
		return ErrQueueFull
	}
	q.lanes[key] = l
	l.messages = append(l.messages, m)
	q.waiting++
	if len(l.messages) == 1 {
		q.makeReady(l)
	}
	return nil
}

// makeReady has the first message of a lane sent. q.mu is held.
func (q *Queue) makeReady(l *lane) {
	q.ready = append(q.ready, l)
	if q.working < q.cfg.Workers {
		q.working++
		go q.work()
	}
}

// work sends until nothing is ready.
func (q *Queue) work() {
	for {
		q.mu.Lock()
		if len(q.ready) == 0 {
			q.working--
			q.mu.Unlock()
			return
		}
		l := q.ready[0]
		q.ready[0], q.ready = nil, q.ready[1:]
		l.sending = true
		m := l.messages[0]
		q.mu.Unlock()
		q.settle(l, m, q.try(m))
	}
}

// try sends a message once. A panic of the Sender is an error.
func (q *Queue) try(m Message) (err error) {
	if m.decoy {
		return nil
	}
	if q.expired(m, 0) {
		return errExpired
	}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	ctx, cancel := context.WithTimeout(q.ctx, q.cfg.Timeout)
	defer cancel()
	return q.cfg.Sender.Send(ctx, m)
}

// expired reports whether a message will not be worth sending after a while.
func (q *Queue) expired(m Message, after time.Duration) bool {
	return !m.Expires.IsZero() && !q.cfg.Now().Add(after).Before(m.Expires)
}

// settle ends a try: the message is gone, or waits to be tried again.
func (q *Queue) settle(l *lane, m Message, err error) {
	q.mu.Lock()
	l.sending = false
	l.tries++
	if err != nil && l.tries < queueTries && !errors.Is(err, ErrPermanent) && !errors.Is(err, errExpired) && q.ctx.Err() == nil {
		if pause := pauseAfter(l.tries, err); !q.expired(m, pause) {
			l.retry = time.AfterFunc(pause, func() { q.wake(l) })
			q.mu.Unlock()
			return
		}
		err = fmt.Errorf("%w: %w", errExpired, err)
	}
	l.messages[0] = Message{}
	l.messages, l.tries = l.messages[1:], 0
	if len(l.messages) > 0 {
		q.makeReady(l)
	} else {
		delete(q.lanes, l.key)
	}
	q.mu.Unlock()
	if err != nil {
		q.gaveUp(m, err)
	}
	q.leave(1)
}

// pauseAfter is how long a message waits after a try that failed.
func pauseAfter(tries int, err error) time.Duration {
	pause := min(firstPause<<(tries-1), maxPause)
	pause += rand.N(pause / 2)
	if later, ok := errors.AsType[*LaterError](err); ok {
		pause = max(pause, min(later.After, maxLater))
	}
	return pause
}

// wake has a message tried again.
func (q *Queue) wake(l *lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.retry == nil {
		return // Shutdown has given it up
	}
	l.retry = nil
	q.makeReady(l)
}

func (q *Queue) gaveUp(m Message, err error) {
	if m.decoy {
		return
	}
	q.cfg.Logger.Error("otpdelivery: a message was given up", "message", m, "error", err)
	if q.cfg.Failed == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			q.cfg.Logger.Error("otpdelivery: QueueConfig.Failed panicked", "panic", fmt.Sprintf("%T", p))
		}
	}()
	q.cfg.Failed(m, err)
}

// leave counts messages that are through with.
func (q *Queue) leave(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting -= n
	if q.closing && q.waiting == 0 {
		q.closeIdle()
	}
}

func (q *Queue) closeIdle() {
	select {
	case <-q.idle:
	default:
		close(q.idle)
	}
}

// Shutdown takes no more messages and returns when all are sent or given up.
// When ctx is done first it gives up what is left, after telling the Sender to
// stop, and its error says how many that were. A Sender that does not stop is
// left behind after a second.
func (q *Queue) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	q.closing = true
	done := q.waiting == 0
	if done {
		q.closeIdle()
	}
	q.mu.Unlock()
	defer q.cancel()
	if done {
		return nil
	}
	select {
	case <-q.idle:
		return nil
	case <-ctx.Done():
	}
	q.cancel()
	left, sending := q.abandon()
	for _, m := range left {
		q.gaveUp(m, errShutDown)
	}
	q.leave(len(left))
	last := time.NewTimer(lastCall)
	defer last.Stop()
	select {
	case <-q.idle:
	case <-last.C:
	}
	return fmt.Errorf("otpdelivery: %d messages were not sent, and %d were being sent: %w", len(left), sending, context.Cause(ctx))
}

// abandon takes out all messages that are not being sent, and counts those that
// are.
func (q *Queue) abandon() (left []Message, sending int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ready = nil
	for key, l := range q.lanes {
		keep := 0
		if l.sending {
			keep = 1
			sending++
		}
		left = append(left, l.messages[keep:]...)
		l.messages = l.messages[:keep]
		if l.retry != nil {
			l.retry.Stop()
			l.retry = nil
		}
		if keep == 0 {
			delete(q.lanes, key)
		}
	}
	return left, sending
}
