package mfahttp

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/returnto"
)

// The pages, under Prefix. Scripts and tests may rely on these ids and names:
//
//	/                 section[data-method], li[data-credential], form[data-form=rename|remove],
//	                  #add-{method}, #recovery, #codes-left, #create-codes, #continue, #notice
//	/enroll/totp      form#totp-begin (name), then #qr svg, #otpauth, #secret and form#totp-confirm (id, code);
//	                  after a wrong code #alert and form#start-over
//	/enroll/webauthn  #name, button#webauthn-enroll, #webauthn-error
//	/enroll/email     form#email-begin (address), then #to, form#email-confirm (id, to, code), form#resend (id, to),
//	                  #start-over, #notice; /enroll/sms alike
//	/verify           form#verify (method, methods, return_to, code), button#webauthn-verify, #webauthn-error,
//	                  #others a[data-method], #lost-device, #cancel; of a code that is sent first form#send
//	                  (method, methods, return_to; a button per address: credential), then #to, form#verify (also id, to),
//	                  form#resend (id, to), #start-over, #notice
//	/recovery-codes   form#codes-begin, then #codes li, #codes-copy, #codes-download, #codes-print,
//	                  form#codes-confirm (id); #codes-skip
//	/signin           form#signin (username; a button per method: method), then form#signin-code (id, code),
//	                  form#resend (id), #start-over, #notice; #login
//	/link/{token}     form#link, without an action; or #alert alone
//
// What went wrong is in #alert.
const pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; " +
	"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"

// pageHandler answers with a page or a redirect, or returns an error and has
// written nothing.
type pageHandler func(http.ResponseWriter, *http.Request) error

// routePages loads the templates and adds the pages and their assets to the mux.
func (h *Handler) routePages() error {
	templates, err := loadTemplates(h.cfg)
	if err != nil {
		return fmt.Errorf("mfahttp: %w", err)
	}
	h.templates = templates
	get := func(path string, page pageHandler) { h.mux.Handle("GET "+h.cfg.Prefix+path, h.page(page)) }
	post := func(path string, page pageHandler) { h.mux.Handle("POST "+h.cfg.Prefix+path, h.page(h.form(page))) }

	get("/{$}", h.overviewPage)
	post("/credentials/{id}/rename", h.renameForm)
	post("/credentials/{id}/remove", h.removeForm)
	get("/enroll/{method}", h.enrollPage)
	post("/enroll/{method}", h.beginEnrollForm)
	post("/enroll/{method}/confirm", h.confirmEnrollForm)
	post("/enroll/{method}/resend", h.resendAddressForm)
	get("/verify", h.verifyPage)
	post("/verify", h.verifyForm)
	post("/verify/send", h.sendForm)
	post("/verify/resend", h.resendForm)
	get("/recovery-codes", h.recoveryPage)
	post("/recovery-codes", h.beginRecoveryForm)
	post("/recovery-codes/confirm", h.confirmRecoveryForm)
	post("/cancel", h.cancelForm)
	if h.firsts = slices.DeleteFunc(h.m.FirstFactors(), func(name string) bool { return !delivered(name) }); len(h.firsts) > 0 {
		get("/signin", h.signInPage)
		post("/signin", h.signInForm)
		post("/signin/resend", h.resendSignInForm)
		post("/signin/code", h.signInCodeForm)
		get("/signin/resend", h.beginAgain("/signin"))
		get("/signin/code", h.beginAgain("/signin"))
	}
	for path, begins := range map[string]string{
		"/verify/send": "/verify", "/verify/resend": "/verify", "/recovery-codes/confirm": "/recovery-codes",
		"/enroll/{method}/confirm": "/enroll/", "/enroll/{method}/resend": "/enroll/",
		"/credentials/{id}/rename": "/", "/credentials/{id}/remove": "/", "/cancel": "/",
	} {
		get(path, h.beginAgain(begins))
	}
	get("/link/{token}", h.linkPage)
	post("/link/{token}", h.linkForm)
	get("/assets/{file}", h.asset)
	h.mux.Handle(h.cfg.Prefix+"/", h.page(func(http.ResponseWriter, *http.Request) error { return mfa.ErrNotFound }))
	return nil
}

func (h *Handler) page(page pageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", pageCSP)
		if err := page(w, r); err != nil {
			h.pageFailed(w, r, err)
		}
	})
}

// beginAgain leads from the address of a form's answer to where the form's way
// began: a browser that has dropped the page asks for it anew.
func (h *Handler) beginAgain(path string) pageHandler {
	return func(w http.ResponseWriter, r *http.Request) error {
		seeOther(w, r, h.url(path+url.PathEscape(r.PathValue("method")), "return_to", returnPath(r)))
		return nil
	}
}

// cancelForm ends a sign-in that waits for its second factor. A session that
// is signed in is left alone.
func (h *Handler) cancelForm(w http.ResponseWriter, r *http.Request) error {
	s, err := h.m.Load(r)
	if err != nil {
		return err
	}
	if s.Pending {
		if err := h.m.SignOut(w, r); err != nil {
			return err
		}
	}
	seeOther(w, r, h.cfg.HomeURL)
	return nil
}

// returnPath is where the user was going, or "".
func returnPath(r *http.Request) string {
	if r.Method == http.MethodPost {
		return returnto.Path(r.PostForm.Get("return_to"))
	}
	return returnto.Path(r.URL.Query().Get("return_to"))
}

// next is where a page leads to when it is done.
func (h *Handler) next(returnTo string) string {
	if returnTo != "" {
		return returnTo
	}
	return h.cfg.HomeURL
}

// done is where a change leads to: on to where the user was going, else to the
// overview with a notice.
func (h *Handler) done(returnTo, notice string) string {
	if returnTo != "" {
		return returnTo
	}
	return h.url("/", "done", notice)
}

func seeOther(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther)
}
