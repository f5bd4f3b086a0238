package smtpsender

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"slices"
	"strconv"

	"github.com/go-mfa/mfa/otpdelivery"
)

// sentence is an error of this package, which may be shown as it is.
type sentence string

func (s sentence) Error() string { return string(s) }

// decisive are the steps at which a refusal is about login or mail, and so
// comes again. At the others it may be about the moment, or about whoever sits
// in between.
var decisive = []string{"AUTH", "MAIL", "RCPT", content}

// explain returns the error of a step without what the server said in its own
// words: they may repeat the addressee, the login or the mail.
func explain(ctx context.Context, step string, err error) error {
	var reply *textproto.Error
	var own sentence
	var network net.Error
	var garbled textproto.ProtocolError
	switch {
	case errors.As(err, &reply):
		answer := fmt.Errorf("%s: the server answers %s", step, code(reply))
		if reply.Code/100 == 5 && slices.Contains(decisive, step) {
			return fmt.Errorf("%w: %w", answer, otpdelivery.ErrPermanent)
		}
		return answer
	case errors.Is(err, otpdelivery.ErrPermanent):
		return fmt.Errorf("%s: %w", step, err)
	case errors.As(err, &own):
		return fmt.Errorf("%s: %w", step, own)
	case errors.Is(err, os.ErrDeadlineExceeded): // of ctx, which dialing knows before ctx does
		return fmt.Errorf("%s: the server has not answered yet: %w", step, context.DeadlineExceeded)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: the server has not answered yet: %w", step, ctx.Err())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the server has hung up: %w", step, io.ErrUnexpectedEOF)
	case errors.As(err, &network):
		return fmt.Errorf("%s: %w", step, network)
	case errors.As(err, &garbled) || step != connecting && step != "STARTTLS":
		return fmt.Errorf("%s: the server does not keep to SMTP", step)
	}
	return fmt.Errorf("%s: %w", step, err) // of TLS, above all a wrong certificate
}

// enhanced is the beginning of a reply that has an enhanced status code
// (RFC 3463, section 2).
var enhanced = regexp.MustCompile(`\A([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ \n]|\z)`)

func code(reply *textproto.Error) string {
	s := strconv.Itoa(reply.Code)
	if e := enhanced.FindStringSubmatch(reply.Msg); e != nil {
		s += " " + e[1]
	}
	return s
}
