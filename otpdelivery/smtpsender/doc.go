// Package smtpsender sends e-mails of package otpdelivery through an SMTP
// server, such as that of a mail provider:
//
//	sender, err := smtpsender.New(smtpsender.Config{
//		Host:     "smtp.example.com",
//		Username: "login@example.com",
//		Password: os.Getenv("SMTP_PASSWORD"),
//		From:     "Example <login@example.com>",
//	})
//
// The connection is encrypted, and the server's certificate must be right,
// before it learns anything (RFC 8314). A server that offers no encryption gets
// no password and no message. Only [InsecureNone] changes that.
//
// Every message takes a connection of its own, which is closed in the end:
// there is nothing to close, to keep alive, or to find broken. Connecting takes
// most of the time, about five times the way to the server and back. A [Sender]
// limits neither how many connections there are nor how many messages are sent.
// Wrap it in an otpdelivery.Queue, so that nobody waits for it.
//
// A mail has the text and, beside it, the HTML of its message. Its Message-ID is
// made of the message's ID, so that a mail that was sent twice can be recognised
// as one. It is marked as generated automatically (RFC 3834), so that nobody's
// absence note answers it. It is not signed: DKIM is the server's business.
//
// # Errors
//
// An error wraps otpdelivery.ErrPermanent if the server refuses login, sender,
// addressee or mail for good (a code from 500 to 599), if the message is no
// e-mail, or if it could forge a header. After any other one the message may
// be sent again: after a temporary refusal (400 to 499), after a lost
// connection, when the time is over, and also after a wrong certificate or
// missing encryption, because whoever sits between app and server could
// otherwise suppress messages for good. If the time was over while the server
// answered for the mail as a whole, it may arrive twice.
//
// Errors say at which command it happened and give the server's code, never
// its words, which may name the addressee.
package smtpsender
