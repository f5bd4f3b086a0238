package mfahttp

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxBody is how many bytes a request may have. The largest that is
// legitimate, a WebAuthn attestation with certificates, has some 10 KiB.
const maxBody = 64 << 10

// readObject reads a request's JSON body into fields. The media type is
// demanded even where the body is empty: a request that carries neither Origin
// nor Sec-Fetch-Site passes the origin check, and a form of another origin
// cannot send this type.
func readObject(w http.ResponseWriter, r *http.Request, fields ...field) error {
	if !isJSON(r.Header) {
		return refusal{problemMediaType}
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	if parseObject(body, fields) != nil {
		return refusal{problemBadRequest}
	}
	return nil
}

// readNothing reads a request that says everything in its path: an empty body,
// or an empty object.
func readNothing(w http.ResponseWriter, r *http.Request) error {
	if !isJSON(r.Header) {
		return refusal{problemMediaType}
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	if len(body) > 0 && parseObject(body, nil) != nil {
		return refusal{problemBadRequest}
	}
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refusal{problemTooLarge}
	case err != nil:
		return nil, refusal{problemBadRequest}
	}
	return body, nil
}

// isJSON reports whether there is exactly one Content-Type, application/json,
// with at most the charset that JSON has anyway (RFC 8259, section 8.1).
func isJSON(h http.Header) bool {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return false
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != "application/json" {
		return false
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}
