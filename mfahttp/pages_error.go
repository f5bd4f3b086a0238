package mfahttp

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/returnto"
)

// pageError is an error with what only the page knows about it.
type pageError struct {
	error
	back string    // the page to come back to once the user has done something about it
	say  sentences // what to say instead of the usual
}

// Unwrap returns the error itself.
func (e pageError) Unwrap() error { return e.error }

// sentences say what an error means on a page, by the code of its problem.
type sentences map[string]string

// pageFailed sends the user to where something can be done about the error;
// if there is no such place, it shows a page that says what went wrong.
func (h *Handler) pageFailed(w http.ResponseWriter, r *http.Request, err error) {
	if to := h.m.Destination(err); to != "" {
		seeOther(w, r, withParams(to, "return_to", h.comeBackTo(r, err)))
		return
	}
	var own pageError
	errors.As(err, &own)
	alert := h.alertFor(w, r, err, own.say)
	page := ErrorPage{
		Page:      h.newPage("This did not work", false, returnPath(r)),
		Status:    alert.status,
		BackURL:   h.cfg.HomeURL,
		BackLabel: "Back to " + h.cfg.AppName,
	}
	if s, err := h.m.Load(r); err == nil && !s.Pending {
		page.Active, page.BackURL, page.BackLabel = true, h.url("/"), titleOverview
	}
	h.show(w, r, alert, "error.html", &page, &page.Page)
}

// comeBackTo returns the page to come back to: the one that the error names,
// the one that was asked for, or else the overview.
func (h *Handler) comeBackTo(r *http.Request, err error) string {
	var own pageError
	switch {
	case errors.As(err, &own):
		return own.back
	case r.Method == http.MethodPost:
		return h.url("/", "return_to", returnPath(r))
	default:
		return returnto.Of(r)
	}
}

// alert is an error as a page shows it. The zero value is none.
type alert struct {
	status     int
	code       string
	text       string
	retryAfter time.Duration
}

// alertFor says in one sentence what went wrong, logs it if it is a fault, and
// sets Retry-After where waiting helps.
func (h *Handler) alertFor(w http.ResponseWriter, r *http.Request, err error, say sentences) alert {
	p := mfa.ProblemFor(err)
	if own, ok := errors.AsType[refusal](err); ok {
		p = own.Problem
	}
	a := alert{status: p.Status, code: p.Code, retryAfter: time.Duration(p.RetryAfter) * time.Second}
	switch p.Code {
	case "rejected":
		a.text = "That did not work. Try again."
	case "throttled":
		a.text = "Too many attempts. Try again in " + inWords(a.retryAfter) + "."
	case "not_enrolled":
		a.text = "This method cannot be used now. Try another way."
	case "not_found":
		a.text = "There is nothing here. It may have been removed."
	case "conflict":
		a.text = "This cannot be done now, because something else has changed. Look again and try once more."
	case "cross_origin":
		a.text = "Your browser did not say that this came from our own page. Go back and try again, or use a newer browser."
	case "bad_request", "unsupported_media_type", "too_large":
		a.text = "We could not read what was sent. Go back and try again."
	default:
		a.text = "Something went wrong on our side. Try again in a moment."
	}
	if own := say[p.Code]; own != "" {
		a.text = own
	}
	if p.Status == http.StatusServiceUnavailable {
		h.cfg.Logger.ErrorContext(r.Context(), "mfahttp: fault", "route", r.Pattern, "error", err)
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	return a
}

// inWords rounds up to a whole number of seconds, minutes or hours.
func inWords(d time.Duration) string {
	switch {
	case d <= 90*time.Second:
		return count(d, time.Second, "second")
	case d <= 90*time.Minute:
		return count(d, time.Minute, "minute")
	default:
		return count(d, time.Hour, "hour")
	}
}

func count(d, unit time.Duration, name string) string {
	n := max(1, (d+unit-1)/unit)
	if n == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", n, name)
}
