package otpdelivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// line is a queue with what it sent and gave up.
type line struct {
	*Queue
	*outbox
	mu     sync.Mutex
	failed []string
	log    bytes.Buffer
}

func (l *line) Send(ctx context.Context, m Message) error { return l.Queue.Send(ctx, m) }

func newLine(t testing.TB, change ...func(*QueueConfig)) *line {
	t.Helper()
	l := &line{outbox: &outbox{}}
	cfg := QueueConfig{
		Sender: l.outbox, Logger: slog.New(slog.NewTextHandler(&l.log, nil)),
		Failed: func(m Message, err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.failed = append(l.failed, m.ID+": "+err.Error())
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	q, err := NewQueue(cfg)
	require.NoError(t, err)
	l.Queue = q
	return l
}

func (l *line) put(t testing.TB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, l.Send(t.Context(), Message{ID: id, UserID: id[:1], To: "secret@example.com", Text: "code 123456"}))
	}
}

func (l *line) ids() (ids []string) {
	for _, m := range l.all() {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestQueueSendsInOrderPerUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		tries := 0
		l.fail = func(m Message) error {
			if m.ID == "a1" && tries < 3 {
				tries++
				return errors.New("not now")
			}
			return nil
		}
		l.put(t, "a1", "a2", "b1", "a3", "b2", "c1")
		synctest.Wait()
		assert.ElementsMatch(t, []string{"b1", "b2", "c1"}, l.ids(), "who waits holds nobody else up")
		start := time.Now()
		require.NoError(t, l.Shutdown(t.Context()))
		assert.Equal(t, []string{"a1", "a2", "a3"}, l.ids()[3:])
		took := time.Since(start)
		assert.GreaterOrEqual(t, took, 7*time.Second, "1 + 2 + 4 s")
		assert.Less(t, took, 11*time.Second)
		assert.Empty(t, l.failed)
	})
}

func TestQueueGivesUpAndSaysSo(t *testing.T) {
	for name, tc := range map[string]struct {
		fail    func(m Message) error
		expires time.Duration
		tries   int
		after   [2]time.Duration // at least and at most
		want    string
	}{
		"what cannot be delivered":   {func(Message) error { return fmt.Errorf("%w: no such number", ErrPermanent) }, 0, 1, [2]time.Duration{0, 0}, "no such number"},
		"what fails again and again": {func(Message) error { return errors.New("down") }, 0, 8, [2]time.Duration{2 * time.Minute, 4 * time.Minute}, "down"},
		"what expires before":        {func(Message) error { return errors.New("down") }, 6 * time.Second, 3, [2]time.Duration{3 * time.Second, 5 * time.Second}, "expired"},
		"a provider that wants time": {func(Message) error { return &LaterError{After: 5 * time.Minute, Err: errors.New("busy")} }, 12 * time.Minute, 3, [2]time.Duration{10 * time.Minute, 10 * time.Minute}, "expired"},
		"one that wants too much":    {func(Message) error { return &LaterError{After: time.Hour, Err: errors.New("busy")} }, 10 * time.Minute, 1, [2]time.Duration{0, 0}, "expired"},
		"of what does not expire":    {func(Message) error { return &LaterError{After: time.Hour, Err: errors.New("busy")} }, 0, 8, [2]time.Duration{70 * time.Minute, 70 * time.Minute}, "busy"},
		"a panic":                    {func(Message) error { panic("secret@example.com") }, 0, 1, [2]time.Duration{0, 0}, "panicked with a string"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLine(t)
				tries := 0
				l.fail = func(m Message) error { tries++; return tc.fail(m) }
				m := Message{ID: "a1", UserID: "a", To: "secret@example.com", Text: "code 123456"}
				if tc.expires > 0 {
					m.Expires = time.Now().Add(tc.expires)
				}
				start := time.Now()
				require.NoError(t, l.Send(t.Context(), m))
				require.NoError(t, l.Shutdown(t.Context()))
				took := time.Since(start)
				assert.GreaterOrEqual(t, took, tc.after[0])
				assert.LessOrEqual(t, took, tc.after[1])
				assert.Equal(t, tc.tries, tries)
				require.Len(t, l.failed, 1)
				assert.Contains(t, l.failed[0], tc.want)
				assert.Contains(t, l.log.String(), "given up")
				assert.NotContains(t, l.log.String()+l.failed[0], "secret")
				assert.NotContains(t, l.log.String(), "123456")
			})
		})
	}
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		l := newLine(t, func(c *QueueConfig) {
			c.Size, c.Workers = 3, 2
			c.Sender = SenderFunc(func(context.Context, Message) error { <-hold; return nil })
		})
		l.put(t, "a1", "b1", "c1")
		synctest.Wait()
		require.ErrorIs(t, l.Send(t.Context(), Message{ID: "d1"}), ErrQueueFull)
		hold <- struct{}{}
		synctest.Wait()
		l.put(t, "d1")
		require.ErrorIs(t, l.Send(t.Context(), Message{ID: "e1"}), ErrQueueFull)
		close(hold)
		require.NoError(t, l.Shutdown(t.Context()))
		require.Error(t, l.Send(t.Context(), Message{ID: "f1"}), "after Shutdown")
		require.NoError(t, l.Shutdown(t.Context()), "again")
	})
}

