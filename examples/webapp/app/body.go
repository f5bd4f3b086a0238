package app

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is how much of a request is read.
const maxBody = 64 << 10

const (
	typeForm = "application/x-www-form-urlencoded"
	typeJSON = "application/json"
)

// filler is a body that can be filled from a form as well as from JSON.
type filler interface{ fill(form url.Values) }

// readBody reads a form or JSON into v. What v does not know is ignored.
func readBody(w http.ResponseWriter, r *http.Request, v filler) *failure {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	switch contentType(r) {
	case typeForm:
		if err := r.ParseForm(); err != nil {
			return unreadable(err)
		}
		v.fill(r.PostForm)
	case typeJSON:
		d := json.NewDecoder(r.Body)
		if err := d.Decode(v); err != nil {
			return unreadable(err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return failBadRequest
		}
	default:
		return failMediaType
	}
	return nil
}

func unreadable(err error) *failure {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return failTooLarge
	}
	return failBadRequest
}

func contentType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// wantsJSON reports whether the client is a script: it sends JSON or asks for
// it.
func wantsJSON(r *http.Request) bool {
	return contentType(r) == typeJSON || strings.Contains(r.Header.Get("Accept"), typeJSON)
}
