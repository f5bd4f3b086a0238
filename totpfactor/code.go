package totpfactor

import (
	"crypto/subtle"
	"errors"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/go-mfa/mfa/factor"
)

// maxAnswer bounds what is looked at of an answer: eight digits, and as many
// separators as anybody would type.
const maxAnswer = 32

// normalize returns the digits of an answer, by the rule in the package's
// documentation.
func normalize(answer []byte) (string, error) {
	if len(answer) > maxAnswer {
		return "", factor.Reject("code too long")
	}
	digits := make([]byte, 0, maxAnswer)
	separated := true // at the start, as after a separator
	for _, c := range answer {
		switch {
		case '0' <= c && c <= '9':
			digits = append(digits, c)
			separated = false
		case (c == ' ' || c == '-') && len(digits) > 0:
			separated = true
		default:
			return "", factor.Reject("malformed code")
		}
	}
	if separated || len(digits) != 6 && len(digits) != 8 {
		return "", factor.Reject("malformed code")
	}
	return string(digits), nil
}

// window returns the first and last time step whose codes are accepted at
// now (RFC 6238, sections 4.2 and 5.2).
func (k key) window(now time.Time, ahead bool) (first, last uint64, err error) {
	seconds := now.Unix()
	if seconds < 0 {
		return 0, 0, errors.New("totpfactor: the clock is before 1970: set it")
	}
	last = uint64(seconds / k.period)
	if last > 0 {
		first = last - 1
	}
	if ahead {
		last++
	}
	return first, last, nil
}

// match is what an answer was found to be.
type match struct {
	step   uint64
	ok     bool // it is the code of step, which is later than after
	replay bool // it is the code of a step that is not
}

// match compares digits with every code of the window, so that the time it
// takes does not tell which one was right. Of several fresh steps with the same
// code it takes the latest, which spends them all.
func (k key) match(digits string, now time.Time, ahead bool, after func(step uint64) bool) (match, error) {
	first, last, err := k.window(now, ahead)
	if err != nil {
		return match{}, err
	}
	var m match
	for step := first; step <= last; step++ {
		code, err := k.code(step)
		if err != nil {
			return match{}, err
		}
		switch equal := subtle.ConstantTimeCompare([]byte(code), []byte(digits)) == 1; {
		case !equal:
		case after(step):
			m.step, m.ok = step, true
		default:
			m.replay = true
		}
	}
	return m, nil
}

func (k key) code(step uint64) (string, error) {
	return hotp.GenerateCodeCustom(k.base32(), step, hotp.ValidateOpts{
		Digits:    otp.Digits(k.digits),
		Algorithm: [...]otp.Algorithm{otp.AlgorithmSHA1, otp.AlgorithmSHA256, otp.AlgorithmSHA512}[k.algorithm],
	})
}
