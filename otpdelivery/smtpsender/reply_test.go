package smtpsender_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/smtpsender"
)

// What the server says, the code and more, repeats the addressee and the mail.
const words = "<" + addressee + "> Your code is 492817 " + username + " " + password

func TestSend_Refusals(t *testing.T) {
	for _, c := range []struct {
		step, reply string
		permanent   bool
		says        string
	}{
		{"RCPT", "550 5.1.1 " + words, true, "RCPT: the server answers 550 5.1.1"},
		{"RCPT", "553 " + words, true, "RCPT: the server answers 553"},
		{"RCPT", "550-5.1.1 " + words + "\r\n550 5.1.1 " + words, true, "RCPT: the server answers 550 5.1.1"},
		{"RCPT", "550 5.1.1", true, "RCPT: the server answers 550 5.1.1"},
		{"RCPT", "550 5.1.1" + words, true, "RCPT: the server answers 550"},
		{"RCPT", "550 5.1.492817 " + words, true, "RCPT: the server answers 550"},
		{"RCPT", "552 5.2.2 " + words, true, "RCPT: the server answers 552 5.2.2"},
		{"RCPT", "450 4.2.0 greylisted " + words, false, "RCPT: the server answers 450 4.2.0"},
		{"RCPT", "451 " + words, false, "RCPT: the server answers 451"},
		{"RCPT", "421 4.3.2 " + words, false, "RCPT: the server answers 421 4.3.2"},
		{"RCPT", "354 " + words, false, "RCPT: the server answers 354"},
		{"RCPT", words, false, "RCPT: the server does not keep to SMTP"},
		{"MAIL", "550 5.7.1 " + words, true, "MAIL: the server answers 550 5.7.1"},
		{"MAIL", "530 5.7.0 " + words, true, "MAIL: the server answers 530 5.7.0"},
		{"MAIL", "452 4.3.1 " + words, false, "MAIL: the server answers 452 4.3.1"},
		{"DATA", "554 5.5.1 " + words, true, "content: the server answers 554 5.5.1"},
		{"DATA", "451 4.3.0 " + words, false, "content: the server answers 451 4.3.0"},
		{"DATA", "250 " + words, false, "content: the server answers 250"},
		{atContent, "554 5.7.1 spam " + words, true, "content: the server answers 554 5.7.1"},
		{atContent, "552 5.3.4 " + words, true, "content: the server answers 552 5.3.4"},
		{atContent, "451 4.7.1 " + words, false, "content: the server answers 451 4.7.1"},
		{"AUTH", "535 5.7.8 " + words, true, "AUTH: the server answers 535 5.7.8"},
		{"AUTH", "534 5.7.9 " + words, true, "AUTH: the server answers 534 5.7.9"},
		{"AUTH", "454 4.7.0 " + words, false, "AUTH: the server answers 454 4.7.0"},
		{"AUTH", "334 " + words, false, "AUTH: the server does not keep to SMTP"},
		{"AUTH", "334 d2hhdD8=", false, "AUTH: the server does not keep to SMTP"},
		{atGreeting, "554 5.7.1 " + words, false, "greeting: the server answers 554 5.7.1"},
		{atGreeting, "421 " + words, false, "greeting: the server answers 421"},
		{atGreeting, "HTTP/1.1 400 " + words, false, "greeting: the server does not keep to SMTP"},
		{"EHLO", "421 4.7.0 " + words, false, "EHLO: the server answers 421 4.7.0"},
		{"EHLO", words, false, "EHLO: the server does not keep to SMTP"},
		{"STARTTLS", "454 4.7.0 " + words, false, "STARTTLS: the server answers 454 4.7.0"},
		{"STARTTLS", "501 5.5.4 " + words, false, "STARTTLS: the server answers 501 5.5.4"},
		{"STARTTLS", words, false, "STARTTLS: the server does not keep to SMTP"},
		{"EHLO again", "550 " + words, false, "STARTTLS: the server answers 550"},
	} {
		t.Run(c.step+" "+c.reply[:3], func(t *testing.T) {
			server := &script{at: c.step, reply: c.reply}
			cfg := server.open(t)
			if c.step == "EHLO" { // and then HELO, which the script takes
				server.act = func(conn net.Conn) {
					fmt.Fprintf(conn, "%s\r\n%[1]s\r\n", c.reply)
					hang(conn)
				}
			}
			err := newSender(t, cfg).Send(t.Context(), message())
			requireRefusal(t, err, c.says, c.permanent)
		})
	}
}

