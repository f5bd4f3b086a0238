package app

import (
	"embed"
	"net/http"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfahttp"
)

//go:embed style.css icon.svg
var assets embed.FS

// transferMaxAge is how recently a second factor must have been used before
// money moves.
const transferMaxAge = 5 * time.Minute

// contactMaxAge is how recently users must have signed in, as strongly as they
// can, before they change where their codes go.
const contactMaxAge = 15 * time.Minute

// routes returns the whole app: its own routes and the library's under /mfa/.
func (a *App) routes() (http.Handler, error) {
	mfaPages, err := mfahttp.New(a.mfa, mfahttp.Config{AppName: appName, HomeURL: "/account", Logger: a.log})
	if err != nil {
		return nil, err
	}
	own := http.NewServeMux()
	for _, r := range a.ownRoutes() {
		own.Handle(r.pattern, r.handler)
	}
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.answer(w, r, failCrossOrigin)
	}))
	all := http.NewServeMux()
	all.Handle("/", ownHeaders(sameOrigin.Handler(own)))
	all.Handle("/mfa/", mfaPages)
	return a.sessions.LoadAndSave(all), nil
}

// route is one of the app's own.
type route struct {
	pattern string
	handler http.Handler
}

func (a *App) ownRoutes() []route {
	signedIn := a.mfa.RequireAAL(mfa.HighestAvailable)
	recently := a.mfa.Require(mfa.Requirement{AAL: mfa.AAL2, MaxAge: transferMaxAge})
	oneFactor := a.mfa.RequireAAL(mfa.AAL1)
	lately := a.mfa.Require(mfa.Requirement{MaxAge: contactMaxAge})
	withKey := a.mfa.Require(mfa.Requirement{PhishingResistant: true})
	routes := []route{
		{"GET /{$}", http.RedirectHandler("/account", http.StatusSeeOther)},
		{"GET /style.css", http.FileServerFS(assets)},
		{"GET /icon.svg", http.FileServerFS(assets)},
		{"GET /signup", http.HandlerFunc(a.signupPage)},
		{"POST /signup", http.HandlerFunc(a.signup)},
		{"GET /login", http.HandlerFunc(a.loginPage)},
		{"POST /login", http.HandlerFunc(a.login)},
		{"POST /logout", http.HandlerFunc(a.logout)},
		{"GET /account", signedIn(http.HandlerFunc(a.accountPage))},
		{"GET /api/account", signedIn(http.HandlerFunc(a.accountJSON))},
		{"POST /transfer", recently(http.HandlerFunc(a.transfer))},
		{"POST /contact", lately(http.HandlerFunc(a.changeContact))},
		{"GET /lax", oneFactor(http.HandlerFunc(a.laxPage))},
		{"GET /keys-only", withKey(http.HandlerFunc(a.keysOnlyPage))},
	}
	if a.delivery != nil {
		routes = append(routes,
			route{"GET /dev/outbox", a.onlyHere(a.outboxJSON)},
			route{"GET /outbox", a.onlyHere(a.outboxPage)})
	}
	return routes
}

// ownHeaders sets the headers of the app's own answers. Pages tell their path
// to this origin only, which is how a refused form knows where to come back to.
func ownHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
