package mfahttp

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

const (
	titleSignIn        = "Sign in"
	noticeResentSignIn = "If that name can sign in this way, we have sent another code. Enter the last one that has come."
	noCookie           = "Your browser has not kept a cookie that we need here. Allow cookies for this site, and start over."
)

func (h *Handler) signInPage(w http.ResponseWriter, r *http.Request) error {
	page := h.newSignInPage(r)
	if s, again, ok := sentFor(r, factor.PurposeSignIn, ""); ok {
		page.Ceremony = s.ID
		if again {
			page.Notice, page.NoticeCode = noticeResentSignIn, codeResent
		}
	}
	h.show(w, r, alert{}, "signin.html", &page, &page.Page)
	return nil
}

// signInForm begins a sign-in. Its answer is the same for a name that nobody
// has.
func (h *Handler) signInForm(w http.ResponseWriter, r *http.Request) error {
	o := mfa.SignInOptions{Method: r.PostForm.Get("method"), Name: strings.TrimSpace(r.PostForm.Get("username"))}
	if !slices.Contains(h.firsts, o.Method) {
		return mfa.ErrNotFound
	}
	o.Binding = bind(w, r)
	c, err := h.m.BeginSignIn(r.Context(), o)
	if err == nil {
		return h.askForSignIn(w, r, c.ID, sentFirst)
	}
	page := h.newSignInPage(r)
	page.Username = o.Name
	say := notSent(err)
	say["bad_request"] = "Enter the name that you sign in with. It has at most 320 characters."
	a := h.alertFor(w, r, err, say)
	h.show(w, r, a, "signin.html", &page, &page.Page)
	return nil
}

func (h *Handler) resendSignInForm(w http.ResponseWriter, r *http.Request) error {
	id := r.PostForm.Get("id")
	_, err := h.m.ResendSignIn(r.Context(), bindingOf(r), id)
	if err == nil {
		return h.askForSignIn(w, r, id, sentAgain)
	}
	page := h.newSignInPage(r)
	say := notSent(err)
	say["rejected"] = h.orNoCookie(r, say["rejected"])
	a := h.alertFor(w, r, err, say)
	if !errors.Is(err, mfa.ErrRejected) {
		page.Ceremony = id
	}
	h.show(w, r, a, "signin.html", &page, &page.Page)
	return nil
}

func (h *Handler) askForSignIn(w http.ResponseWriter, r *http.Request, id, times string) error {
	return askForCode(w, r, sent{Purpose: factor.PurposeSignIn, ID: id}, times, h.url("/signin", "return_to", returnPath(r)))
}

// signInCodeForm judges the code and signs in.
func (h *Handler) signInCodeForm(w http.ResponseWriter, r *http.Request) error {
	id := r.PostForm.Get("id")
	status, err := h.finishSignIn(w, r, id, formCode(r))
	if err == nil {
		return h.signedIn(w, r, status)
	}
	page := h.newSignInPage(r)
	page.Ceremony = id
	a := h.alertFor(w, r, err, sentences{"rejected": h.orNoCookie(r, rejectedDelivery)})
	h.show(w, r, a, "signin.html", &page, &page.Page)
	return nil
}

// orNoCookie says why nothing can succeed in a browser that has kept no cookie,
// or what else was wrong. Whoever is signed in has had one.
func (h *Handler) orNoCookie(r *http.Request, say string) string {
	if bindingOf(r) != "" {
		return say
	}
	if _, err := h.m.Load(r); errors.Is(err, mfa.ErrNoSession) {
		return noCookie
	}
	return say
}

// signedIn goes to where the user was going, or first to what the sign-in
// lacks.
func (h *Handler) signedIn(w http.ResponseWriter, r *http.Request, status mfa.Status) error {
	to := h.next(returnPath(r))
	if status.Pending {
		return pageError{error: status.SignIn, back: to}
	}
	seeOther(w, r, to)
	return nil
}

func (h *Handler) newSignInPage(r *http.Request) SignInPage {
	page := SignInPage{
		Page:     h.newPage(titleSignIn, false, returnPath(r)),
		StartURL: h.url("/signin", "return_to", returnPath(r)),
	}
	login := h.m.Destination(mfa.ErrNoSession)
	if u, err := url.Parse(login); err == nil && u.Path != h.cfg.Prefix+"/signin" {
		page.LoginURL = withParams(login, "return_to", returnPath(r))
	}
	for _, name := range h.firsts {
		page.Methods = append(page.Methods, MethodChoice{Method: name, Label: methodLabel(name)})
	}
	return page
}
