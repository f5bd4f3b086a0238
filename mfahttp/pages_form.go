package mfahttp

import (
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/go-mfa/mfa"
)

// maxForm is the most that a form may send, in bytes.
const maxForm = 64 << 10

var problemFormType = mfa.Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Title: "Send application/x-www-form-urlencoded"}

// form reads a form strictly before the page sees it. Parameters of the URL
// are no part of it.
//
// The cross-origin check of ServeHTTP lets requests pass that carry neither
// Origin nor Sec-Fetch-Site, because those do not come from a browser of the
// last years. But an old browser can still be made to send a form, so these
// are refused here; a program has the API, whose content type no form can
// send.
func (h *Handler) form(page pageHandler) pageHandler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
			return refusal{problemCrossOrigin}
		}
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
			return refusal{problemFormType}
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return refusal{problemTooLarge}
			}
			return refusal{problemBadRequest}
		}
		for _, values := range r.PostForm {
			if len(values) != 1 {
				return refusal{problemBadRequest}
			}
		}
		return page(w, r)
	}
}

// formCode is the code that was typed, without the blanks around it that come
// along when somebody pastes. What is inside of it is the factor's to read.
func formCode(r *http.Request) []byte {
	return []byte(strings.Trim(r.PostForm.Get("code"), " \t\r\n"))
}
