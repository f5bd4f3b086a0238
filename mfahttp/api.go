package mfahttp

import (
	"net/http"
	"path"
)

// serveAPI answers what is under Prefix/api. It never redirects.
func (h *Handler) serveAPI(w http.ResponseWriter, r *http.Request) {
	if path.Clean(r.URL.Path) != r.URL.Path {
		h.problem(w, r, problemNotFound)
		return
	}
	h.api.ServeHTTP(w, r)
}