// N02: what is for nobody takes the same way, reaches neither the sender nor
// Failed, and takes no place that a message may need.
func TestN02_QueueWithDecoys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		var l *line
		l = newLine(t, func(c *QueueConfig) {
			c.Size, c.Workers = 4, 1
			c.Sender = SenderFunc(func(ctx context.Context, m Message) error {
				<-hangs
				return l.outbox.Send(ctx, m)
			})
		})
		decoy := Message{ID: "nobody", To: "nobody@decoy.invalid", decoy: true}
		l.put(t, "a1")
		for range 10 {
			require.NoError(t, l.Send(t.Context(), decoy))
		}
		l.put(t, "b1", "c1")
		require.ErrorIs(t, l.Send(t.Context(), Message{ID: "d1", UserID: "d"}), ErrQueueFull, "one decoy waits")
		require.ErrorIs(t, l.Send(t.Context(), decoy), ErrQueueFull)
		close(hangs)
		synctest.Wait()
		require.NoError(t, l.Send(t.Context(), decoy))
		require.NoError(t, l.Shutdown(t.Context()))
		assert.Equal(t, []string{"a1", "b1", "c1"}, l.ids())
		assert.Empty(t, l.failed)
	})
}

// What a Sender never ends is ended for it.
func TestQueueEndsATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int64
		l := newLine(t, func(c *QueueConfig) {
			c.Timeout = 5 * time.Second
			c.Sender = SenderFunc(func(ctx context.Context, _ Message) error {
				if tries.Add(1) == 2 {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			})
		})
		start := time.Now()
		l.put(t, "a1")
		require.NoError(t, l.Shutdown(t.Context()))
		assert.Less(t, time.Since(start), 7*time.Second)
		assert.Empty(t, l.failed)
	})
}

func TestShutdownGivesUpWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, func(c *QueueConfig) {
			c.Workers = 1
			c.Sender = SenderFunc(func(ctx context.Context, m Message) error {
				if m.UserID == "a" {
					return errors.New("down")
				}
				<-ctx.Done()
				return ctx.Err()
			})
			c.Timeout = time.Hour
		})
		l.put(t, "a1", "a2", "b1", "b2", "c1")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := l.Shutdown(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "4 messages were not sent, and 1 were being sent")
		assert.Len(t, l.failed, 5, "and the one that was being sent")
	})
}

// Nothing to do is done, whatever became of the ctx; and a Sender that does not
// stop keeps nobody from ending.
func TestShutdownEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			require.NoError(t, newLine(t).Shutdown(gone))
		}

		release := make(chan struct{})
		l := newLine(t, func(c *QueueConfig) {
			c.Sender = SenderFunc(func(context.Context, Message) error { <-release; return nil })
		})
		l.put(t, "a1", "a2")
		synctest.Wait()
		start := time.Now()
		require.ErrorContains(t, l.Shutdown(gone), "1 messages were not sent, and 1 were being sent")
		assert.Equal(t, lastCall, time.Since(start))
		close(release)
	})
}

