package twilio

import (
	"encoding/json"
	"strconv"
	"testing"
)

// Nothing but five digits comes out of what somebody answers.
func FuzzParseCode(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		code := parseCode(body)
		if code != 0 && (len(strconv.Itoa(code)) != 5 || !json.Valid(body)) {
			t.Errorf("%q: %d", body, code)
		}
	})
}
