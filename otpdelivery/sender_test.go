package otpdelivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFallback(t *testing.T) {
	down := errors.New("down")
	no := fmt.Errorf("%w: no", ErrPermanent)
	later := func(d time.Duration) error { return &LaterError{After: d, Err: down} }
	for name, tc := range map[string]struct {
		errs      []error
		asked     int
		permanent bool
		after     time.Duration
	}{
		"the first takes it":          {[]error{nil, down}, 1, false, 0},
		"the second takes it":         {[]error{down, nil}, 2, false, 0},
		"though the first never will": {[]error{no, nil}, 2, false, 0},
		"none":                        {[]error{down, down}, 2, false, 0},
		"one could":                   {[]error{no, down}, 2, false, 0},
		"none ever":                   {[]error{no, no, no}, 3, true, 0},
		"the soonest":                 {[]error{later(time.Hour), no, later(time.Minute)}, 3, false, time.Minute},
		"any moment":                  {[]error{later(time.Hour), down}, 2, false, 0},
	} {
		var (
			senders []Sender
			asked   int
		)
		for _, err := range tc.errs {
			senders = append(senders, SenderFunc(func(context.Context, Message) error { asked++; return err }))
		}
		f, err := NewFallback(FallbackConfig{Senders: senders})
		require.NoError(t, err)
		err = f.Send(t.Context(), Message{})
		assert.Equal(t, tc.asked, asked, name)
		if tc.errs[tc.asked-1] == nil {
			require.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		assert.Equal(t, tc.permanent, errors.Is(err, ErrPermanent), name)
		later, ok := errors.AsType[*LaterError](err)
		assert.Equal(t, tc.after > 0, ok, name)
		if ok {
			assert.Equal(t, tc.after, later.After, name)
		}
	}
}

// One that hangs leaves time for the next; a request that is gone ends all.
func TestFallbackTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := SenderFunc(func(ctx context.Context, _ Message) error { <-ctx.Done(); return ctx.Err() })
		o := &outbox{}
		f, err := NewFallback(FallbackConfig{Senders: []Sender{hangs, o}, Timeout: 3 * time.Second})
		require.NoError(t, err)
		start := time.Now()
		require.NoError(t, f.Send(t.Context(), Message{}))
		assert.Equal(t, 3*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start = time.Now()
		require.NoError(t, f.Send(ctx, Message{}), "they share the time that there is")
		assert.Equal(t, time.Second, time.Since(start))

		cancel()
		require.Error(t, f.Send(ctx, Message{}))
		assert.Len(t, o.all(), 2)
	})
}

func TestNewFallbackRefuses(t *testing.T) {
	for want, cfg := range map[string]FallbackConfig{
		"otpdelivery: FallbackConfig.Senders has fewer than two: give the one to try first and those to try after it": {Senders: []Sender{&outbox{}}},
		"otpdelivery: FallbackConfig.Senders[1] is nil: check the error of its constructor":                           {Senders: []Sender{&outbox{}, nil}},
		"otpdelivery: FallbackConfig.Timeout is negative: leave it zero for the default of 10 s":                      {Senders: []Sender{&outbox{}, &outbox{}}, Timeout: -1},
	} {
		_, err := NewFallback(cfg)
		require.EqualError(t, err, want)
	}
}

func TestLogRefusesUnlessItIsTold(t *testing.T) {
	_, err := NewLog(LogConfig{})
	require.ErrorContains(t, err, "InsecureLogCodes")
	var b bytes.Buffer
	l, err := NewLog(LogConfig{Logger: slog.New(slog.NewTextHandler(&b, nil)), InsecureLogCodes: true})
	require.NoError(t, err)
	require.NoError(t, l.Send(t.Context(), Message{To: "a@example.com", Text: "code 123456"}))
	assert.Contains(t, b.String(), "123456")
	l, err = NewLog(LogConfig{Logger: slog.New(slog.DiscardHandler), InsecureLogCodes: true})
	require.NoError(t, err)
	require.ErrorContains(t, l.Send(t.Context(), Message{}), "drops level Info")
}

// A message prints nothing that it says.
func TestMessagesPrintNothing(t *testing.T) {
	m := Message{
		ID: "id", UserID: "u", Channel: Email, To: "secret@example.com", Purpose: "verify", Subject: "secret", Text: "secret", HTML: "secret",
		Fields: Fields{Name: "secret", Code: "secret", Link: "secret"},
	}
	var b bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&b, nil))
	logger.Info("x", "m", m, "fields", m.Fields, "pointer", &m)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+verb+verb, m, &m, m.Fields)
	}
	assert.NotContains(t, b.String(), "secret")
	assert.NotContains(t, b.String(), "736563726574", "hex")
	assert.Contains(t, b.String(), "verify")
	encoded, err := json.Marshal(m)
	require.NoError(t, err)
	assert.Contains(t, string(encoded), "secret", "encoding is for senders")
}

// A sender that panics is one that failed: the next one is asked.
func TestFallbackAfterAPanic(t *testing.T) {
	o := &outbox{}
	f, err := NewFallback(FallbackConfig{Senders: []Sender{SenderFunc(func(context.Context, Message) error { panic("canary") }), o}})
	require.NoError(t, err)
	require.NoError(t, f.Send(t.Context(), Message{ID: "1"}))
	assert.Len(t, o.all(), 1)
	o.fail = func(Message) error { return errors.New("no route") }
	err = f.Send(t.Context(), Message{ID: "2"})
	require.ErrorContains(t, err, "panicked with a string")
	assert.NotContains(t, err.Error(), "canary")
}
