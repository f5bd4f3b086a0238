package app

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
)

// failure is an answer that is none of the library's, in the form that the
// library's have: problem+json for scripts, a page for people.
type failure struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`
}

var (
	failBadRequest  = &failure{http.StatusBadRequest, "bad_request", "The request cannot be read."}
	failTooLarge    = &failure{http.StatusRequestEntityTooLarge, "too_large", "The request is too large."}
	failMediaType   = &failure{http.StatusUnsupportedMediaType, "unsupported_media_type", "Send a form or JSON."}
	failCrossOrigin = &failure{http.StatusForbidden, "cross_origin", "The request comes from another site."}
	failUnavailable = &failure{http.StatusServiceUnavailable, "unavailable", "Something failed. Please try again later."}
)

// retryAfter is how long a client should wait after a fault, in seconds.
const retryAfter = 5

//go:embed templates
var templateFiles embed.FS

// pages holds each page under its name, within the layout.
var pages = parsePages("login", "signup", "account", "message", "outbox")

func parsePages(names ...string) map[string]*template.Template {
	parsed := make(map[string]*template.Template, len(names))
	for _, name := range names {
		parsed[name] = template.Must(template.ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html"))
	}
	return parsed
}

// view is what the layout shows around the data of a page.
type view struct {
	Dev  bool
	Data any
}

// render writes a page, or nothing of it.
func (a *App) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var page bytes.Buffer
	if err := pages[name].ExecuteTemplate(&page, "layout.html", view{Dev: a.delivery != nil, Data: data}); err != nil {
		a.log.ErrorContext(r.Context(), "rendering failed", "page", name, "error", err)
		http.Error(w, failUnavailable.Title, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	a.write(w, r, page.Bytes())
}

func (a *App) writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		a.log.ErrorContext(r.Context(), "encoding failed", "error", err)
		http.Error(w, failUnavailable.Title, http.StatusInternalServerError)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", typeJSON)
	}
	w.WriteHeader(status)
	a.write(w, r, append(body, '\n'))
}

func (a *App) write(w http.ResponseWriter, r *http.Request, body []byte) {
	if _, err := w.Write(body); err != nil {
		a.log.DebugContext(r.Context(), "the client went away", "error", err)
	}
}

// answer tells a client why its request was not granted.
func (a *App) answer(w http.ResponseWriter, r *http.Request, f *failure) {
	if f.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if !wantsJSON(r) {
		a.render(w, r, f.Status, "message", message{Title: http.StatusText(f.Status), Text: f.Title})
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	a.writeJSON(w, r, f.Status, f)
}

// fail answers a fault and logs it.
func (a *App) fail(w http.ResponseWriter, r *http.Request, err error) {
	a.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	a.answer(w, r, failUnavailable)
}
