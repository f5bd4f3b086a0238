package app

import (
	"context"
	"errors"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/notice"
	"github.com/go-mfa/mfa/otpdelivery"
)

// delivery is what the library sends with: codes to sign in and to verify with,
// and notices. It exists in development only, where messages go to an outbox;
// another app gives the queues smtpsender and twilio.
type delivery struct {
	outbox  *outbox
	codes   *otpdelivery.Queue
	mails   *otpdelivery.Queue // notices, which codes must not wait for
	factors []mfa.Factor
	notices *notice.Notices
}

// everywhere is where SMS go: in development they cost nothing. An app names the
// countries that its users live in.
var everywhere = []string{"+1", "+2", "+3", "+4", "+5", "+6", "+7", "+8", "+9"}

func (a *App) newDelivery(o Options) (*delivery, error) {
	d := &delivery{outbox: &outbox{}}
	queue := otpdelivery.QueueConfig{Sender: d.outbox, Now: o.Now, Logger: o.Logger}
	if o.Sender != nil {
		queue.Sender = o.Sender
	}
	var err error
	if d.codes, err = otpdelivery.NewQueue(queue); err != nil {
		return nil, err
	}
	if d.mails, err = otpdelivery.NewQueue(queue); err != nil {
		return nil, err
	}
	cfg := otpdelivery.Config{
		App: appName, Sender: d.codes, BaseURL: o.Origin + "/mfa", UseVerifiedContact: true, SignIn: true,
	}
	sms := cfg
	sms.Countries = everywhere
	bySMS, err := otpdelivery.NewSMS(sms)
	if err != nil {
		return nil, err
	}
	cfg.Links = true
	byEmail, err := otpdelivery.NewEmail(cfg)
	if err != nil {
		return nil, err
	}
	d.factors = []mfa.Factor{byEmail, bySMS}
	d.notices, err = notice.New(notice.Config{App: appName, Sender: d.mails, User: a.mfaUser, Logger: o.Logger})
	return d, err
}

// shutdownTime is how long the app waits, at its end, for what is not sent yet.
const shutdownTime = 10 * time.Second

// close sends what is left.
func (d *delivery) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return errors.Join(d.notices.Shutdown(ctx), d.codes.Shutdown(ctx), d.mails.Shutdown(ctx))
}
