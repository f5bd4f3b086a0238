package smtpsender_test

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

func TestSend_NothingToAServerWithoutSTARTTLS(t *testing.T) {
	o := &office{noTLS: true, mechanisms: []string{"PLAIN"}}
	err := newSender(t, o.open(t)).Send(t.Context(), message())
	require.ErrorContains(t, err, "smtpsender: STARTTLS: the server does not offer it")
	require.NotErrorIs(t, err, otpdelivery.ErrPermanent, "or whoever takes it out of the answer could suppress mails")
	assert.Empty(t, o.all())
}

func TestSend_NothingBeforeTheCertificateIsRight(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		stranger := newAuthority(t)
		for name, c := range map[string]struct {
			office *office
			change func(*smtpsender.Config)
			says   string
		}{
			"unknown authority": {&office{}, func(c *smtpsender.Config) { c.TLSConfig = &tls.Config{RootCAs: stranger.pool} }, "unknown authority"},
			"another name":      {&office{names: []string{"mail.example.net"}}, func(*smtpsender.Config) {}, "127.0.0.1"},
			"another ServerName": {&office{}, func(c *smtpsender.Config) {
				c.TLSConfig.ServerName = "mail.example.com"
			}, "mail.example.com"},
			"no TLSConfig": {&office{}, func(c *smtpsender.Config) { c.TLSConfig = nil }, "certificate"},
		} {
			t.Run(name, func(t *testing.T) {
				o := c.office
				o.implicit, o.mechanisms = implicit, []string{"PLAIN"}
				cfg := o.open(t)
				c.change(&cfg)
				err := newSender(t, cfg).Send(t.Context(), message())
				var wrong *tls.CertificateVerificationError
				require.ErrorAs(t, err, &wrong)
				assert.ErrorContains(t, err, c.says)
				require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
				assert.Empty(t, o.all())
			})
		}
	}
}

func TestSend_TheNameOfTheCertificateCanBeSet(t *testing.T) {
	o := &office{names: []string{"mail.example.com"}}
	cfg := o.open(t)
	cfg.TLSConfig.ServerName = "mail.example.com"
	require.NoError(t, newSender(t, cfg).Send(t.Context(), message()))
}

func TestSend_OldTLSIsRefused(t *testing.T) {
	o := &office{}
	cfg := o.open(t)
	cfg.TLSConfig.MaxVersion = tls.VersionTLS11
	require.ErrorContains(t, newSender(t, cfg).Send(t.Context(), message()), "STARTTLS: tls: ")
	assert.Empty(t, o.all())
}
