package mfahttp

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-mfa/mfa"
)

const (
	titleRecovery = "Recovery codes"
	responseSaved = "saved"
)

func (h *Handler) recoveryPage(w http.ResponseWriter, r *http.Request) error {
	return h.showRecovery(w, r, nil)
}

// showRecovery shows how many codes are left, never the codes.
func (h *Handler) showRecovery(w http.ResponseWriter, r *http.Request, failed error) error {
	ctx, returnTo := r.Context(), returnPath(r)
	s, err := h.m.Load(r)
	if err != nil {
		return h.backToRecovery(r, err)
	}
	if err := h.m.Allow(ctx, s, mfa.Requirement{}); err != nil {
		return h.backToRecovery(r, err)
	}
	status, err := h.m.Status(ctx, s)
	if err != nil {
		return err
	}
	ms, ok := methodStatus(status, methodLookup)
	if !ok {
		return mfa.ErrNotFound
	}
	creds, err := h.m.Credentials(ctx, s.UserID)
	if err != nil {
		return err
	}
	page := RecoveryPage{
		Page: h.newPage(titleRecovery, true, returnTo), CanCreate: ms.Enrollable,
		BackURL: h.afterRecovery(returnTo),
	}
	page.Enrolled, page.Left, page.Total = codesLeft(creds)
	var a alert
	if failed != nil {
		a = h.alertFor(w, r, failed, sentences{"rejected": "These codes were confirmed before, or it is too late for that. Create new ones if you are not sure."})
	}
	h.show(w, r, a, "recovery_codes.html", &page, &page.Page)
	return nil
}

// beginRecoveryForm makes codes. Its answer is the only one that shows them,
// and the old ones work until they are confirmed.
func (h *Handler) beginRecoveryForm(w http.ResponseWriter, r *http.Request) error {
	s, err := h.m.Load(r)
	if err != nil {
		return h.backToRecovery(r, err)
	}
	status, err := h.m.Status(r.Context(), s)
	if err != nil {
		return err
	}
	ms, ok := methodStatus(status, methodLookup)
	if !ok {
		return mfa.ErrNotFound
	}
	c, err := h.m.BeginEnroll(r.Context(), s, mfa.EnrollOptions{Method: methodLookup})
	if err != nil {
		return h.backToRecovery(r, err)
	}
	var prompt struct {
		Codes []string `json:"codes"`
	}
	if err := readPrompt(c.Prompt, &prompt); err != nil {
		return err
	}
	page := RecoveryPage{
		Page: h.newPage(titleRecovery, !s.Pending, returnPath(r)), Enrolled: ms.Enrolled > 0, CanCreate: true,
		Codes: prompt.Codes, Ceremony: c.ID, BackURL: h.afterRecovery(returnPath(r)),
	}
	h.show(w, r, alert{}, "recovery_codes.html", &page, &page.Page)
	return nil
}

func (h *Handler) confirmRecoveryForm(w http.ResponseWriter, r *http.Request) error {
	_, err := h.m.Update(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
		_, s, err := h.m.FinishEnroll(ctx, s, r.PostForm.Get("id"), []byte(responseSaved))
		return s, err
	})
	switch {
	case err == nil:
		seeOther(w, r, h.done(returnPath(r), "codes"))
		return nil
	case errors.Is(err, mfa.ErrRejected):
		return h.showRecovery(w, r, err)
	}
	return h.backToRecovery(r, err)
}

// afterRecovery is where to go without new codes.
func (h *Handler) afterRecovery(returnTo string) string {
	if returnTo != "" {
		return returnTo
	}
	return h.url("/")
}

func (h *Handler) backToRecovery(r *http.Request, err error) error {
	return pageError{error: err, back: h.url("/recovery-codes", "return_to", returnPath(r))}
}
