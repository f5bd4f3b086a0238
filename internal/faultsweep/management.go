package faultsweep

import (
	"context"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
)

// managementFlows are what users do with what they have enrolled.
func managementFlows() []flow {
	return []flow{
		{name: "rename", prepare: func(r *run) step {
			key, s := r.EnrollKey(r.t, r.signedIn())
			return step{
				do: func(ctx context.Context) (mfa.State, error) {
					return mfa.State{}, r.Manager.Rename(ctx, s, key.CredentialID, "another")
				},
				after: func(outcome) {
					if name := r.stored()[0].Name; name != "another" {
						r.t.Errorf("its name is %q", name)
					}
					r.VerifyKey(r.t, r.signedIn(), key)
				},
			}
		}},
		{name: "remove one of two that are mandatory", config: mandatory, once: true, prepare: func(r *run) step {
			app, s := r.withTOTP()
			key, s := r.EnrollKey(r.t, s)
			return step{remove(r, s, app.CredentialID), func(outcome) {
				r.left(1)
				r.VerifyKey(r.t, r.signedIn(), key)
			}}
		}},
		{name: "remove the last one with its recovery codes", once: true, prepare: func(r *run) step {
			app, s := r.withTOTP()
			r.EnrollCodes(r.t, s)
			return step{remove(r, s, app.CredentialID), func(outcome) {
				r.left(0)
				r.EnrollKey(r.t, r.signedIn())
			}}
		}},
		{name: "remove recovery codes", once: true, prepare: func(r *run) step {
			app, s := r.withTOTP()
			r.EnrollCodes(r.t, s)
			return step{remove(r, s, r.idOf(lookupMethod)), func(outcome) {
				r.left(1)
				r.right(totpMethod, r.code(app))
				r.EnrollCodes(r.t, s)
			}}
		}},
	}
}

// idOf returns the id of the user's credential of a method.
func (r *run) idOf(method string) string {
	r.t.Helper()
	for _, info := range r.stored() {
		if info.Method == method {
			return info.ID
		}
	}
	r.t.Fatalf("no %s is enrolled", method)
	return ""
}

// everything is one credential of each method.
type everything struct {
	app   *mfatest.TOTP
	key   *mfatest.Authenticator
	codes []string
}

func (r *run) withEverything() everything {
	r.t.Helper()
	app, s := r.withTOTP()
	codes, _ := r.EnrollCodes(r.t, s)
	key, _ := r.EnrollKey(r.t, s)
	return everything{app, key, codes}
}
