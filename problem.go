package mfa

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is how an error looks to a client (RFC 9457, problem+json). It never
// says which check failed.
type Problem struct {
	Status      int      `json:"status"`
	Code        string   `json:"code"`
	Title       string   `json:"title"`
	RetryAfter  int      `json:"retry_after,omitempty"` // seconds
	RequiredAAL string   `json:"required_aal,omitempty"`
	MaxAge      int      `json:"max_age,omitempty"` // seconds
	Methods     []string `json:"methods,omitempty"`
	RedirectTo  string   `json:"redirect_to,omitempty"`
}

// How long a client should wait, in seconds: after a fault, and where the store
// was only busy.
const (
	retryUnavailable = 5
	retryBusy        = 1
)

// ProblemFor returns what a client is told of an error. Whatever it does not
// know is a fault: 503, and nothing about it.
func ProblemFor(err error) Problem {
	var (
		throttled *ThrottledError
		stepUp    *StepUpError
	)
	switch {
	case errors.Is(err, ErrNoSession):
		return Problem{Status: http.StatusUnauthorized, Code: "no_session", Title: "Nobody is signed in"}
	case errors.As(err, &stepUp):
		return Problem{
			Status: http.StatusUnauthorized, Code: "step_up_required", Title: "A stronger or more recent proof is needed",
			RequiredAAL: stepUp.Want.String(), MaxAge: seconds(stepUp.MaxAge), Methods: stepUp.Methods,
		}
	case errors.As(err, &throttled):
		return Problem{
			Status: http.StatusTooManyRequests, Code: "throttled", Title: "Too many attempts, try again later",
			RetryAfter: max(1, seconds(throttled.RetryAfter)),
		}
	case errors.Is(err, ErrRejected):
		return Problem{Status: http.StatusUnprocessableEntity, Code: "rejected", Title: "That did not work"}
	case errors.Is(err, ErrNotEnrolled):
		return Problem{Status: http.StatusConflict, Code: "not_enrolled", Title: "This method cannot be used"}
	case errors.Is(err, ErrAlreadySatisfied):
		return Problem{Status: http.StatusConflict, Code: "already_satisfied", Title: "The session has this level already: set refresh to verify again"}
	case errors.Is(err, ErrInvalid):
		return Problem{Status: http.StatusBadRequest, Code: "bad_request", Title: "The request cannot be understood"}
	case errors.Is(err, ErrNotFound):
		return Problem{Status: http.StatusNotFound, Code: "not_found", Title: "There is no such thing"}
	case errors.Is(err, ErrConflict):
		return Problem{Status: http.StatusConflict, Code: "conflict", Title: "This contradicts what is stored"}
	case errors.Is(err, ErrWaiting):
		return Problem{Status: http.StatusConflict, Code: "waiting", Title: "The answer has not been given yet", RetryAfter: 1}
	default:
		p := Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Title: "Something failed, try again later", RetryAfter: retryUnavailable}
		if errors.Is(err, ErrBusy) {
			p.RetryAfter = retryBusy
		}
		return p
	}
}

// seconds rounds up.
func seconds(d time.Duration) int {
	return int(math.Ceil(d.Seconds()))
}

// Write answers a request with the problem, and with the step-up challenge of
// RFC 9470, section 3, where it is one.
func (p Problem) Write(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", p.challenge())
	}
	w.WriteHeader(p.Status)
	return json.NewEncoder(w).Encode(p)
}

func (p Problem) challenge() string {
	if p.RequiredAAL == "" {
		return "Bearer"
	}
	var b strings.Builder
	b.WriteString(`Bearer error="insufficient_user_authentication", acr_values=` + quoted(p.RequiredAAL))
	if p.MaxAge > 0 {
		fmt.Fprintf(&b, ", max_age=%d", p.MaxAge)
	}
	return b.String()
}

// quoted writes a quoted-string (RFC 9110, section 5.6.4). What may not stand
// in one is left out.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\t' || c >= 0x20 && c != 0x7f:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
