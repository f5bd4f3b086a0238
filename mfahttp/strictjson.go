package mfahttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth is how deep the objects and arrays of a request may nest. The
// deepest that is legitimate, a WebAuthn credential with extension results,
// has six levels.
const maxDepth = 16

// responseBytes is what a client responds to a ceremony: the bytes of a JSON string,
// or a JSON object as it was sent.
type responseBytes []byte

// field is one member that a request's object may have.
type field struct {
	name     string
	into     any // *string, *bool, *map[string]string or *responseBytes
	required bool
}

// parseObject reads a request's body into its fields. It refuses what
// encoding/json lets pass: members that are not in fields, that are there
// twice, at whatever level, or twice but for their case, null where a value
// belongs, invalid UTF-8, data after the object, and deep nesting.
func parseObject(body []byte, fields []field) error {
	if !utf8.Valid(body) {
		return errors.New("invalid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the object")
	}
	// A map's keys are compared exactly, and none is there twice any more.
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return errors.New("not an object")
	}
	if members == nil {
		return errors.New("null in place of an object")
	}
	for _, f := range fields {
		raw, ok := members[f.name]
		if !ok {
			if f.required {
				return fmt.Errorf("no member %q", f.name)
			}
			continue
		}
		delete(members, f.name)
		if err := readValue(raw, f.into); err != nil {
			return fmt.Errorf("member %q: %w", f.name, err)
		}
	}
	if len(members) > 0 {
		return errors.New("an unknown member")
	}
	return nil
}

// checkValue reads one value and whatever is in it.
func checkValue(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return errors.New("not JSON")
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth++; depth > maxDepth {
		return errors.New("nested too deep")
	}
	seen := map[string]bool{}
	for d.More() {
		if opening == '{' {
			if err := checkName(d, seen); err != nil {
				return err
			}
		}
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errors.New("not JSON")
	}
	return nil
}

func checkName(d *json.Decoder, seen map[string]bool) error {
	token, err := d.Token()
	name, ok := token.(string)
	if err != nil || !ok {
		return errors.New("not JSON")
	}
	name = foldCase(name)
	if seen[name] {
		return errors.New("a member that is there twice")
	}
	seen[name] = true
	return nil
}

// foldCase maps names to one that differ in case only, as Unicode folds it and
// encoding/json compares: "K" (Kelvin) and "k" are equal too.
func foldCase(name string) string {
	return strings.Map(func(r rune) rune {
		smallest := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			smallest = min(smallest, next)
		}
		return smallest
	}, name)
}

func readValue(raw json.RawMessage, into any) error {
	switch into := into.(type) {
	case *string:
		return readAs(raw, '"', into)
	case *bool:
		if string(raw) == "null" {
			return errors.New("wrong type")
		}
		return json.Unmarshal(raw, into)
	case *map[string]string:
		return readParams(raw, into)
	case *responseBytes:
		var text string
		if raw[0] == '{' {
			*into = responseBytes(raw)
			return nil
		}
		if err := readAs(raw, '"', &text); err != nil {
			return err
		}
		*into = responseBytes(text)
		return nil
	default:
		panic(fmt.Sprintf("mfahttp: no way to read a %T", into))
	}
}

// readAs reads a value whose first byte says that it has the right type. For
// encoding/json null would do as well.
func readAs(raw json.RawMessage, first byte, into any) error {
	if raw[0] != first {
		return errors.New("wrong type")
	}
	return json.Unmarshal(raw, into)
}

func readParams(raw json.RawMessage, into *map[string]string) error {
	var members map[string]json.RawMessage
	if err := readAs(raw, '{', &members); err != nil {
		return err
	}
	params := make(map[string]string, len(members))
	for name, raw := range members {
		var value string
		if err := readAs(raw, '"', &value); err != nil {
			return err
		}
		params[name] = value
	}
	*into = params
	return nil
}
