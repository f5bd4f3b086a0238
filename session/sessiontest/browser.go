package sessiontest

import (
	"context"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/go-mfa/mfa"
)

// site is an app whose handlers are functions of the test.
type site struct {
	t      tb
	h      Harness
	server *httptest.Server
	url    *url.URL

	mu     sync.Mutex
	visits int
	next   map[string]*visit
}

type visit struct {
	handler http.HandlerFunc
	reached bool
}

const visitHeader = "X-Visit"

func newSite(t tb, h Harness) *site {
	t.Helper()
	if h.Session == nil || h.AppUser == nil {
		t.Fatalf("sessiontest: the Harness has no Session or no AppUser: set both")
	}
	s := &site{t: t, h: h, next: map[string]*visit{}}
	var handler http.Handler = http.HandlerFunc(s.serve)
	if h.Wrap != nil {
		handler = h.Wrap(handler)
	}
	s.server = httptest.NewUnstartedServer(handler)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // a panic shows as a failed request
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	if transport, ok := s.server.Client().Transport.(*http.Transport); ok {
		transport.MaxIdleConnsPerHost = 32 // no handshake per concurrent request
	}
	var err error
	if s.url, err = url.Parse(s.server.URL); err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	return s
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	v := s.next[r.Header.Get(visitHeader)]
	v.reached = true
	s.mu.Unlock()
	v.handler(w, r)
}

// browser is a client with cookies. It remembers every cookie it was ever sent.
type browser struct {
	site *site
	mu   sync.Mutex
	jar  map[string]string
	seen map[string][]string
	set  []*http.Cookie // of the last response
}

func (s *site) browser() *browser {
	return &browser{site: s, jar: map[string]string{}, seen: map[string][]string{}}
}

// with returns a browser that has exactly these cookies.
func (s *site) with(cookies map[string]string) *browser {
	b := s.browser()
	b.jar = maps.Clone(cookies)
	return b
}

func (b *browser) cookies() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.jar)
}

// do sends one request that handler answers. It reports false if the server
// broke off, as after a panic, or never let the handler run.
func (b *browser) do(handler http.HandlerFunc) bool {
	v := &visit{handler: handler}
	b.site.mu.Lock()
	b.site.visits++
	id := strconv.Itoa(b.site.visits)
	b.site.next[id] = v
	b.site.mu.Unlock()

	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, b.site.server.URL+"/", nil)
	if err != nil {
		b.site.t.Errorf("sessiontest: %v", err)
		return false
	}
	req.Header.Set(visitHeader, id)
	cookies := b.cookies()
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		req.AddCookie(&http.Cookie{Name: name, Value: cookies[name]})
	}
	res, err := b.site.server.Client().Transport.RoundTrip(req)
	if err != nil {
		return false
	}
	_, copyErr := io.Copy(io.Discard, res.Body)
	closeErr := res.Body.Close()
	b.keep(res.Cookies())

	b.site.mu.Lock()
	defer b.site.mu.Unlock()
	delete(b.site.next, id)
	return copyErr == nil && closeErr == nil && v.reached
}

func (b *browser) keep(set []*http.Cookie) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set = set
	for _, c := range set {
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Unix() <= 1 {
			delete(b.jar, c.Name)
			continue
		}
		b.jar[c.Name] = c.Value
		if !slices.Contains(b.seen[c.Name], c.Value) {
			b.seen[c.Name] = append(b.seen[c.Name], c.Value)
		}
	}
}

// save saves a state, and fails the check if that does not work.
func (b *browser) save(state mfa.State) {
	b.site.t.Helper()
	var err error
	if !b.do(func(w http.ResponseWriter, r *http.Request) { err = b.site.h.Session.Save(w, r, state) }) {
		b.site.t.Fatalf("Save panicked where nothing stood in its way, or the connection broke: call it by hand to see how")
	}
	if err != nil {
		b.site.t.Fatalf("Save failed where nothing stood in its way: %v", err)
	}
}

// view is what the library and the app see of a session.
type view struct {
	state   mfa.State
	err     error
	appUser string
}

// load asks who is there. A server that breaks off fails the check.
func (b *browser) load() view {
	b.site.t.Helper()
	var v view
	if !b.do(func(_ http.ResponseWriter, r *http.Request) {
		v.state, v.err = b.site.h.Session.Load(r)
		v.appUser = b.site.h.AppUser(r)
	}) {
		b.site.t.Fatalf("Load panicked, or the middleware did not let the request through: a client that sends such cookies can bring requests down")
	}
	return v
}

// subsets calls try with every choice of at most one value per cookie name out
// of all that the browser was ever sent.
func (b *browser) subsets(try func(cookies map[string]string)) {
	names := slices.Sorted(maps.Keys(b.seen))
	var choose func(i int, chosen map[string]string)
	choose = func(i int, chosen map[string]string) {
		if i == len(names) {
			try(chosen)
			return
		}
		choose(i+1, chosen)
		for _, value := range b.seen[names[i]] {
			with := maps.Clone(chosen)
			with[names[i]] = value
			choose(i+1, with)
		}
	}
	choose(0, map[string]string{})
}
