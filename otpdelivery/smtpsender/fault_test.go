package smtpsender

import (
	"bufio"
	"context"
	"net/textproto"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
)

// FuzzExplain requires that no answer of a server gets its words into an error.
func FuzzExplain(f *testing.F) {
	for _, said := range []string{
		"550 5.1.1 <jane@example.org> unknown\r\n", "550-5.1.1 <jane@example.org>\r\n550 5.1.1 unknown\r\n", "451 jane@example.org later\r\n",
		"jane@example.org\r\n", "250 jane@example.org", "",
	} {
		f.Add(said)
	}
	allowed := regexp.MustCompile(`\ARCPT: (the server answers [1-9][0-9]{2}( [245]\.[0-9]{1,3}\.[0-9]{1,3})?(: ` + otpdelivery.ErrPermanent.Error() +
		`)?|the server does not keep to SMTP|the server has hung up: unexpected EOF)\z`)
	f.Fuzz(func(t *testing.T, said string) {
		_, _, err := textproto.NewReader(bufio.NewReader(strings.NewReader(said))).ReadResponse(25)
		if err == nil {
			return
		}
		explained := explain(context.Background(), "RCPT", err)
		require.Regexp(t, allowed, explained.Error())
		if strings.Contains(explained.Error(), "answers 5") {
			require.ErrorIs(t, explained, otpdelivery.ErrPermanent)
		} else {
			require.NotErrorIs(t, explained, otpdelivery.ErrPermanent)
		}
	})
}
