package mfahttp

import (
	"embed"
	"io/fs"
	"net/http"
	"path"

	"github.com/go-mfa/mfa"
)

//go:embed assets/mfa.css assets/mfa.js
var assets embed.FS

// asset serves the one style sheet and the one script.
func (h *Handler) asset(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	body, err := fs.ReadFile(assets, path.Join("assets", name))
	if err != nil {
		return mfa.ErrNotFound
	}
	kind := "text/css; charset=utf-8"
	if path.Ext(name) == ".js" {
		kind = "text/javascript; charset=utf-8"
	}
	h.write(w, r, http.StatusOK, kind, body)
	return nil
}
