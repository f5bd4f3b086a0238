package smtpsender_test

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

func TestNew_Refuses(t *testing.T) {
	for _, c := range []struct {
		change func(*smtpsender.Config)
		says   string
	}{
		{func(c *smtpsender.Config) { c.Host = "" }, `Config.Host is ""`},
		{func(c *smtpsender.Config) { c.Host = "smtp.example.com:587" }, "the port in Config.Port"},
		{func(c *smtpsender.Config) { c.Host = "smtps://smtp.example.com" }, "Config.Host"},
		{func(c *smtpsender.Config) { c.Host = "unix:///run/smtp" }, "Config.Host"},
		{func(c *smtpsender.Config) { c.Host = "smtp.example.com\r\n" }, "Config.Host"},
		{func(c *smtpsender.Config) { c.Port = -1 }, "Config.Port is -1"},
		{func(c *smtpsender.Config) { c.Port = 65536 }, "Config.Port is 65536"},
		{func(c *smtpsender.Config) { c.Port = 465 }, "set Config.Encryption to Implicit"},
		{func(c *smtpsender.Config) { c.Port, c.Encryption = 587, smtpsender.Implicit }, "leave Config.Encryption 0"},
		{func(c *smtpsender.Config) { c.Encryption = 3 }, "Config.Encryption is 3"},
		{func(c *smtpsender.Config) { c.Encryption = -1 }, "Config.Encryption is -1"},
		{func(c *smtpsender.Config) { c.Encryption, c.TLSConfig = smtpsender.InsecureNone, &tls.Config{} }, "leave out one of them"},
		{func(c *smtpsender.Config) { c.Username = "" }, "only one of Username and Password"},
		{func(c *smtpsender.Config) { c.Password = "" }, "only one of Username and Password"},
		{func(c *smtpsender.Config) { c.From = "" }, "Config.From is"},
		{func(c *smtpsender.Config) { c.From = "Example" }, "Config.From is"},
		{func(c *smtpsender.Config) { c.From = "a@example.com, b@example.com" }, "Config.From is"},
		{func(c *smtpsender.Config) { c.From = "Example <login@example.com>\r\nBcc: x@example.com" }, "Config.From is"},
		{func(c *smtpsender.Config) { c.From = "=?utf-8?q?a=0D=0ABcc:?= <login@example.com>" }, "Config.From is"},
		{func(c *smtpsender.Config) { c.From = "login@[127.0.0.1]" }, "Config.From is"},
		{func(c *smtpsender.Config) { c.From = "login@例え.jp" }, "begins with xn--"},
		{func(c *smtpsender.Config) { c.ReplyTo = "help" }, "Config.ReplyTo is"},
		{func(c *smtpsender.Config) { c.HELO = "app server" }, "Config.HELO is"},
		{func(c *smtpsender.Config) { c.HELO = "app\r\nMAIL" }, "Config.HELO is"},
		{func(c *smtpsender.Config) { c.Timeout = -time.Second }, "Config.Timeout is -1s"},
	} {
		cfg := smtpsender.Config{Host: "smtp.example.com", Username: username, Password: password, From: "Example <login@example.com>"}
		_, err := smtpsender.New(cfg)
		require.NoError(t, err)
		c.change(&cfg)
		s, err := smtpsender.New(cfg)
		require.ErrorContains(t, err, c.says)
		assert.Nil(t, s)
		assert.NotContains(t, err.Error(), password)
		assert.Regexp(t, `^smtpsender: Config[^\n]*[^.]$`, err.Error())
	}
}

func TestNew_Defaults(t *testing.T) {
	for _, c := range []struct {
		encryption smtpsender.Encryption
		port, want int
	}{
		{smtpsender.STARTTLS, 0, 587},
		{smtpsender.STARTTLS, 25, 25},
		{smtpsender.Implicit, 0, 465},
		{smtpsender.Implicit, 2465, 2465},
		{smtpsender.InsecureNone, 0, 587},
	} {
		s := newSender(t, smtpsender.Config{Host: "::1", Port: c.port, Encryption: c.encryption, From: "login@example.com"})
		assert.Equal(t, fmt.Sprintf("Sender(::1:%d, redacted)", c.want), fmt.Sprint(s))
	}
}

func TestNew_CopiesTheConfig(t *testing.T) {
	o := &office{}
	cfg := o.open(t)
	s := newSender(t, cfg)
	assert.Empty(t, cfg.TLSConfig.ServerName, "it was changed")
	assert.Zero(t, cfg.TLSConfig.MinVersion, "it was changed")
	cfg.TLSConfig.RootCAs = newAuthority(t).pool
	require.NoError(t, s.Send(t.Context(), message()))
}

func TestSender_PrintsNoPassword(t *testing.T) {
	s := newSender(t, smtpsender.Config{Host: "smtp.example.com", Username: username, Password: "hunter2", From: "login@example.com"})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.NotContains(t, fmt.Sprintf(verb, s), "hunter2")
		assert.NotContains(t, fmt.Sprintf(verb, s), "68756e74657232")
	}
}
