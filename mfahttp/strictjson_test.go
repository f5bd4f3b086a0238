package mfahttp

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// request has a member of each type.
type request struct {
	Method   string            `json:"method"`
	Refresh  bool              `json:"refresh"`
	Params   map[string]string `json:"params"`
	Response responseBytes     `json:"-"`
}

func (r *request) fields() []field {
	return []field{
		{"method", &r.Method, true},
		{"refresh", &r.Refresh, false},
		{"params", &r.Params, false},
		{"response", &r.Response, false},
	}
}

func TestM01_ParseObject(t *testing.T) {
	nested := func(levels int) string {
		return `{"method":"m","response":` + strings.Repeat(`{"a":`, levels) + `1` + strings.Repeat(`}`, levels) + `}`
	}
	refused := map[string]string{
		"empty":                      ``,
		"space":                      ` `,
		"not JSON":                   `method=totp`,
		"truncated":                  `{"method":"m"`,
		"missing value":              `{"method"}`,
		"trailing comma":             `{"method":"m",}`,
		"no comma":                   `{"method":"m" "refresh":true}`,
		"single quotes":              `{'method':'m'}`,
		"comment":                    `{"method":"m"/**/}`,
		"byte order mark":            "\xef\xbb\xbf" + `{"method":"m"}`,
		"trailing object":            `{"method":"m"}{}`,
		"trailing bracket":           `{"method":"m"}]`,
		"trailing NUL":               `{"method":"m"}` + "\x00",
		"array":                      `[{"method":"m"}]`,
		"string":                     `"method"`,
		"number":                     `1`,
		"null":                       `null`,
		"true":                       `true`,
		"no required member":         `{}`,
		"unknown member":             `{"method":"m","user_id":"1"}`,
		"duplicate":                  `{"method":"m","method":"m"}`,
		"duplicate, escaped":         `{"method":"m","m\u0065thod":"n"}`,
		"case variant":               `{"Method":"m"}`,
		"case variant twice":         `{"method":"m","Method":"n"}`,
		"case variant, long s":       `{"method":"m","reſponse":"1","response":"2"}`,
		"duplicate in params":        `{"method":"m","params":{"a":"1","a":"2"}}`,
		"case variant in params":     `{"method":"m","params":{"a":"1","A":"2"}}`,
		"Kelvin in params":           `{"method":"m","params":{"k":"1","\u212a":"2"}}`,
		"duplicate in response":      `{"method":"m","response":{"id":"1","id":"2"}}`,
		"case variant in response":   `{"method":"m","response":{"id":"1","ID":"2"}}`,
		"duplicate far down":         `{"method":"m","response":{"a":[{"b":{"c":1,"c":2}}]}}`,
		"method null":                `{"method":null}`,
		"method number":              `{"method":1}`,
		"method array":               `{"method":["m"]}`,
		"method object":              `{"method":{}}`,
		"refresh null":               `{"method":"m","refresh":null}`,
		"refresh string":             `{"method":"m","refresh":"true"}`,
		"refresh number":             `{"method":"m","refresh":1}`,
		"params null":                `{"method":"m","params":null}`,
		"params array":               `{"method":"m","params":[]}`,
		"params with null":           `{"method":"m","params":{"a":null}}`,
		"params with number":         `{"method":"m","params":{"a":1}}`,
		"params with object":         `{"method":"m","params":{"a":{}}}`,
		"response null":              `{"method":"m","response":null}`,
		"response number":            `{"method":"m","response":123456}`,
		"response negative":          `{"method":"m","response":-1}`,
		"response exponent":          `{"method":"m","response":1e6}`,
		"response true":              `{"method":"m","response":true}`,
		"response array":             `{"method":"m","response":["123456"]}`,
		"invalid UTF-8 in a value":   "{\"method\":\"\xff\"}",
		"invalid UTF-8 in a name":    "{\"method\":\"m\",\"\xff\":1}",
		"control character":          "{\"method\":\"a\nb\"}",
		"one level more than enough": nested(maxDepth),
		"very deep":                  strings.Repeat(`{"a":`, 30000),
		"very deep array":            strings.Repeat(`[`, 60000),
	}
	for name, body := range refused {
		t.Run(name, func(t *testing.T) {
			var in request
			require.Error(t, parseObject([]byte(body), in.fields()))
		})
	}

	t.Run("accepted", func(t *testing.T) {
		var in request
		body := ` {"method" : "m\u00e9", "refresh":true, "params":{"to":"x","":"y"}, "response":"12\u0033"}` + "\r\n"
		require.NoError(t, parseObject([]byte(body), in.fields()))
		assert.Equal(t, request{Method: "mé", Refresh: true, Params: map[string]string{"to": "x", "": "y"}, Response: responseBytes("123")}, in)
	})
	t.Run("response is an object as it was sent", func(t *testing.T) {
		var in request
		require.NoError(t, parseObject([]byte(`{"method":"m","response": {"b" : null,"a":[1, 2.50]} }`), in.fields()))
		assert.Equal(t, `{"b" : null,"a":[1, 2.50]}`, string(in.Response))
	})
	t.Run("an empty response is one", func(t *testing.T) {
		var in request
		require.NoError(t, parseObject([]byte(`{"method":"m","response":""}`), in.fields()))
		assert.NotNil(t, in.Response)
		assert.Empty(t, in.Response)
	})
	t.Run("as deep as allowed", func(t *testing.T) {
		var in request
		require.NoError(t, parseObject([]byte(nested(maxDepth-1)), in.fields()))
	})
	t.Run("what is left out stays as it was", func(t *testing.T) {
		var in request
		require.NoError(t, parseObject([]byte(`{"method":"m"}`), in.fields()))
		assert.Equal(t, request{Method: "m"}, in)
	})
}

// What is accepted is what encoding/json reads too, in its strictest mode, and
// with the same meaning.
func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{"method":"totp","response":"123456"}`,
		`{"method":"webauthn","response":{"id":"x","response":{"clientDataJSON":"e30"}}}`,
		`{"method":"m","params":{"a":"b"},"refresh":false}`,
		`{"method":"m","Method":"n"}`, `{"method":"m","method":"n"}`, `{"method":null}`,
		`{"method":"m"}{}`, `[[[[]]]]`, `{"method":"\ud800"}`, "{\"\xff\":1}", `null`, ``, `{"method":1e400}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		given := bytes.Clone(body)
		var in request
		err := parseObject(body, in.fields())
		require.Equal(t, given, body, "the body was changed")
		if err != nil {
			return
		}
		var plain struct {
			request
			Response json.RawMessage `json:"response"`
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&plain))
		require.Equal(t, plain.Method, in.Method)
		require.Equal(t, plain.Refresh, in.Refresh)
		require.Equal(t, plain.Params, in.Params)
		switch {
		case plain.Response == nil:
			require.Nil(t, in.Response)
		case plain.Response[0] == '{':
			require.Equal(t, string(plain.Response), string(in.Response))
		default:
			var text string
			require.NoError(t, json.Unmarshal(plain.Response, &text))
			require.Equal(t, text, string(in.Response))
		}
	})
}
