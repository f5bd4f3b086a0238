package faultsweep

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/otpdelivery"
)

// mailbox is the user's: it takes what the Manager has sent.
type mailbox struct {
	address string
	queue   *otpdelivery.Queue
	mails   chan otpdelivery.Message
}

const (
	emailMethod = "email"
	linkPrefix  = "https://example.test/mfa"
	// browser names the one that signs in.
	browser = "the cookie of a browser"
)

// openMailbox adds codes by e-mail to a Manager, which knows the user's name and
// address. Budgets of sends are high: all runs over one store share that of the
// day.
func (r *run) openMailbox(c *mfa.Config, contact bool) {
	r.t.Helper()
	r.mail = &mailbox{address: strings.ToLower(strings.ReplaceAll(r.user, " ", ".")) + "@example.com", mails: make(chan otpdelivery.Message, mostCalls)}
	var err error
	r.mail.queue, err = otpdelivery.NewQueue(otpdelivery.QueueConfig{Now: c.Now, Sender: otpdelivery.SenderFunc(func(_ context.Context, m otpdelivery.Message) error {
		r.mail.mails <- m
		return nil
	})})
	r.must("making a queue", err)
	r.t.Cleanup(func() { r.must("emptying the queue", r.mail.queue.Shutdown(context.Background())) })
	const many = 1 << 20
	email, err := otpdelivery.NewEmail(otpdelivery.Config{
		App: "Example", Sender: r.mail.queue, SignIn: true, UseVerifiedContact: contact, Links: true, BaseURL: linkPrefix,
		Limits: otpdelivery.Limits{PerUser: many, PerAddress: many, PerDay: many},
	})
	r.must("making a factor", err)
	c.Factors = append(slices.Clone(c.Factors), storedFirst{email, r})
	c.User = func(_ context.Context, id string) (mfa.User, error) {
		return mfa.User{ID: id, Name: id, Email: r.mail.address}, nil
	}
	c.FindUser = func(_ context.Context, name string) (string, error) {
		if name == r.user {
			return r.user, nil
		}
		return "", mfa.ErrNotFound
	}
}

// storedFirst is the factor, which may send nothing whose ceremony is not stored
// (F08).
type storedFirst struct {
	*otpdelivery.Factor

	r *run
}

func (f storedFirst) BeginEnroll(ctx context.Context, r factor.Request) (factor.Step, error) {
	step, err := f.Factor.BeginEnroll(ctx, r)
	return f.checked(step), err
}

func (f storedFirst) BeginVerify(ctx context.Context, r factor.Request) (factor.Step, error) {
	step, err := f.Factor.BeginVerify(ctx, r)
	return f.checked(step), err
}

func (f storedFirst) checked(step factor.Step) factor.Step {
	deliver := step.Deliver
	step.Deliver = func(ctx context.Context) error {
		if _, err := f.r.store.Inner.Record(context.WithoutCancel(ctx), f.r.lastCeremony()); err != nil {
			f.r.t.Errorf("a code is sent whose ceremony is not stored: %v", err)
		}
		return deliver(ctx)
	}
	return step
}

// mailed waits for a code of a ceremony.
func (r *run) mailed(ceremony string) string {
	r.t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case m := <-r.mail.mails:
			if isOf(m, ceremony) {
				return m.Fields.Code
			}
		case <-late:
			r.t.Fatal("no code was sent")
		}
	}
}

// mailedLast returns the last code that was sent for a ceremony. No other is
// sent from then on.
func (r *run) mailedLast(ceremony string) (code string) {
	r.t.Helper()
	r.must("emptying the queue", r.mail.queue.Shutdown(r.t.Context()))
	for len(r.mail.mails) > 0 {
		if m := <-r.mail.mails; isOf(m, ceremony) {
			code = m.Fields.Code
		}
	}
	return code
}

func isOf(m otpdelivery.Message, ceremony string) bool {
	return strings.HasPrefix(m.Fields.Link, linkPrefix+"/link/"+m.Purpose+"."+ceremony+".")
}

// nothingMailed checks that no message was sent.
func (r *run) nothingMailed() {
	r.t.Helper()
	r.must("emptying the queue", r.mail.queue.Shutdown(r.t.Context()))
	if n := len(r.mail.mails); n > 0 {
		r.t.Errorf("%d messages were sent", n)
	}
}

// otherThan is a code of the same length that is wrong.
func otherThan(code string) []byte {
	if code == "000000" {
		return []byte("111111")
	}
	return []byte("000000")
}

// mailRight verifies with a code that is sent for it.
func (r *run) mailRight() {
	r.t.Helper()
	s, id := r.mailBegun()
	s, err := r.Manager.FinishVerify(r.t.Context(), s, id, []byte(r.mailed(id)))
	r.must("verifying with a code that was sent", err)
	if s.Pending {
		r.t.Error("verified with a code that was sent, and still pending")
	}
}

// mailWrong checks that a wrong code is judged.
func (r *run) mailWrong() {
	r.t.Helper()
	s, id := r.mailBegun()
	if _, err := r.Manager.FinishVerify(r.t.Context(), s, id, otherThan(r.mailed(id))); !errors.Is(err, mfa.ErrRejected) {
		r.t.Errorf("a wrong code is not judged: %v", err)
	}
}

func (r *run) mailBegun() (mfa.State, string) {
	r.t.Helper()
	s := r.signedIn()
	return s, r.beginVerify(s, emailMethod).ID
}

// enrolAddress enrols an address with the code that is sent there.
func (r *run) enrolAddress(s mfa.State) mfa.State {
	r.t.Helper()
	c := r.beginAddress(s)
	_, next, err := r.Manager.FinishEnroll(r.t.Context(), s, c.ID, []byte(r.mailed(c.ID)))
	r.must("enrolling an address", err)
	return next
}

func (r *run) beginAddress(s mfa.State) *mfa.Ceremony {
	r.t.Helper()
	return r.began(r.Manager.BeginEnroll(r.t.Context(), s, r.addressOptions()))
}

func (r *run) addressOptions() mfa.EnrollOptions {
	return mfa.EnrollOptions{Method: emailMethod, Params: map[string]string{"address": "work." + r.mail.address}}
}

func (r *run) beginSignIn(name string) *mfa.Ceremony {
	r.t.Helper()
	return r.began(r.Manager.BeginSignIn(r.t.Context(), mfa.SignInOptions{Method: emailMethod, Name: name, Binding: browser}))
}
