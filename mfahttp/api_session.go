package mfahttp

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-mfa/mfa"
)

// session is GET /session: what the session is worth now. required_aal asks in
// addition whether it meets a level; it can only refuse, never allow more.
func (h *Handler) session(w http.ResponseWriter, r *http.Request) error {
	required, asked, err := requiredAAL(r)
	if err != nil {
		return err
	}
	s, err := h.m.Load(r)
	if err != nil {
		return err
	}
	if asked {
		if err := h.m.Allow(r.Context(), s, mfa.Requirement{AAL: required}); err != nil {
			return h.notMet(err)
		}
	}
	return h.answerStatus(w, r, s)
}

// requiredAAL reads the parameter required_aal. aal0 would be met by everybody
// and aal3 by nobody: they are refused like any other unknown value.
func requiredAAL(r *http.Request) (level mfa.AAL, asked bool, err error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return 0, false, refusal{problemBadRequest}
	}
	values, asked := query["required_aal"]
	if !asked {
		return 0, false, nil
	}
	if len(values) == 1 {
		level, err = mfa.ParseAAL(values[0])
		if err == nil && level != mfa.AAL0 && level != mfa.AAL3 {
			return level, true, nil
		}
	}
	return 0, false, refusal{problemBadRequest}
}

// notMet says that the session exists and does not have the level.
func (h *Handler) notMet(err error) error {
	var stepUp *mfa.StepUpError
	if !errors.As(err, &stepUp) {
		return err
	}
	p := problemAAL
	p.RequiredAAL = stepUp.Want.String()
	p.Methods = stepUp.Methods
	p.RedirectTo = h.m.Destination(err)
	return refusal{p}
}

// answerStatus answers with the session's document.
func (h *Handler) answerStatus(w http.ResponseWriter, r *http.Request, s mfa.State) error {
	status, err := h.m.Status(r.Context(), s)
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusOK, status)
	return nil
}

// methods is GET /methods: what each configured method is to the session, a
// pending one too.
func (h *Handler) methods(w http.ResponseWriter, r *http.Request) error {
	s, err := h.m.Load(r)
	if err != nil {
		return err
	}
	status, err := h.m.Status(r.Context(), s)
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusOK, status.Methods)
	return nil
}
