package totpfactor

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/go-mfa/mfa/factor"
)

// Method is the AMR name of the factor.
const Method = "totp"

// Info describes the factor.
func (f *Factor) Info() factor.Info {
	return factor.Info{Method: Method, Category: factor.Possession, Promptless: true, Guessable: true}
}

// Describe returns algorithm, digits and period (in seconds) of a credential,
// and nothing of one that cannot be decoded.
func (f *Factor) Describe(c factor.Credential) map[string]any {
	k, err := decodeCredential(c.Data)
	if err != nil {
		return map[string]any{}
	}
	return map[string]any{"algorithm": k.algorithm.String(), "digits": k.digits, "period": k.period}
}

// BeginVerify asks for nothing: the user reads the code from the app.
func (f *Factor) BeginVerify(context.Context, factor.Request) (factor.Step, error) {
	return factor.Step{TTL: ttl, Tries: tries}, nil
}

// FinishVerify accepts a code that one of r.Credentials has not accepted yet,
// nor a later one, and returns that credential with the step spent. Every
// credential is tried, so that neither a replay nor a damaged row of one keeps
// another from being used. A damaged one is a fault if no other is right.
func (f *Factor) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if len(state) > 0 {
		return factor.Result{}, errors.New("totpfactor: a verification has no state, but the ceremony has: it is not one of this factor")
	}
	digits, err := normalize(response)
	if err != nil {
		return factor.Result{}, err
	}
	var (
		all         = make([]credential, len(r.Credentials))
		found       = -1
		step        uint64
		replay      bool
		judged      bool
		undecodable error
	)
	for i := range all {
		if all[i], err = decodeCredential(r.Credentials[i].Data); err != nil {
			undecodable = err
		}
	}
	for i, c := range all {
		if c.secret == nil {
			continue
		}
		judged = true
		m, err := c.match(digits, r.Now, f.ahead, func(step uint64) bool { return step > spent(all, c) })
		if err != nil {
			return factor.Result{}, err
		}
		if m.ok && found < 0 {
			found, step = i, m.step
		}
		replay = replay || m.replay
	}
	switch {
	case found >= 0:
		used := r.Credentials[found]
		all[found].last = step
		used.Data = all[found].encode()
		return factor.Result{Credential: used, Evidence: factor.Evidence{Category: factor.Possession}}, nil
	case replay:
		return factor.Result{}, factor.ErrReplayed
	case undecodable != nil && !judged: // a fault costs nothing, so there must be no guess in it
		return factor.Result{}, undecodable
	default:
		return factor.Result{}, factor.Reject("wrong code")
	}
}

// spent returns the last step that c has accepted, or any other credential
// with the same secret: a secret that is stored twice is still one.
func spent(all []credential, c credential) uint64 {
	last := c.last
	for _, other := range all {
		if subtle.ConstantTimeCompare(other.secret, c.secret) == 1 {
			last = max(last, other.last)
		}
	}
	return last
}