// Messages expire by the clock of whoever says when.
func TestQueueExpiresByItsClock(t *testing.T) {
	past := time.Now().Add(-240 * time.Hour)
	l := newLine(t, func(c *QueueConfig) { c.Now = func() time.Time { return past } })
	require.NoError(t, l.Send(t.Context(), Message{ID: "a", Expires: past.Add(time.Minute)}))
	require.NoError(t, l.Send(t.Context(), Message{ID: "b", Expires: past}))
	require.NoError(t, l.Shutdown(t.Context()))
	assert.Equal(t, []string{"a"}, l.ids())
	require.Len(t, l.failed, 1)
}

func TestQueueByManyAtOnce(t *testing.T) {
	const users, each = 40, 25
	l := newLine(t, func(c *QueueConfig) { c.Size = users * each })
	var all sync.WaitGroup
	for u := range users {
		all.Go(func() {
			for i := range each {
				assert.NoError(t, l.Send(t.Context(), Message{ID: strconv.Itoa(i), UserID: strconv.Itoa(u)}))
			}
		})
	}
	all.Wait()
	require.NoError(t, l.Shutdown(t.Context()))
	next := map[string]int{}
	for _, m := range l.all() {
		require.Equal(t, strconv.Itoa(next[m.UserID]), m.ID)
		next[m.UserID]++
	}
	assert.Len(t, next, users)
	assert.Empty(t, l.lanes)
}

func TestNewQueueRefuses(t *testing.T) {
	_, err := NewQueue(QueueConfig{})
	require.EqualError(t, err, "otpdelivery: QueueConfig.Sender is missing: give the Sender that the queue sends with")
	_, err = NewQueue(QueueConfig{Sender: &outbox{}, Size: -1})
	require.EqualError(t, err, "otpdelivery: QueueConfig has a negative Size, Workers or Timeout: leave it zero for the default")
}

// BenchmarkQueue has ten thousand messages of a thousand users sent, in order
// for each user, beside a channel that holds as many, with as many workers,
// which keeps no order. The memory of both is that of the messages that wait.
func BenchmarkQueue(b *testing.B) {
	const messages, users, workers = 10_000, 1000, 4
	all := make([]Message, messages)
	for i := range all {
		all[i] = Message{ID: strconv.Itoa(i / users), UserID: strconv.Itoa(i % users)}
	}
	b.Run("channel", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			waiting := make(chan Message, messages)
			var sent atomic.Int64
			var working sync.WaitGroup
			for range workers {
				working.Go(func() {
					for range waiting {
						sent.Add(1)
					}
				})
			}
			for _, m := range all {
				waiting <- m
			}
			close(waiting)
			working.Wait()
			require.EqualValues(b, messages, sent.Load())
		}
	})
	b.Run("queue", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next := make([]int, users) // by user, whose messages are sent one at a time
			var wrong atomic.Int64
			q, err := NewQueue(QueueConfig{Size: messages, Workers: workers, Sender: SenderFunc(func(_ context.Context, m Message) error {
				user, _ := strconv.Atoi(m.UserID)
				if m.ID != strconv.Itoa(next[user]) {
					wrong.Add(1)
				}
				next[user]++
				return nil
			})})
			require.NoError(b, err)
			for _, m := range all {
				require.NoError(b, q.Send(b.Context(), m))
			}
			require.NoError(b, q.Shutdown(b.Context()))
			require.Zero(b, wrong.Load(), "in order")
			require.Equal(b, messages/users, next[0])
		}
	})
}

// No user takes all places.
func TestQueueHasPlacesForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, func(c *QueueConfig) { c.Size = 100 })
		l.fail = func(m Message) error {
			if m.UserID == "a" {
				return &LaterError{After: time.Hour}
			}
			return nil
		}
		for range 20 {
			l.put(t, "a")
		}
		require.ErrorIs(t, l.Send(t.Context(), Message{ID: "a", UserID: "a"}), ErrQueueFull)
		l.put(t, "b")
		synctest.Wait()
		assert.Equal(t, []string{"b"}, l.ids())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorContains(t, l.Shutdown(ctx), "20 messages were not sent")
	})
}
