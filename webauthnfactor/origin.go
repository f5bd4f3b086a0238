package webauthnfactor

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
)

// checkRPID refuses what is no valid domain string (Web Authentication Level
// 3, section 5.1.2), naming the likely mistake.
func checkRPID(id string) error {
	switch {
	case id == "":
		return errors.New(`RPID is empty: set it to the domain of the site, such as "example.com"`)
	case strings.ContainsAny(id, ":/"):
		return fmt.Errorf("RPID is %q: write the domain alone, without scheme, port and path", id)
	case id != strings.ToLower(id):
		return fmt.Errorf("RPID is %q: write it in lower case", id)
	case isIP(id):
		return fmt.Errorf(`RPID is %q: WebAuthn does not work on IP addresses, use a domain name or "localhost"`, id)
	}
	if err := protocol.ValidateRPID(id); err != nil {
		return fmt.Errorf(`RPID is %q: set it to a registrable domain, such as "example.com", or to "localhost" (%w)`, id, err)
	}
	return nil
}

// checkOrigin refuses an origin that no browser would write like this or that
// may not use the RP ID.
func checkOrigin(origin, rpID string) error {
	u, err := url.Parse(origin)
	if err != nil {
		return fmt.Errorf(`origin %q is not a URL: write it like "https://example.com"`, origin)
	}
	host := u.Hostname()
	switch {
	case (u.Scheme != "https" && u.Scheme != "http") || host == "":
		return fmt.Errorf(`origin %q is not that of a web page: write scheme and host, like "https://example.com"`, origin)
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(origin, "#"):
		return fmt.Errorf("origin %q is more than an origin: write scheme, host and port alone, without a final slash", origin)
	case strings.ContainsFunc(host, func(r rune) bool { return r > 0x7f }):
		return fmt.Errorf("origin %q is not ASCII: write the host in Punycode, as browsers do", origin)
	case isIP(host):
		return fmt.Errorf(`origin %q is an IP address: WebAuthn needs a domain name or "localhost"`, origin)
	case u.Scheme == "http" && host != "localhost" && !strings.HasSuffix(host, ".localhost"):
		return fmt.Errorf("origin %q is plain http: browsers offer WebAuthn over https only, except on localhost", origin)
	case u.Port() == "443" && u.Scheme == "https", u.Port() == "80" && u.Scheme == "http":
		return fmt.Errorf("origin %q has the default port: browsers leave it out, so write it without", origin)
	case origin != strings.ToLower(u.Scheme+"://"+u.Host) || strings.HasSuffix(u.Host, ":"):
		return fmt.Errorf("origin %q is not written as browsers do: use lower case", origin)
	case host != rpID && !strings.HasSuffix(host, "."+rpID):
		return fmt.Errorf("origin %q is not within RPID %q: make RPID its host or a parent domain of it", origin, rpID)
	}
	return nil
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
