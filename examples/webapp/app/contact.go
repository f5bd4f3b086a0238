package app

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

// contact is where a user can be reached, as a form or as JSON.
type contact struct {
	Email string `json:"email"`
	Phone string `json:"phone"`
}

func (c *contact) fill(form url.Values) { c.Email, c.Phone = form.Get("email"), form.Get("phone") }

// changeContact changes the user's addresses and tells the library which ones
// they were, so that they hear of it there, too.
func (a *App) changeContact(w http.ResponseWriter, r *http.Request) {
	var to contact
	if f := readBody(w, r, &to); f != nil {
		a.answer(w, r, f)
		return
	}
	s, ok := mfa.FromContext(r.Context())
	if !ok {
		a.fail(w, r, mfa.ErrNoSession)
		return
	}
	to.Email, to.Phone = strings.TrimSpace(to.Email), strings.TrimSpace(to.Phone)
	was, err := a.users.changeContact(r.Context(), s.UserID, to)
	if err == nil && was.Email != to.Email {
		err = a.mfa.ContactChanged(r.Context(), s.UserID, factor.EmailChannel(was.Email))
	}
	if err == nil && was.Phone != to.Phone {
		err = a.mfa.ContactChanged(r.Context(), s.UserID, factor.PhoneChannel(was.Phone))
	}
	switch {
	case err != nil:
		a.fail(w, r, err)
	case wantsJSON(r):
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	}
}