func requireRefusal(t *testing.T, err error, says string, permanent bool) {
	t.Helper()
	want := "smtpsender: " + says
	if permanent {
		require.ErrorIs(t, err, otpdelivery.ErrPermanent)
		want += ": " + otpdelivery.ErrPermanent.Error()
	} else {
		require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
	}
	require.EqualError(t, err, want)
}

// The same over a server that is not ours.
func TestSend_RefusalsOfARealServer(t *testing.T) {
	for step, code := range map[string]int{"MAIL": 550, "RCPT": 550, "content": 554} {
		for _, permanent := range []bool{true, false} {
			o := &office{}
			refusal := &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: words}
			if !permanent {
				refusal.Code -= 100
				refusal.EnhancedCode[0] = 4
			}
			o.refusal = map[string]*smtp.SMTPError{step: refusal}
			err := newSender(t, o.open(t)).Send(t.Context(), message())
			requireRefusal(t, err, fmt.Sprintf("%s: the server answers %d %d.7.1", step, refusal.Code, refusal.Code/100), permanent)
			assert.Empty(t, o.all())
		}
	}
}

func TestSend_WrongPassword(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "LOGIN"} {
		o := &office{mechanisms: []string{mechanism}}
		cfg := o.open(t)
		cfg.Password = "hunter2"
		requireRefusal(t, newSender(t, cfg).Send(t.Context(), message()), "AUTH: the server answers 535 5.7.8", true)

		cfg.Username, cfg.Password = "", ""
		requireRefusal(t, newSender(t, cfg).Send(t.Context(), message()), "MAIL: the server answers 502 5.7.0", true)
		assert.Empty(t, o.all())
	}
}

func TestSend_NoMechanismInCommon(t *testing.T) {
	o := &office{mechanisms: []string{"XOAUTH2", "PLAINTIFF"}}
	err := newSender(t, o.open(t)).Send(t.Context(), message())
	require.ErrorContains(t, err, "smtpsender: AUTH: the server offers neither PLAIN nor LOGIN")
	assert.Empty(t, o.all())
}

// What an attacker adds to the answer in the clear must not count as said over
// TLS.
func TestSend_NothingInTheClearCountsAfterSTARTTLS(t *testing.T) {
	server := &script{at: "STARTTLS", reply: "220 go ahead\r\n250-mail.example.com\r\n250 AUTH LOGIN\r\n"}
	require.NoError(t, newSender(t, server.open(t)).Send(t.Context(), message()))
	assert.True(t, slices.ContainsFunc(server.said(), func(line string) bool { return strings.HasPrefix(line, "AUTH PLAIN ") }),
		"%q", server.said())
}

func TestSend_WhatTheClientSays(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*smtpsender.Config)
		features string
		want     []string
	}{
		"alone":    {func(*smtpsender.Config) {}, "", []string{"EHLO [127.0.0.1]", "MAIL FROM:<login@example.com>"}},
		"HELO":     {func(c *smtpsender.Config) { c.HELO = "app.example.com" }, "", []string{"EHLO app.example.com"}},
		"8BITMIME": {func(*smtpsender.Config) {}, "250-8BITMIME\r\n", []string{"MAIL FROM:<login@example.com> BODY=8BITMIME"}},
		"SMTPUTF8": {func(*smtpsender.Config) {}, "250-SMTPUTF8\r\n", []string{"MAIL FROM:<login@example.com>"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := &script{features: c.features}
			cfg := server.open(t)
			c.change(&cfg)
			require.NoError(t, newSender(t, cfg).Send(t.Context(), message()))
			assert.Subset(t, server.said(), append(c.want, "RCPT TO:<"+addressee+">", "QUIT"))
			assert.NotContains(t, server.said(), "RSET")
		})
	}
}
