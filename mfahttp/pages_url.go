package mfahttp

import "net/url"

// url returns the address of a page. Parameters that are empty are left out.
// No secret may be among them.
func (h *Handler) url(path string, params ...string) string {
	return withParams(h.cfg.Prefix+path, params...)
}

// withParams sets parameters, given as name and value in turn, on a URL.
func withParams(to string, params ...string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	q := u.Query()
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] != "" {
			q.Set(params[i], params[i+1])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
