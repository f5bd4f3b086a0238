package mfahttp

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/go-mfa/mfa/factor"
)

// sentCookie keeps what a page needs to ask for a code that was sent, so that it
// is a page that can be left, come back to and loaded again: people read their
// mail in between, perhaps in the same tab. What is in it opens nothing.
const sentCookie = "mfa_sent"

// sentLife is how long the cookie is kept, in seconds: as long as a code is good.
const sentLife = 10 * 60

// sent is a ceremony for which a code was sent.
type sent struct {
	Purpose factor.Purpose `json:"purpose"`
	Method  string         `json:"method,omitempty"` // of a verification or an enrolment
	ID      string         `json:"id"`
	To      string         `json:"to,omitempty"` // masked
	// ReturnTo is where the user was going: a link in the message leads on there.
	ReturnTo string `json:"return_to,omitempty"`
}

// The values of the parameter sent of pages that ask for a code.
const (
	sentFirst = "first"
	sentAgain = "again"
)

// askForCode leads to the page that asks for a code, after it was sent.
func askForCode(w http.ResponseWriter, r *http.Request, s sent, times, page string) error {
	s.ReturnTo = returnPath(r)
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	setHostCookie(w, r, sentCookie, base64.RawURLEncoding.EncodeToString(value), sentLife)
	seeOther(w, r, withParams(page, "sent", times))
	return nil
}

// sentFor returns what was sent, if the page was asked for to ask for it.
func sentFor(r *http.Request, purpose factor.Purpose, method string) (s sent, again, ok bool) {
	times := r.URL.Query().Get("sent")
	if r.Method != http.MethodGet || times != sentFirst && times != sentAgain {
		return sent{}, false, false
	}
	s = lastSent(r)
	return s, times == sentAgain, s.ID != "" && s.Purpose == purpose && s.Method == method
}

// lastSent returns what the cookie has, the zero value if it has nothing.
func lastSent(r *http.Request) (s sent) {
	cookie, err := r.Cookie(hostCookie(r, sentCookie))
	if err != nil {
		return sent{}
	}
	value, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || json.Unmarshal(value, &s) != nil {
		return sent{}
	}
	return s
}

// forgetSent takes the cookie away, once the code was taken.
func forgetSent(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(hostCookie(r, sentCookie)); err == nil {
		setHostCookie(w, r, sentCookie, "", -1)
	}
}
