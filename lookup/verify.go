package lookup

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-mfa/mfa/factor"
)

// Method is the AMR name of the factor.
const Method = "lookup_secret"

// Info describes the factor.
func (f *Factor) Info() factor.Info {
	return factor.Info{Method: Method, Category: factor.Possession, Recovery: true, Promptless: true, Guessable: true}
}

// Describe returns how many codes are left and how many there were, and
// nothing of a set that cannot be decoded.
func (f *Factor) Describe(c factor.Credential) map[string]any {
	s, err := decodeSet(c.Data)
	if err != nil {
		return map[string]any{}
	}
	return map[string]any{"left": len(s.digests), "total": s.total}
}

// BeginVerify asks for nothing: the user picks one of the codes.
func (f *Factor) BeginVerify(context.Context, factor.Request) (factor.Step, error) {
	return factor.Step{TTL: verifyTTL, Tries: tries}, nil
}

// FinishVerify accepts a code of the user's set and returns the set without
// it. Result.Note says how many are left once they are Config.LowWater or
// fewer, and is empty before.
func (f *Factor) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if len(state) > 0 {
		return factor.Result{}, errors.New("lookup: a verification has no state, but the ceremony has: it is not one of this factor")
	}
	code, err := normalize(response)
	if err != nil {
		return factor.Result{}, err
	}
	for _, c := range r.Credentials {
		s, err := decodeSet(c.Data)
		if err != nil {
			return factor.Result{}, err
		}
		s, found := s.spend(code)
		if !found {
			continue
		}
		c.Data = s.encode()
		res := factor.Result{Credential: c, Evidence: factor.Evidence{Category: factor.Possession}}
		if left := len(s.digests); left <= f.lowWater {
			res.Note = fmt.Sprintf("%d of %d codes left", left, s.total)
		}
		return res, nil
	}
	return factor.Result{}, factor.Reject("wrong code")
}
