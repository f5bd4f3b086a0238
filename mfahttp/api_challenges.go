package mfahttp

import (
	"context"
	"net/http"

	"github.com/go-mfa/mfa"
)

// beginChallenge is POST /challenges. With a response, which only promptless
// methods take, it begins and finishes in one request.
func (h *Handler) beginChallenge(w http.ResponseWriter, r *http.Request) error {
	var (
		o        mfa.VerifyOptions
		response responseBytes
	)
	err := readObject(w, r,
		field{"method", &o.Method, true},
		field{"refresh", &o.Refresh, false},
		field{"params", &o.Params, false},
		field{"response", &response, false},
	)
	if err != nil {
		return err
	}
	if response != nil {
		return h.verify(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
			return h.m.Verify(ctx, s, o, response)
		})
	}
	s, err := h.m.Load(r)
	if err != nil {
		return err
	}
	c, err := h.m.BeginVerify(r.Context(), s, o)
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusCreated, c)
	return nil
}

// finishChallenge is POST /challenges/{id}.
func (h *Handler) finishChallenge(w http.ResponseWriter, r *http.Request) error {
	var response responseBytes
	if err := readObject(w, r, field{"response", &response, true}); err != nil {
		return err
	}
	return h.verify(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
		return h.m.FinishVerify(ctx, s, r.PathValue("id"), response)
	})
}

// verify answers with the session as it is after a verification was saved.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request, do func(context.Context, mfa.State) (mfa.State, error)) error {
	s, err := h.m.Update(w, r, do)
	if err != nil {
		return err
	}
	return h.answerStatus(w, r, s)
}
