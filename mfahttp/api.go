package mfahttp

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// endpoint answers a request, or returns why it does not.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// endpoints of one path, by method. HEAD follows GET.
type endpoints map[string]endpoint

// routeAPI fills h.api.
func (h *Handler) routeAPI() {
	routes := map[string]endpoints{
		"/session":                 {http.MethodGet: h.session},
		"/methods":                 {http.MethodGet: h.methods},
		"/credentials":             {http.MethodGet: h.credentials},
		"/credentials/{id}":        {http.MethodPatch: h.renameCredential, http.MethodDelete: h.removeCredential},
		"/enrollments":             {http.MethodPost: h.beginEnrollment},
		"/enrollments/{id}":        {http.MethodPost: h.finishEnrollment},
		"/enrollments/{id}/resend": {http.MethodPost: h.resend},
		"/challenges":              {http.MethodPost: h.beginChallenge},
		"/challenges/{id}":         {http.MethodPost: h.finishChallenge},
		"/challenges/{id}/resend":  {http.MethodPost: h.resend},
	}
	if len(h.m.FirstFactors()) > 0 {
		routes["/signin"] = endpoints{http.MethodPost: h.beginSignIn}
		routes["/signin/{id}"] = endpoints{http.MethodPost: h.endSignIn}
		routes["/signin/{id}/resend"] = endpoints{http.MethodPost: h.resendSignIn}
	}
	for route, on := range routes {
		h.api.Handle(h.cfg.Prefix+"/api"+route, h.dispatch(on))
	}
	h.api.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.problem(w, r, problemNotFound) })
}

// serveAPI answers what is under Prefix/api. A path that is not clean is not
// found rather than redirected.
func (h *Handler) serveAPI(w http.ResponseWriter, r *http.Request) {
	if path.Clean(r.URL.Path) != r.URL.Path {
		h.problem(w, r, problemNotFound)
		return
	}
	h.api.ServeHTTP(w, r)
}

func (h *Handler) dispatch(on endpoints) http.Handler {
	var allowed []string
	for method := range on {
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	allow := strings.Join(allowed, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		do, ok := on[method]
		if !ok {
			w.Header().Set("Allow", allow)
			h.problem(w, r, problemMethod)
			return
		}
		if err := do(w, r); err != nil {
			h.fail(w, r, err)
		}
	})
}
