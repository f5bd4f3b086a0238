package mfahttp

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/go-mfa/mfa"
)

// Config says how a Handler is mounted. The zero value is valid. New copies it.
type Config struct {
	// Prefix must be the path at which the app mounts the handler, without a
	// slash at its end: it serves nothing else, and a mismatch is a 404. Empty
	// means "/mfa"; "/" means the root of the host. With another one than
	// "/mfa" set VerifyURL and EnrollURL of the Manager's Config to
	// Prefix + "/verify" and Prefix + "/", or the gate sends users to a 404.
	Prefix string
	// AppName is shown on the pages. Empty means "this site".
	AppName string
	// HomeURL is where the pages' way back leads: a path or a URL. Empty means "/".
	HomeURL string
	// Templates are laid over the embedded templates, file by file.
	Templates fs.FS
	// Client returns the client's address, for events and for
	// mfa.Limits.SignIns. Nil means the address of the connection;
	// X-Forwarded-For and the like are never read. An app behind a proxy of its
	// own gives a function that knows that proxy, or all its users share the
	// sign-ins of one client. It replaces what mfa.WithClient has put into the request's context.
	Client func(*http.Request) string
	// Logger receives faults and panics. Nil means slog.Default.
	Logger *slog.Logger
}

// Handler serves the API under Prefix/api and the pages under Prefix. It is
// safe for concurrent use and keeps nothing between two requests.
type Handler struct {
	m      *mfa.Manager
	cfg    Config
	api    *http.ServeMux // everything under Prefix/api
	mux    *http.ServeMux // everything else
	origin *http.CrossOriginProtection

	templates pageTemplates
	firsts    []string // the methods that the sign-in page offers
}

var prefixPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// New makes a Handler over a Manager. Its errors say in one sentence what is
// wrong with the Config and how to mend it.
func New(m *mfa.Manager, cfg Config) (*Handler, error) {
	if m == nil {
		return nil, errors.New("mfahttp: the Manager is nil: make one with mfa.New and check its error")
	}
	switch {
	case cfg.Prefix == "":
		cfg.Prefix = "/mfa"
	case cfg.Prefix == "/":
		cfg.Prefix = ""
	case !prefixPath.MatchString(cfg.Prefix):
		return nil, fmt.Errorf("mfahttp: Config.Prefix is %q: give a path such as \"/mfa\", of letters, digits and -._~, with a slash before each part and none at the end", cfg.Prefix)
	}
	if cfg.AppName == "" {
		cfg.AppName = "this site"
	}
	if cfg.HomeURL == "" {
		cfg.HomeURL = "/"
	}
	if home, err := url.Parse(cfg.HomeURL); err != nil || !isPathOrURL(home) {
		return nil, fmt.Errorf("mfahttp: Config.HomeURL is %q: give a path that begins with a slash, or a URL", cfg.HomeURL)
	}
	if cfg.Client == nil {
		cfg.Client = connectionAddress
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	h := &Handler{m: m, cfg: cfg, api: http.NewServeMux(), mux: http.NewServeMux(), origin: http.NewCrossOriginProtection()}
	h.routeAPI()
	if err := h.routePages(); err != nil {
		return nil, err
	}
	return h, nil
}

func isPathOrURL(u *url.URL) bool {
	if u.Scheme == "" {
		return u.Host == "" && strings.HasPrefix(u.Path, "/")
	}
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// connectionAddress is the default of Config.Client.
func connectionAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// ServeHTTP implements [http.Handler]. It refuses what another origin sends
// before anything else looks at it, and answers a panic with 503.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := h.isAPI(r)
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	switch {
	case api:
		header.Set("Referrer-Policy", "no-referrer")
	case strings.HasPrefix(r.URL.Path, h.cfg.Prefix+"/link/"):
		header.Set("Referrer-Policy", "strict-origin") // the path is a secret
	default:
		header.Set("Referrer-Policy", "same-origin") // under no-referrer a form's Origin is "null"
	}
	defer h.recovered(w, r)
	if err := h.origin.Check(r); err != nil {
		h.problem(w, r, problemCrossOrigin)
		return
	}
	r = r.WithContext(mfa.WithClient(r.Context(), h.cfg.Client(r)))
	if api {
		h.serveAPI(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

func (h *Handler) isAPI(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, h.cfg.Prefix+"/api")
	return ok && (rest == "" || rest[0] == '/')
}

// recovered answers a panic of a session, a store or a factor. Of the value it
// logs no more than its type, unless it comes from the runtime: it may contain
// anything.
func (h *Handler) recovered(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	what := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		what = err.Error()
	}
	h.cfg.Logger.ErrorContext(r.Context(), "mfahttp: panic", "panic", what, "stack", string(debug.Stack()))
	h.problem(w, r, mfa.ProblemFor(errors.New(what)))
}
