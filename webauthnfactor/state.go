package webauthnfactor

import (
	"bytes"
	"errors"

	"github.com/go-mfa/mfa/internal/wire"
)

// The first byte of a ceremony's state is its version and kind in one, so
// that the state of an enrolment is never taken for that of a verification.
const (
	enrollState1 = 1
	verifyState1 = 2
)

var errState = errors.New("webauthnfactor: ceremony state is unreadable or of another kind")

// enrollState is what the answer to an enrolment is judged by.
type enrollState struct {
	challenge    []byte
	handle       []byte
	userVerified bool // is required
	algorithms   []int64
}

func (s *enrollState) encode() []byte {
	b := []byte{enrollState1}
	b = wire.AppendString(b, s.challenge)
	b = wire.AppendString(b, s.handle)
	b = wire.AppendBool(b, s.userVerified)
	b = wire.AppendUint(b, uint64(len(s.algorithms)))
	for _, a := range s.algorithms {
		b = wire.AppendInt(b, a)
	}
	return b
}

func decodeEnrollState(b []byte) (enrollState, error) {
	r := wire.NewReader(b)
	if r.Byte() != enrollState1 {
		return enrollState{}, errState
	}
	s := enrollState{challenge: r.Bytes(), handle: r.Bytes(), userVerified: r.Bool()}
	s.algorithms = make([]int64, r.Len())
	for i := range s.algorithms {
		s.algorithms[i] = r.Int()
	}
	if r.Done() != nil || len(s.challenge) != challengeLength || len(s.handle) == 0 {
		return enrollState{}, errState
	}
	return s, nil
}

// verifyState is what the answer to a verification is judged by.
type verifyState struct {
	challenge    []byte
	userVerified bool // is required
	allowed      [][]byte
}

func (s *verifyState) encode() []byte {
	n := 64
	for _, id := range s.allowed {
		n += 2 + len(id)
	}
	b := append(make([]byte, 0, n), verifyState1)
	b = wire.AppendString(b, s.challenge)
	b = wire.AppendBool(b, s.userVerified)
	b = wire.AppendUint(b, uint64(len(s.allowed)))
	for _, id := range s.allowed {
		b = wire.AppendString(b, id)
	}
	return b
}

func decodeVerifyState(b []byte) (verifyState, error) {
	r := wire.NewReader(b)
	if r.Byte() != verifyState1 {
		return verifyState{}, errState
	}
	s := verifyState{challenge: r.Bytes(), userVerified: r.Bool()}
	s.allowed = make([][]byte, r.Len())
	for i := range s.allowed {
		s.allowed[i] = r.Bytes()
	}
	if r.Done() != nil || len(s.challenge) != challengeLength {
		return verifyState{}, errState
	}
	return s, nil
}

func (s *verifyState) allows(id []byte) bool {
	for _, a := range s.allowed {
		if bytes.Equal(a, id) {
			return true
		}
	}
	return false
}
