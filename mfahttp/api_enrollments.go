package mfahttp

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-mfa/mfa"
)

// beginEnrollment is POST /enrollments.
func (h *Handler) beginEnrollment(w http.ResponseWriter, r *http.Request) error {
	var o mfa.EnrollOptions
	err := readObject(w, r,
		field{"method", &o.Method, true},
		field{"name", &o.Name, false},
		field{"params", &o.Params, false},
	)
	if err != nil {
		return err
	}
	s, err := h.m.Load(r)
	if err != nil {
		return err
	}
	c, err := h.m.BeginEnroll(r.Context(), s, o)
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusCreated, c)
	return nil
}

// enrolled is the answer to a finished enrolment.
type enrolled struct {
	Credential          mfa.CredentialInfo `json:"credential"`
	RecoveryCodesNeeded bool               `json:"recovery_codes_needed"`
}

// finishEnrollment is POST /enrollments/{id}.
func (h *Handler) finishEnrollment(w http.ResponseWriter, r *http.Request) error {
	var (
		response responseBytes
		out      enrolled
	)
	if err := readObject(w, r, field{"response", &response, true}); err != nil {
		return err
	}
	_, err := h.m.Update(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
		// Read before, so that its failure cannot hide an enrolment that took place.
		before, err := h.m.Status(ctx, s)
		if err != nil {
			return s, err
		}
		out.Credential, s, err = h.m.FinishEnroll(ctx, s, r.PathValue("id"), response)
		out.RecoveryCodesNeeded = recoveryCodesNeeded(before.Methods, out.Credential.Method)
		return s, err
	})
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusCreated, out)
	return nil
}

// recoveryCodesNeeded reports whether somebody who has just enrolled a method
// is left without recovery, though a recovery method is configured.
func recoveryCodesNeeded(before []mfa.MethodStatus, method string) bool {
	recovery := func(s mfa.MethodStatus) bool { return s.Recovery }
	return slices.ContainsFunc(before, recovery) &&
		!slices.ContainsFunc(before, func(s mfa.MethodStatus) bool {
			return s.Recovery && (s.Enrolled > 0 || s.Method == method)
		})
}

// resend is POST /enrollments/{id}/resend and POST /challenges/{id}/resend:
// the code of a ceremony is delivered again.
func (h *Handler) resend(w http.ResponseWriter, r *http.Request) error {
	if err := readNothing(w, r); err != nil {
		return err
	}
	s, err := h.m.Load(r)
	if err != nil {
		return err
	}
	c, err := h.m.Resend(r.Context(), s, r.PathValue("id"))
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusAccepted, c)
	return nil
}
