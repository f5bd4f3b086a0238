package mfahttp

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

const (
	rejectedDelivery = "That code did not work. Enter the last one that was sent for this page, or ask for another."
	noticeResent     = "We have sent another code. The one before does not work any more."
	codeResent       = "resent"
)

// beginAddressForm sends a code to an address that is to be enrolled.
func (h *Handler) beginAddressForm(w http.ResponseWriter, r *http.Request) error {
	s, err := h.m.Load(r)
	if err != nil {
		return h.backToEnroll(r, err)
	}
	c, err := h.m.BeginEnroll(r.Context(), s, mfa.EnrollOptions{
		Method: r.PathValue("method"), Params: map[string]string{"address": r.PostForm.Get("address")},
	})
	return h.showAddress(w, r, h.newEnrollPage(r.PathValue("method"), !s.Pending, returnPath(r)), c, sentFirst, err)
}

// resendAddressForm sends another code to the same address.
func (h *Handler) resendAddressForm(w http.ResponseWriter, r *http.Request) error {
	method := r.PathValue("method")
	if !delivered(method) {
		return mfa.ErrNotFound
	}
	s, err := h.m.Load(r)
	if err != nil {
		return h.backToEnroll(r, err)
	}
	c, err := h.m.Resend(r.Context(), s, r.PostForm.Get("id"))
	return h.showAddress(w, r, h.newEnrollPage(method, !s.Pending, returnPath(r)), c, sentAgain, err)
}

// showAddress leads to where the code that was sent is asked for. If none was, it
// says why, and shows again what the request came from.
func (h *Handler) showAddress(w http.ResponseWriter, r *http.Request, page EnrollPage, c *mfa.Ceremony, times string, failed error) error {
	var a alert
	switch {
	case failed == nil:
		to, err := sentTo(c)
		if err != nil {
			return err
		}
		return askForCode(w, r, sent{Purpose: factor.PurposeEnroll, Method: page.Method, ID: c.ID, To: to}, times, page.StartURL)
	case h.m.Destination(failed) != "" || errors.Is(failed, mfa.ErrNotFound) || errors.Is(failed, mfa.ErrConflict):
		return h.backToEnroll(r, failed)
	default:
		if !errors.Is(failed, mfa.ErrRejected) {
			page.Ceremony, page.To = r.PostForm.Get("id"), r.PostForm.Get("to")
		}
		page.Address = r.PostForm.Get("address")
		say := notSent(failed)
		say["bad_request"] = "We cannot send a code there: check the address."
		if page.Method == methodSMS {
			say["bad_request"] = "We cannot send a code there: check the number, and that it begins with + and the code of a country that we send to."
		}
		a = h.alertFor(w, r, failed, say)
	}
	h.show(w, r, a, "enroll.html", &page, &page.Page)
	return nil
}

// sendForm sends a code to verify with. Like verifyForm it begins with Refresh.
func (h *Handler) sendForm(w http.ResponseWriter, r *http.Request) error {
	choice := choiceOf(r, r.PostForm)
	s, err := h.m.Load(r)
	if err != nil {
		return pageError{error: err, back: h.next(choice.returnTo)}
	}
	if !delivered(choice.method) || !choice.allows(choice.method) {
		return h.showVerify(w, r, s, choice, mfa.ErrNotEnrolled)
	}
	o := mfa.VerifyOptions{Method: choice.method, Refresh: true}
	if id := r.PostForm.Get("credential"); id != "" {
		o.Params = map[string]string{"credential": id}
	}
	c, err := h.m.BeginVerify(r.Context(), s, o)
	return h.showSent(w, r, s, choice, c, sentFirst, err)
}

// resendForm sends another code to the same address.
func (h *Handler) resendForm(w http.ResponseWriter, r *http.Request) error {
	choice := choiceOf(r, r.PostForm)
	choice.ceremony, choice.to = r.PostForm.Get("id"), r.PostForm.Get("to")
	s, err := h.m.Load(r)
	if err != nil {
		return pageError{error: err, back: h.next(choice.returnTo)}
	}
	c, err := h.m.Resend(r.Context(), s, choice.ceremony)
	return h.showSent(w, r, s, choice, c, sentAgain, err)
}

// showSent leads to where the code that was sent is asked for, or says why none
// was.
func (h *Handler) showSent(w http.ResponseWriter, r *http.Request, s mfa.State, choice verifyChoice, c *mfa.Ceremony, times string, failed error) error {
	switch {
	case failed == nil:
		to, err := sentTo(c)
		if err != nil {
			return err
		}
		return askForCode(w, r, sent{Purpose: factor.PurposeVerify, Method: choice.method, ID: c.ID, To: to}, times, h.verifyURL(choice))
	case h.m.Destination(failed) != "":
		return pageError{error: failed, back: h.next(choice.returnTo)}
	case errors.Is(failed, mfa.ErrRejected):
		choice.ceremony = ""
	}
	choice.say = notSent(failed)
	return h.showVerify(w, r, s, choice, failed)
}

// fillDelivery fills what the verify page shows of a method that sends a code:
// where one can go, or where one went.
func (h *Handler) fillDelivery(r *http.Request, page *VerifyPage, userID string, choice verifyChoice) error {
	if page.Delivered = delivered(page.Method); !page.Delivered {
		return nil
	}
	if choice.ceremony != "" && choice.method == page.Method {
		page.Ceremony, page.To = choice.ceremony, choice.to
		page.StartURL = h.verifyURL(choice)
		if choice.notice != "" {
			page.Notice, page.NoticeCode = choice.notice, codeResent
		}
		return nil
	}
	creds, err := h.m.Credentials(r.Context(), userID)
	if err != nil {
		return err
	}
	for _, c := range creds {
		if address := addressOf(c.Details); c.Method == page.Method && address != "" {
			named := Address{ID: c.ID, Text: address}
			if c.Name != c.Method { // which is what one is called that has no name
				named.Name = c.Name
			}
			page.Addresses = append(page.Addresses, named)
		}
	}
	return nil
}

func (h *Handler) verifyURL(choice verifyChoice) string {
	return h.url("/verify", "method", choice.method, "methods", choice.allowed, "return_to", choice.returnTo)
}

// sentTo reads from a prompt where the code went, masked.
func sentTo(c *mfa.Ceremony) (string, error) {
	var prompt struct {
		To string `json:"to"`
	}
	err := readPrompt(c.Prompt, &prompt)
	return prompt.To, err
}

// notSent says why no code was sent.
func notSent(err error) sentences {
	wait := time.Duration(mfa.ProblemFor(err).RetryAfter) * time.Second
	return sentences{
		"throttled": "No other code can be sent now. Try again in " + inWords(wait) + ".",
		"rejected":  "It is too late for that. Ask for a new code.",
	}
}
