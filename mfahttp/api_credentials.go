package mfahttp

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-mfa/mfa"
)

// credentials is GET /credentials: what the user has enrolled, without
// secrets. Like any page of the app it takes a session that has its second
// factor, if there is one.
func (h *Handler) credentials(w http.ResponseWriter, r *http.Request) error {
	s, err := h.m.Check(r, mfa.Requirement{})
	if err != nil {
		return err
	}
	infos, err := h.m.Credentials(r.Context(), s.UserID)
	if err != nil {
		return err
	}
	if infos == nil {
		infos = []mfa.CredentialInfo{}
	}
	h.answer(w, r, http.StatusOK, infos)
	return nil
}

// renameCredential is PATCH /credentials/{id}: the name is all that can be
// changed.
func (h *Handler) renameCredential(w http.ResponseWriter, r *http.Request) error {
	var name string
	if err := readObject(w, r, field{"name", &name, true}); err != nil {
		return err
	}
	s, err := h.m.Load(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := h.m.Rename(r.Context(), s, id, name); err != nil {
		return err
	}
	infos, err := h.m.Credentials(r.Context(), s.UserID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(infos, func(c mfa.CredentialInfo) bool { return c.ID == id })
	if i < 0 {
		return mfa.ErrNotFound
	}
	h.answer(w, r, http.StatusOK, infos[i])
	return nil
}

// removeCredential is DELETE /credentials/{id}. No form can send DELETE, hence
// it needs no media type as long as there is no body.
func (h *Handler) removeCredential(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength != 0 || r.Header.Get("Content-Type") != "" {
		if err := readNothing(w, r); err != nil {
			return err
		}
	}
	_, err := h.m.Update(w, r, func(ctx context.Context, s mfa.State) (mfa.State, error) {
		return h.m.Remove(ctx, s, r.PathValue("id"))
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
