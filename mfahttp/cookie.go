package mfahttp

import (
	"net/http"

	"github.com/go-mfa/mfa/internal/loopback"
)

// hostCookie is the name of a cookie that no neighbouring host can set. It is
// less strict only where a request comes from the same machine without TLS,
// where some browsers keep nothing that is Secure.
func hostCookie(r *http.Request, name string) string {
	if isLocal(r) {
		return name
	}
	return "__Host-" + name
}

// isLocal reports whether browser and app are on one machine, without TLS. A
// proxy on that machine may look the same, but for where the browser says that
// it is: in Origin with every form, in Referer with the page after it.
func isLocal(r *http.Request) bool {
	from := r.Header.Get("Origin")
	if from == "" {
		from = r.Header.Get("Referer")
	}
	return loopback.Plain(r) && (from == "" || loopback.IsOrigin(from))
}

func setHostCookie(w http.ResponseWriter, r *http.Request, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: hostCookie(r, name), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: !isLocal(r), SameSite: http.SameSiteLaxMode,
	})
}
