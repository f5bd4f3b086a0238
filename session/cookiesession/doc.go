// Package cookiesession is a session for apps that have none: the whole state
// travels in one encrypted cookie, and nothing is stored on the server.
//
// The cookie is __Host-mfa: Secure, HttpOnly, Path=/, SameSite=Lax, without a
// Domain. Only a request over plain HTTP from this machine to this machine, as
// in development, gets the cookie "mfa" without Secure instead; each request
// is read only by the name that is proper to it. A reverse proxy on the same
// machine must pass the client's Host on, or its requests look like that.
//
// # Known limits
//
//   - There is nothing on the server to delete: whoever has copied a cookie can
//     use it until its Lifetime is over, also after the user has signed out or
//     gone on to another cookie. Removing a credential takes effect at once
//     all the same, and so does Requirement.MaxAge.
//   - When two tabs verify at the same moment, the later Save wins and the other
//     verification is lost. They are never mixed.
//   - A handler that runs after Save in the same request still reads the cookie
//     that the request brought.
//
// Apps that need to end sessions at once take a session with a server side,
// such as package scssession.
package cookiesession
