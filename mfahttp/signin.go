package mfahttp

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"

	"github.com/go-mfa/mfa"
)

// bindingCookie names the browser that began a sign-in through a factor. Nobody
// else reads it.
const bindingCookie = "mfa_signin"

const bindingSize = 32 // random bytes

// bindingOf returns what names the browser, or "" if nothing does.
func bindingOf(r *http.Request) string {
	cookies := r.CookiesNamed(hostCookie(r, bindingCookie))
	if len(cookies) != 1 {
		return ""
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cookies[0].Value)
	if err != nil || len(raw) != bindingSize {
		return ""
	}
	return cookies[0].Value
}

// bind returns what names the browser, and names it if nothing does yet.
func bind(w http.ResponseWriter, r *http.Request) string {
	if binding := bindingOf(r); binding != "" {
		return binding
	}
	raw := make([]byte, bindingSize)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	binding := base64.RawURLEncoding.EncodeToString(raw)
	setHostCookie(w, r, bindingCookie, binding, 0)
	return binding
}

// finishSignIn has the answer to a sign-in judged and signs the user in. The
// browser is named anew the next time, so that the name is good for nothing
// that follows.
func (h *Handler) finishSignIn(w http.ResponseWriter, r *http.Request, id string, response []byte) (mfa.Status, error) {
	userID, first, err := h.m.FinishSignIn(r.Context(), bindingOf(r), id, response)
	if err != nil {
		return mfa.Status{}, err
	}
	status, err := h.m.SignIn(w, r, userID, first)
	if err != nil {
		return mfa.Status{}, err
	}
	setHostCookie(w, r, bindingCookie, "", -1)
	forgetSent(w, r)
	return status, nil
}
