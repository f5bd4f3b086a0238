package mfahttp

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

const titleVerify = "Confirm that it is you"

// verifyChoice is what a request to the verify page asks for.
type verifyChoice struct {
	method   string // the one that was picked, or ""
	allowed  string // the methods that would do, joined by commas; empty for all
	returnTo string

	ceremony string // of a code that was sent, or ""
	to       string // where it was sent, masked
	notice   string
	say      sentences // instead of the usual
}

func choiceOf(r *http.Request, from url.Values) verifyChoice {
	return verifyChoice{method: from.Get("method"), allowed: from.Get("methods"), returnTo: returnPath(r)}
}

func (c verifyChoice) allows(method string) bool {
	return c.allowed == "" || slices.Contains(strings.Split(c.allowed, ","), method)
}

func (h *Handler) verifyPage(w http.ResponseWriter, r *http.Request) error {
	choice := choiceOf(r, r.URL.Query())
	s, err := h.m.Load(r)
	if err != nil {
		return pageError{error: err, back: h.next(choice.returnTo)}
	}
	if under, again, ok := sentFor(r, factor.PurposeVerify, choice.method); ok {
		choice.ceremony, choice.to = under.ID, under.To
		if again {
			choice.notice = noticeResent
		}
	}
	return h.showVerify(w, r, s, choice, nil)
}

// verifyForm judges a code, one that was sent if the form names a ceremony. It
// always verifies with Refresh: whoever was sent here may have the level
// already, and need a proof that is fresh.
func (h *Handler) verifyForm(w http.ResponseWriter, r *http.Request) error {
	choice := choiceOf(r, r.PostForm)
	choice.ceremony, choice.to = r.PostForm.Get("id"), r.PostForm.Get("to")
	s, err := h.m.Load(r)
	if err != nil {
		return pageError{error: err, back: h.next(choice.returnTo)}
	}
	if !choice.allows(choice.method) {
		return h.showVerify(w, r, s, choice, mfa.ErrNotEnrolled)
	}
	_, err = h.m.Update(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
		if delivered(choice.method) {
			return h.m.FinishVerify(ctx, s, choice.ceremony, formCode(r))
		}
		return h.m.Verify(ctx, s, mfa.VerifyOptions{Method: choice.method, Refresh: true}, formCode(r))
	})
	switch {
	case err == nil:
		forgetSent(w, r)
		seeOther(w, r, h.next(choice.returnTo))
		return nil
	case h.m.Destination(err) != "":
		return pageError{error: err, back: h.next(choice.returnTo)}
	}
	return h.showVerify(w, r, s, choice, err)
}

func (h *Handler) showVerify(w http.ResponseWriter, r *http.Request, s mfa.State, choice verifyChoice, failed error) error {
	status, err := h.m.Status(r.Context(), s)
	if err != nil {
		return err
	}
	offered := offer(status, choice)
	if failed == nil && len(offered) == 0 && s.Pending && len(status.SignIn.Methods) == 0 {
		// Not verifying but setting up a method, or signing in again, is what helps.
		return pageError{error: status.SignIn, back: h.next(choice.returnTo)}
	}
	page := VerifyPage{
		Page: h.newPage(titleVerify, !s.Pending, choice.returnTo), Allowed: choice.allowed,
		OverviewURL: h.url("/", "return_to", choice.returnTo), NextURL: h.next(choice.returnTo),
	}
	picked := slices.IndexFunc(offered, func(ms mfa.MethodStatus) bool { return ms.Method == choice.method })
	if picked < 0 && len(offered) > 0 {
		picked = 0
	}
	for i, ms := range offered {
		to := h.url("/verify", "method", ms.Method, "methods", choice.allowed, "return_to", choice.returnTo)
		if i == picked {
			page.Method, page.Label, page.Recovery = ms.Method, methodLabel(ms.Method), ms.Recovery
			continue
		}
		if ms.Recovery {
			page.RecoveryURL = to
		}
		page.Others = append(page.Others, MethodChoice{Method: ms.Method, Label: methodLabel(ms.Method), URL: to})
	}
	h.fillSetups(&page, status, choice)
	if err := h.fillDelivery(r, &page, s.UserID, choice); err != nil {
		return err
	}
	var a alert
	if failed != nil {
		if choice.say == nil {
			choice.say = sentences{"rejected": rejectedCode(page)}
		}
		a = h.alertFor(w, r, failed, choice.say)
	}
	h.show(w, r, a, "verify.html", &page, &page.Page)
	return nil
}

func rejectedCode(page VerifyPage) string {
	switch {
	case page.Delivered:
		return rejectedDelivery
	case page.Recovery:
		return "That code did not work. Check it, or use another one that you have not used yet."
	default:
		return "That code did not work. Enter the one that the app shows now; each works once."
	}
}

// fillSetups says which authenticator is set up after this, if that is where
// the user goes. Else it offers some to somebody who is signing in with no more
// than an address that the app knows: after a code that is sent there, because
// nobody else may add one.
func (h *Handler) fillSetups(page *VerifyPage, status mfa.Status, choice verifyChoice) {
	bare := status.Pending && choice.ceremony == ""
	for _, ms := range status.Methods {
		bare = bare && ms.Enrolled == 0
	}
	for _, method := range []string{methodWebAuthn, methodTOTP} {
		enroll := h.url("/enroll/" + method)
		to, _, _ := strings.Cut(choice.returnTo, "?")
		if to == enroll {
			page.Setup, page.Setups = methodLabel(method), nil
			return
		}
		if _, configured := methodStatus(status, method); configured && bare {
			page.Setups = append(page.Setups, MethodChoice{
				Method: method, Label: methodLabel(method),
				URL: h.url("/verify", "method", choice.method, "methods", choice.allowed, "return_to", withParams(enroll, "return_to", choice.returnTo)),
			})
		}
	}
}

// offer returns the methods that the page may ask for: the strongest first,
// what was set up before the addresses that the app knows, recovery last.
func offer(status mfa.Status, choice verifyChoice) []mfa.MethodStatus {
	var offered []mfa.MethodStatus
	for _, ms := range status.Methods {
		if verifiable(ms) && choice.allows(ms.Method) {
			offered = append(offered, ms)
		}
	}
	slices.SortStableFunc(offered, func(a, b mfa.MethodStatus) int { return rank(a) - rank(b) })
	return offered
}

func rank(ms mfa.MethodStatus) int {
	switch {
	case ms.Recovery:
		return 2
	case ms.Enrolled == 0:
		return 1
	default:
		return 0
	}
}
