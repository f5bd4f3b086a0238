package mfahttp

import (
	"net/http"

	"github.com/go-mfa/mfa"
)

// beginSignIn is POST /signin. It answers the same for a name that nobody has.
func (h *Handler) beginSignIn(w http.ResponseWriter, r *http.Request) error {
	var o mfa.SignInOptions
	err := readObject(w, r,
		field{"method", &o.Method, true},
		field{"username", &o.Name, true},
		field{"params", &o.Params, false},
	)
	if err != nil {
		return err
	}
	o.Binding = bind(w, r)
	c, err := h.m.BeginSignIn(r.Context(), o)
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusCreated, c)
	return nil
}

// endSignIn is POST /signin/{id}. Whether the session is signed in or waits for
// a second factor is in its document.
func (h *Handler) endSignIn(w http.ResponseWriter, r *http.Request) error {
	var response responseBytes
	if err := readObject(w, r, field{"response", &response, true}); err != nil {
		return err
	}
	status, err := h.finishSignIn(w, r, r.PathValue("id"), response)
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusOK, status)
	return nil
}

// resendSignIn is POST /signin/{id}/resend.
func (h *Handler) resendSignIn(w http.ResponseWriter, r *http.Request) error {
	if err := readNothing(w, r); err != nil {
		return err
	}
	c, err := h.m.ResendSignIn(r.Context(), bindingOf(r), r.PathValue("id"))
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusAccepted, c)
	return nil
}
