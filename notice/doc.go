// Package notice mails users when something happens to their factors, so that
// they hear of it if it was somebody else (NIST SP 800-63B-4, sections 4.1.2.1
// and 4.2.3).
//
// [Notices] is told of events by the Manager and hands mails to a Sender of
// package otpdelivery. It keeps nothing.
//
// # What is told
//
// A factor was set up, or removed by the user or an admin; a recovery code was
// used, or few are left; wrong codes have begun or lengthened a delay, and a
// right one came after such; the app has another verified address of the user,
// which it says by Manager.ContactChanged. Mails go to User.Email. Those about what was removed
// or changed also go to the address that it was, in lower case, if that was one
// for mails: whoever has taken an account over may have changed User.Email.
//
// # How often
//
// One event is one mail to each address. Wrong codes do not flood an inbox,
// because only a guess that is judged is told, and the Manager lets those wait
// for a delay that doubles from 30 seconds to one hour: at most eight mails
// within 64 minutes, and one an hour from then on. First and second factors
// have such a budget each; that of second factors closes after Limits.Closed
// wrong answers and is silent from then on. A right answer starts the delays
// anew. There is no memory that would thin this out further, since it would
// have to be shared by all processes.
//
// # What it is not
//
// A mail names no address, code, admin or reason, and has no link, because
// links in such mails are what phishers imitate. It is no proof that the user
// has read it. SMS are not sent.
package notice
