package mfahttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

func (h *Handler) enrollPage(w http.ResponseWriter, r *http.Request) error {
	method := r.PathValue("method")
	if method == methodLookup {
		seeOther(w, r, h.url("/recovery-codes", "return_to", returnPath(r)))
		return nil
	}
	s, err := h.m.Load(r)
	if err != nil {
		return err
	}
	status, err := h.m.Status(r.Context(), s)
	if err != nil {
		return err
	}
	if ms, ok := methodStatus(status, method); !ok || !enrollable(ms) {
		switch {
		case s.Pending && status.SignIn != nil:
			return pageError{error: status.SignIn, back: h.next(returnPath(r))}
		case ok:
			return pageError{error: mfa.ErrConflict, say: enrollSentences}
		default:
			return mfa.ErrNotFound
		}
	}
	page := h.newEnrollPage(method, !s.Pending, returnPath(r))
	if s, again, ok := sentFor(r, factor.PurposeEnroll, method); ok {
		page.Ceremony, page.To = s.ID, s.To
		if again {
			page.Notice, page.NoticeCode = noticeResent, codeResent
		}
	}
	for _, ms := range status.Methods {
		if page.Ceremony == "" && enrollable(ms) && ms.Method != method {
			page.Others = append(page.Others, MethodChoice{
				Method: ms.Method, Label: methodLabel(ms.Method),
				URL: h.url("/enroll/"+ms.Method, "return_to", page.ReturnTo),
			})
		}
	}
	h.show(w, r, alert{}, "enroll.html", &page, &page.Page)
	return nil
}

// beginEnrollForm makes a secret. Its answer is the only one that shows it.
func (h *Handler) beginEnrollForm(w http.ResponseWriter, r *http.Request) error {
	method := r.PathValue("method")
	if delivered(method) {
		return h.beginAddressForm(w, r)
	}
	if method != methodTOTP {
		return mfa.ErrNotFound // WebAuthn is the script's; recovery codes have a page of their own
	}
	s, err := h.m.Load(r)
	if err != nil {
		return h.backToEnroll(r, err)
	}
	c, err := h.m.BeginEnroll(r.Context(), s, mfa.EnrollOptions{Method: method, Name: formName(r)})
	if err != nil {
		return h.backToEnroll(r, err)
	}
	page := h.newEnrollPage(method, !s.Pending, returnPath(r))
	page.Name, page.Ceremony = formName(r), c.ID
	if page.TOTP, err = totpSetup(c.Prompt); err != nil {
		return err
	}
	h.show(w, r, alert{}, "enroll.html", &page, &page.Page)
	return nil
}

// confirmEnrollForm judges the first code. After a wrong one the enrolment
// goes on without showing the secret again.
func (h *Handler) confirmEnrollForm(w http.ResponseWriter, r *http.Request) error {
	method := r.PathValue("method")
	if method != methodTOTP && !delivered(method) {
		return mfa.ErrNotFound
	}
	s, err := h.finishEnroll(w, r, r.PostForm.Get("id"), formCode(r))
	switch {
	case err == nil:
		return nil
	case h.m.Destination(err) != "" || errors.Is(err, mfa.ErrNotFound) || errors.Is(err, mfa.ErrConflict) || errors.Is(err, mfa.ErrInvalid):
		return h.backToEnroll(r, err)
	}
	page := h.newEnrollPage(method, !s.Pending, returnPath(r))
	page.Name, page.Ceremony, page.To = formName(r), r.PostForm.Get("id"), r.PostForm.Get("to")
	rejected := "That code did not work. Enter the one that the app shows now, or start over."
	if delivered(method) {
		rejected = rejectedDelivery
	}
	a := h.alertFor(w, r, err, sentences{"rejected": rejected})
	h.show(w, r, a, "enroll.html", &page, &page.Page)
	return nil
}

// finishEnroll has the answer to an enrolment judged. After the right one it
// redirects: to recovery codes if the user has none, else on. It returns the
// session as it is then.
func (h *Handler) finishEnroll(w http.ResponseWriter, r *http.Request, id string, response []byte) (mfa.State, error) {
	codesNext := false
	s, err := h.m.Update(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
		// Read before, so that its failure cannot hide an enrolment that took place.
		before, err := h.m.Status(ctx, s)
		if err != nil {
			return s, err
		}
		added, s, err := h.m.FinishEnroll(ctx, s, id, response)
		codesNext = recoveryCodesNeeded(before.Methods, added.Method)
		return s, err
	})
	if err == nil {
		forgetSent(w, r)
	}
	switch {
	case err != nil:
		return s, err
	case codesNext:
		seeOther(w, r, h.url("/recovery-codes", "return_to", returnPath(r)))
	default:
		seeOther(w, r, h.done(returnPath(r), "added"))
	}
	return s, nil
}

var enrollSentences = sentences{
	"bad_request": "It was not added: a name has at most 64 characters, all of them visible.",
	"conflict":    "It was not added: you have too many of this kind, or another method was added or removed at the same moment.",
}

func (h *Handler) backToEnroll(r *http.Request, err error) error {
	return pageError{error: err, back: h.url("/enroll/"+r.PathValue("method"), "return_to", returnPath(r)), say: enrollSentences}
}

// newEnrollPage makes the page of a method that is configured.
func (h *Handler) newEnrollPage(method string, active bool, returnTo string) EnrollPage {
	label := methodLabel(method)
	return EnrollPage{
		Page: h.newPage("Set up: "+label, active, returnTo), Method: method, Label: label,
		StartURL: h.url("/enroll/"+method, "return_to", returnTo),
		BackURL:  h.url("/", "return_to", returnTo),
		NextURL:  h.done(returnTo, "added"),
		CodesURL: h.url("/recovery-codes", "return_to", returnTo),
	}
}

func formName(r *http.Request) string { return strings.TrimSpace(r.PostForm.Get("name")) }

// totpSetup reads the prompt of a TOTP enrolment by its JSON, which is its
// contract.
func totpSetup(prompt any) (*TOTPSetup, error) {
	var p struct {
		Secret string `json:"secret"`
		URI    string `json:"uri"`
		QRSVG  string `json:"qr_svg"`
	}
	if err := readPrompt(prompt, &p); err != nil {
		return nil, err
	}
	return &TOTPSetup{
		Secret: groupsOfFour(p.Secret),
		// html/template lets only http, https and mailto pass. The factor has
		// made this URI and escaped what the user's name contributes.
		URI: template.URL(p.URI), //nolint:gosec // see above
		// The factor has drawn this element from rectangles. No text that
		// anybody typed is in it, and the page's policy runs no inline script.
		QR: template.HTML(p.QRSVG), //nolint:gosec // see above
	}, nil
}

// readPrompt reads the fields of a prompt. Its error says nothing of their
// values.
func readPrompt(prompt, into any) error {
	b, err := json.Marshal(prompt)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return fmt.Errorf("mfahttp: a prompt has another shape than its method says: %T", prompt)
	}
	return nil
}

func groupsOfFour(s string) string {
	var b strings.Builder
	for i, c := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}
