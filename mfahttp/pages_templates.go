package mfahttp

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed templates/*.html
var embedded embed.FS

// layoutFile wraps every page; it calls {{template "content" .}}.
const layoutFile = "layout.html"

// pageTemplates are the pages by file name, each with its layout.
type pageTemplates map[string]*template.Template

// loadTemplates parses every page with the layout, Config.Templates first, and
// executes it with data of every shape, so that a mistake is found at start-up.
func loadTemplates(cfg Config) (pageTemplates, error) {
	if err := checkOverlay(cfg.Templates); err != nil {
		return nil, err
	}
	layout, err := templateSource(cfg.Templates, layoutFile)
	if err != nil {
		return nil, err
	}
	templates := pageTemplates{}
	for name, samples := range samplePages(cfg) {
		source, err := templateSource(cfg.Templates, name)
		if err != nil {
			return nil, err
		}
		t, err := template.New(layoutFile).Parse(layout)
		if err == nil {
			_, err = t.New(name).Parse(source)
		}
		if err != nil {
			return nil, fmt.Errorf("template %s cannot be parsed: mend it in Config.Templates: %w", name, err)
		}
		for _, data := range samples {
			if err := t.Execute(io.Discard, data); err != nil {
				return nil, fmt.Errorf("template %s cannot show a %T: mend it in Config.Templates: %w", name, data, err)
			}
		}
		templates[name] = t
	}
	return templates, nil
}

func templateSource(overlay fs.FS, name string) (string, error) {
	if overlay != nil {
		source, err := fs.ReadFile(overlay, name)
		if err == nil {
			return string(source), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("template %s cannot be read from Config.Templates: %w", name, err)
		}
	}
	source, err := fs.ReadFile(embedded, "templates/"+name)
	return string(source), err
}

// checkOverlay refuses files that would be ignored. Those one folder down are
// what an embed.FS has whose fs.Sub was forgotten.
func checkOverlay(overlay fs.FS) error {
	if overlay == nil {
		return nil
	}
	given, err := fs.Glob(overlay, "*.html")
	if err != nil {
		return fmt.Errorf("Config.Templates cannot be listed: %w", err)
	}
	known, err := fs.Glob(embedded, "templates/*.html")
	if err != nil {
		return err
	}
	for i := range known {
		known[i] = strings.TrimPrefix(known[i], "templates/")
	}
	for _, name := range given {
		if !slices.Contains(known, name) {
			return fmt.Errorf("Config.Templates has a file %q, which no page uses: name it as one of %s, or take it out", name, strings.Join(known, ", "))
		}
	}
	below, err := fs.Glob(overlay, "*/*.html")
	if err != nil {
		return fmt.Errorf("Config.Templates cannot be listed: %w", err)
	}
	for _, name := range below {
		if slices.Contains(known, path.Base(name)) {
			return fmt.Errorf("Config.Templates has a file %q, which no page uses: give the folder that it is in, with fs.Sub", name)
		}
	}
	return nil
}

// newPage fills what every page has.
func (h *Handler) newPage(title string, active bool, returnTo string) Page {
	return Page{
		Title: title, AppName: h.cfg.AppName, HomeURL: h.cfg.HomeURL, Prefix: h.cfg.Prefix,
		ReturnTo: returnTo, Active: active,
	}
}

// show renders a page. common is the Page inside of data. The page is complete
// before the status is sent, so that a failing template is a 503.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, a alert, name string, data any, common *Page) {
	common.Alert, common.AlertCode, common.RetryAfter = a.text, a.code, a.retryAfter
	var body bytes.Buffer
	if err := h.templates[name].Execute(&body, data); err != nil {
		h.fail(w, r, fmt.Errorf("template %s: %w", name, err))
		return
	}
	status := a.status
	if status == 0 {
		status = http.StatusOK
	}
	h.write(w, r, status, "text/html; charset=utf-8", body.Bytes())
}

func (h *Handler) write(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		h.cfg.Logger.DebugContext(r.Context(), "mfahttp: writing an answer", "error", err)
	}
}
