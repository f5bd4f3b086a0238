package mfahttp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-mfa/mfa"
)

// What a request can be refused with before it reaches the Manager.
var (
	problemBadRequest = mfa.Problem{Status: http.StatusBadRequest, Code: "bad_request", Title: "The request cannot be read"}
	// problemAAL says that GET /session?required_aal= is not met. Its code is
	// the same for every level.
	problemAAL         = mfa.Problem{Status: http.StatusForbidden, Code: "session_aal2_required", Title: "The session does not have the required level"}
	problemCrossOrigin = mfa.Problem{Status: http.StatusForbidden, Code: "cross_origin", Title: "The request comes from another origin"}
	problemNotFound    = mfa.ProblemFor(mfa.ErrNotFound)
	problemMethod      = mfa.Problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Title: "This method is not allowed here"}
	problemTooLarge    = mfa.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Title: "The request is too large"}
	problemMediaType   = mfa.Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Title: "Send application/json"}
)

// refusal is a problem that a handler found by itself.
type refusal struct{ mfa.Problem }

// Error implements error.
func (e refusal) Error() string { return "mfahttp: " + e.Title }

// fail answers with what a client may know of an error, and logs it if it is a
// fault.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if own, ok := errors.AsType[refusal](err); ok {
		h.problem(w, r, own.Problem)
		return
	}
	p := mfa.ProblemFor(err)
	p.RedirectTo = h.m.Destination(err)
	if p.Status == http.StatusServiceUnavailable {
		h.cfg.Logger.ErrorContext(r.Context(), "mfahttp: fault", "route", r.Pattern, "error", err)
	}
	h.problem(w, r, p)
}

func (h *Handler) problem(w http.ResponseWriter, r *http.Request, p mfa.Problem) {
	if err := p.Write(w); err != nil {
		h.cfg.Logger.DebugContext(r.Context(), "mfahttp: writing an answer", "error", err)
	}
}

// answer writes a document. It is encoded before the status is sent, so that a
// failure is still a 503.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, status int, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	body = append(body, '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		h.cfg.Logger.DebugContext(r.Context(), "mfahttp: writing an answer", "error", err)
	}
}
