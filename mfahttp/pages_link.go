package mfahttp

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

const titleLink = "Continue with this link"

// linkToken is what a ceremony is for, its id, and the secret that stands for its
// code. It is a secret itself: it is in no log and no page.
var linkToken = regexp.MustCompile(`^(sign_in|verify|enroll)\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})$`)

// linkPage shows everybody the same and looks at nothing: programs that read
// mail open the links in it.
func (h *Handler) linkPage(w http.ResponseWriter, r *http.Request) error {
	page := h.newLinkPage()
	h.show(w, r, alert{}, "link.html", &page, &page.Page)
	return nil
}

// linkForm takes the link's secret for the code, in the browser that asked for
// it. Elsewhere the Manager rejects the ceremony before it counts anything, and
// the page says the same as of a link that does not exist.
func (h *Handler) linkForm(w http.ResponseWriter, r *http.Request) error {
	token := linkToken.FindStringSubmatch(r.PathValue("token"))
	err := mfa.ErrRejected
	if token != nil {
		err = h.follow(w, r, factor.Purpose(token[1]), token[2], []byte(token[3]))
	}
	if err == nil || h.m.Destination(err) != "" {
		return err // done, or something else has to be done first
	}
	page := h.newLinkPage()
	if page.Elsewhere = errors.Is(err, mfa.ErrRejected); page.Elsewhere {
		page.HomeURL = h.cfg.HomeURL
	}
	a := h.alertFor(w, r, err, sentences{"rejected": "This link does nothing here: it has been used, it is too old, or you began in another browser. If so, go back there and type the code from the message."})
	h.show(w, r, a, "link.html", &page, &page.Page)
	return nil
}

// follow ends the ceremony, if this browser has begun it, and leads on to where
// the code would have. Where nobody is signed in there is none to end.
func (h *Handler) follow(w http.ResponseWriter, r *http.Request, purpose factor.Purpose, id string, secret []byte) error {
	if s := lastSent(r); s.ID == id {
		r.PostForm.Set("return_to", s.ReturnTo)
	}
	var err error
	switch purpose {
	case factor.PurposeSignIn:
		var status mfa.Status
		if status, err = h.finishSignIn(w, r, id, secret); err == nil {
			return h.signedIn(w, r, status)
		}
	case factor.PurposeVerify:
		_, err = h.m.Update(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
			return h.m.FinishVerify(ctx, s, id, secret)
		})
		if err == nil {
			forgetSent(w, r)
			seeOther(w, r, h.next(returnPath(r)))
		}
	default:
		_, err = h.finishEnroll(w, r, id, secret)
	}
	if errors.Is(err, mfa.ErrNoSession) {
		return mfa.ErrRejected
	}
	return err
}

func (h *Handler) newLinkPage() LinkPage {
	page := LinkPage{Page: h.newPage(titleLink, false, "")}
	page.HomeURL = ""
	return page
}
