package mfahttp

import (
	"net/http"

	"github.com/go-mfa/mfa/internal/loopback"
)

// hostCookie is the name of a cookie that no neighbouring host can set. It is
// less strict only where a request comes from the same machine without TLS,
// where some browsers keep nothing that is Secure.
func hostCookie(r *http.Request, name string) string {
	if loopback.Plain(r) {
		return name
	}
	return "__Host-" + name
}

func setHostCookie(w http.ResponseWriter, r *http.Request, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: hostCookie(r, name), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: !loopback.Plain(r), SameSite: http.SameSiteLaxMode,
	})
}
