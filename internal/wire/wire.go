// Package wire is the compact encoding of what the library stores: values one
// after the other, without names, behind a version byte that the caller
// writes. Integers are varints, strings and byte slices carry their length.
//
// A decoder must check [Reader.Done]: input that is short, long or not in the
// shortest form is an error, so that a value has exactly one encoding.
package wire

import (
	"encoding/binary"
	"errors"
	"time"
)

// ErrMalformed is the error of input that no Append call could have written.
var ErrMalformed = errors.New("wire: malformed")

// AppendUint appends an unsigned integer.
func AppendUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// AppendInt appends a signed integer.
func AppendInt(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

// AppendString appends a string or a byte slice.
func AppendString[T ~string | ~[]byte](b []byte, v T) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// AppendBool appends a truth value.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendTime appends a time with millisecond precision. The zero time stays
// the zero time.
func AppendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return AppendBool(b, false)
	}
	return AppendInt(AppendBool(b, true), t.UnixMilli())
}

// Reader reads what the Append functions wrote. After the first error every
// method returns the zero value. The zero Reader is at the end.
type Reader struct {
	rest []byte
	text string // a copy of the input; empty if strings are copied one by one
	err  error
}

// NewReader returns a Reader of b. It does not copy b.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// NewTextReader returns a Reader of b whose strings share one copy of b, which
// is quicker where most of b is strings that live equally long.
func NewTextReader(b []byte) Reader { return Reader{rest: b, text: string(b)} }

// Done returns an error if the input was malformed or not read to its end.
func (r *Reader) Done() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = ErrMalformed
	}
	return r.err
}

// Fail makes the Reader malformed: the caller found a value it cannot accept.
func (r *Reader) Fail() {
	r.err, r.rest, r.text = ErrMalformed, nil, ""
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if len(r.rest) == 0 {
		r.Fail()
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

// Uint reads an unsigned integer.
func (r *Reader) Uint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 { // nearly all lengths are one byte
		v := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(v)
	}
	return r.longUint()
}

func (r *Reader) longUint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 {
		r.Fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// Int reads a signed integer.
func (r *Reader) Int() int64 {
	u := r.Uint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

// Len reads the number of elements that follow, each at least one byte long,
// so that what the caller allocates for them is bounded by the input.
func (r *Reader) Len() int {
	n := r.Uint()
	if n > uint64(len(r.rest)) {
		r.Fail()
		return 0
	}
	return int(n)
}

// Bytes reads a byte slice. It shares memory with the input, and is nil if it
// is empty.
func (r *Reader) Bytes() []byte {
	n := r.Len()
	if n == 0 {
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

// String reads a string.
func (r *Reader) String() string {
	v := r.Bytes()
	if r.text == "" {
		return string(v)
	}
	end := len(r.text) - len(r.rest)
	return r.text[end-len(v) : end]
}

// Bool reads a truth value.
func (r *Reader) Bool() bool {
	switch r.Byte() {
	case 0:
		return false
	case 1:
		return true
	default:
		r.Fail()
		return false
	}
}

// Time reads a time, in UTC.
func (r *Reader) Time() time.Time {
	if !r.Bool() {
		return time.Time{}
	}
	v := r.Int()
	if r.err != nil {
		return time.Time{}
	}
	t := time.UnixMilli(v).UTC()
	if t.IsZero() { // has the other encoding
		r.Fail()
	}
	return t
}
