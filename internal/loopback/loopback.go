// Package loopback recognises requests that this machine makes to itself, where
// cookies need not be Secure.
package loopback

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Plain reports whether a request came over plain HTTP from this
// machine to this machine, where browsers may refuse Secure cookies. Host
// alone is the client's word, and the address alone is also that of a reverse
// proxy; a proxy that says it is one is believed.
func Plain(r *http.Request) bool {
	if r.TLS != nil || !isHost(r.Host) {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if len(r.Header[header]) > 0 {
			return false
		}
	}
	return true
}

// IsOrigin reports whether a URL is of a page that this machine serves without
// TLS.
func IsOrigin(rawURL string) bool {
	u, err := url.Parse(rawURL)
	return err == nil && u.Scheme == "http" && isHost(u.Host)
}

func isHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
