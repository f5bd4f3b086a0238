package faultsweep

import (
	"context"
	"net/http"

	"github.com/go-mfa/mfa"
)

const (
	totpMethod   = "totp"
	keyMethod    = "webauthn"
	lookupMethod = "lookup_secret"
)

var needsAAL2 = mfa.Requirement{AAL: mfa.AAL2}

// mandatory is the policy that asks everybody for a second factor.
func mandatory(c *mfa.Config) { c.SignIn = needsAAL2 }

// sessionFlows sign in, and ask what a session is worth.
func sessionFlows() []flow {
	return []flow{
		{name: "sign in", patient: true, prepare: func(r *run) step {
			app, _ := r.withTOTP()
			return step{
				do: func(ctx context.Context) (mfa.State, error) {
					s, err := r.Manager.Start(ctx, mfa.State{}, r.user, mfa.Password())
					if err == nil && !s.Pending {
						r.t.Error("signed in without the second factor")
					}
					return s, err
				},
				after: func(outcome) { r.right(totpMethod, r.code(app)) },
			}
		}},
		{name: "pass the gate", patient: true, prepare: func(r *run) step {
			_, s := r.withTOTP()
			return step{func(ctx context.Context) (mfa.State, error) { return mfa.State{}, r.Manager.Allow(ctx, s, needsAAL2) }, ignored}
		}},
		{name: "pass the gate with a request", patient: true, prepare: func(r *run) step {
			_, s := r.withTOTP()
			request := r.Request(r.t, http.MethodGet, "/", s)
			return step{func(ctx context.Context) (mfa.State, error) {
				return r.Manager.Check(request.WithContext(ctx), needsAAL2)
			}, ignored}
		}},
		{name: "be refused at the gate", patient: true, refuses: "step_up_required", prepare: func(r *run) step {
			app, _ := r.withTOTP()
			s := r.signedIn()
			return step{
				do: func(ctx context.Context) (mfa.State, error) {
					return mfa.State{}, r.Manager.Allow(ctx, s, mfa.Requirement{})
				},
				after: func(outcome) { r.right(totpMethod, r.code(app)) },
			}
		}},
		{name: "ask for the status", patient: true, prepare: func(r *run) step {
			r.withTOTP()
			s := r.signedIn()
			return step{func(ctx context.Context) (mfa.State, error) {
				status, err := r.Manager.Status(ctx, s)
				if err == nil && (status.AAL != mfa.AAL1 || !status.Pending) {
					r.t.Errorf("a password is worth %s, pending %v", status.AAL, status.Pending)
				}
				return mfa.State{}, err
			}, ignored}
		}},
		{name: "list credentials", patient: true, prepare: func(r *run) step {
			r.withTOTP()
			return step{func(ctx context.Context) (mfa.State, error) {
				infos, err := r.Manager.Credentials(ctx, r.user)
				if err == nil && len(infos) != 1 {
					r.t.Errorf("%d credentials, want 1", len(infos))
				}
				return mfa.State{}, err
			}, ignored}
		}},
	}
}

// ignored is what there is to check after a call that changes nothing.
func ignored(outcome) {}
