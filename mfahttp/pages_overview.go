package mfahttp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-mfa/mfa"
)

const (
	titleOverview = "Sign-in methods"
	lowCodes      = 3
)

var notices = map[string]string{
	"added":   "The method has been added.",
	"renamed": "The name has been changed.",
	"removed": "The method has been removed.",
	"codes":   "Your new recovery codes are in use.",
}

func (h *Handler) overviewPage(w http.ResponseWriter, r *http.Request) error {
	return h.showOverview(w, r, nil, nil)
}

// showOverview shows the overview, with an error if something was refused.
func (h *Handler) showOverview(w http.ResponseWriter, r *http.Request, failed error, say sentences) error {
	ctx, returnTo := r.Context(), returnPath(r)
	back := h.url("/", "return_to", returnTo)
	s, err := h.m.Load(r)
	if err != nil {
		return pageError{error: err, back: back}
	}
	status, err := h.m.Status(ctx, s)
	if err != nil {
		return err
	}
	restricted, err := h.restricted(ctx, s)
	if err != nil {
		if s.Pending && returnTo != "" {
			back = returnTo // the sign-in goes on to there, not back to here
		}
		return pageError{error: err, back: back}
	}
	page := OverviewPage{Page: h.newPage(titleOverview, !s.Pending, returnTo), Restricted: restricted}
	if done := r.URL.Query().Get("done"); failed == nil && notices[done] != "" {
		page.Notice, page.NoticeCode = notices[done], done
	}
	var creds []mfa.CredentialInfo
	if !restricted {
		if page.Needs = needs(r, status); len(page.Needs) == 0 {
			page.ContinueURL = returnTo
		}
		if creds, err = h.m.Credentials(ctx, s.UserID); err != nil {
			return err
		}
		page.Recovery = h.recoveryPanel(status, creds, returnTo)
	}
	h.addPanels(&page, status, creds, restricted && !s.Pending)
	var a alert
	if failed != nil {
		a = h.alertFor(w, r, failed, say)
	}
	h.show(w, r, a, "overview.html", &page, &page.Page)
	return nil
}

// needs returns the labels of the methods that the gate has asked for, if the
// user has none of them.
func needs(r *http.Request, status mfa.Status) []string {
	var labels []string
	for name := range strings.SplitSeq(r.URL.Query().Get("methods"), ",") {
		ms, configured := methodStatus(status, name)
		switch {
		case configured && ms.Enrolled > 0:
			return nil
		case configured:
			labels = append(labels, methodLabel(name))
		}
	}
	return labels
}

// restricted reports whether the session may do no more than set up a first
// method. It returns an error if the session has to do something else first.
func (h *Handler) restricted(ctx context.Context, s mfa.State) (bool, error) {
	err := h.m.Allow(ctx, s, mfa.Requirement{}) // of a pending session: what the sign-in lacks
	var stepUp *mfa.StepUpError
	if errors.As(err, &stepUp) && len(stepUp.Methods) == 0 && stepUp.Missing == mfa.MissingEnrollment {
		return true, nil // this page is where such an error leads to
	}
	return false, err
}

// addPanels adds a panel for each method, and for credentials of methods that
// are no longer configured.
func (h *Handler) addPanels(page *OverviewPage, status mfa.Status, creds []mfa.CredentialInfo, closed bool) {
	panel := func(method string) *MethodPanel {
		i := slices.IndexFunc(page.Methods, func(p MethodPanel) bool { return p.Method == method })
		if i < 0 {
			i = len(page.Methods)
			page.Methods = append(page.Methods, MethodPanel{
				Method: method, Label: methodLabel(method), Description: methodDescription(method),
			})
			if _, configured := methodStatus(status, method); !configured {
				page.Methods[i].Description = "This method is no longer offered."
			}
		}
		return &page.Methods[i]
	}
	for _, ms := range status.Methods {
		if ms.Recovery || closed || page.Restricted && !enrollable(ms) {
			continue
		}
		p := panel(ms.Method)
		p.Contact = ms.Usable && ms.Enrolled == 0
		if enrollable(ms) {
			p.AddURL = h.url("/enroll/"+ms.Method, "return_to", page.ReturnTo)
			page.AnyAdd = true
		}
	}
	for _, c := range creds {
		if ms, ok := methodStatus(status, c.Method); ok && ms.Recovery {
			continue
		}
		p := panel(c.Method)
		p.Credentials = append(p.Credentials, CredentialRow{
			ID: c.ID, Name: nameOf(c), CreatedAt: c.CreatedAt, LastUsedAt: c.LastUsedAt, Sync: syncOf(c.Details), Address: addressOf(c.Details),
		})
	}
}

// nameOf replaces the name that a credential has if its owner gave none.
func nameOf(c mfa.CredentialInfo) string {
	if c.Name == c.Method {
		return methodLabel(c.Method)
	}
	return c.Name
}

// syncOf reads what WebAuthn tells of a credential's backup state.
func syncOf(details map[string]any) string {
	switch backedUp, ok := details["backed_up"].(bool); {
	case !ok:
		return ""
	case backedUp:
		return "synced"
	default:
		return "device"
	}
}

func (h *Handler) recoveryPanel(status mfa.Status, creds []mfa.CredentialInfo, returnTo string) *RecoveryPanel {
	ms, ok := methodStatus(status, methodLookup)
	if !ok {
		return nil
	}
	p := &RecoveryPanel{}
	p.Enrolled, p.Left, p.Total = codesLeft(creds)
	p.Low = p.Enrolled && p.Left <= lowCodes
	if ms.Enrollable {
		p.URL = h.url("/recovery-codes", "return_to", returnTo)
	}
	return p
}

func codesLeft(creds []mfa.CredentialInfo) (enrolled bool, left, total int) {
	for _, c := range creds {
		if c.Method == methodLookup {
			left, _ = c.Details["left"].(int)
			total, _ = c.Details["total"].(int)
			return true, left, total
		}
	}
	return false, 0, 0
}

func (h *Handler) renameForm(w http.ResponseWriter, r *http.Request) error {
	s, err := h.m.Load(r)
	if err == nil {
		err = h.m.Rename(r.Context(), s, r.PathValue("id"), r.PostForm.Get("name"))
	}
	return h.managed(w, r, err, "renamed", sentences{"bad_request": "A name has 1 to 64 characters, all of them visible."})
}

func (h *Handler) removeForm(w http.ResponseWriter, r *http.Request) error {
	_, err := h.m.Update(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
		return h.m.Remove(ctx, s, r.PathValue("id"))
	})
	return h.managed(w, r, err, "removed", sentences{"conflict": "Signing in needs this method, because it is the last one you have. Set up another one first."})
}

// managed goes back to the overview after a change, or shows there why it was
// refused.
func (h *Handler) managed(w http.ResponseWriter, r *http.Request, err error, notice string, say sentences) error {
	if err == nil {
		seeOther(w, r, h.url("/", "done", notice, "return_to", returnPath(r)))
		return nil
	}
	if h.m.Destination(err) != "" {
		return err
	}
	return h.showOverview(w, r, err, say)
}
