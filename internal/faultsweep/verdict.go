package faultsweep

import (
	"errors"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/faultstore"
)

// verdict judges a call that was made to fail, and its repetition.
type verdict struct {
	run           *run
	flow          flow
	reached       bool // there was a call to fail
	before, after snapshot
}

// check judges what the call returned and left.
func (v verdict) check(state mfa.State, err error) {
	t := v.run.t
	t.Helper()
	v.checkError(err)
	if err != nil && (state.UserID != "" || len(state.Methods) > 0) {
		t.Errorf("an error comes with a state: %v", err)
	}
	if err == nil {
		v.checkRaised(state)
	}
	if err == nil && v.flow.once && !v.spent() {
		t.Error("the call succeeded, and what it spends is still stored as before")
	}
	if err != nil && v.flow.enrols && !v.died() && v.after.n != v.before.n {
		t.Errorf("%d credentials became %d with an error: %v", v.before.n, v.after.n, err)
	}
	if v.flow.refuses != "" && v.after.credentials != v.before.credentials {
		t.Error("a call that is refused has changed the credentials")
	}
	if v.after.n > 0 && !v.after.real {
		t.Error("recovery codes stand alone")
	}
	v.run.stored() // all of them open
}

func (v verdict) checkError(err error) {
	t := v.run.t
	t.Helper()
	says := mfa.ProblemFor(err).Code
	switch refused := says == v.flow.refuses; {
	case err == nil && v.flow.refuses != "":
		t.Error("a call that is refused without a fault has succeeded")
	case err == nil && v.reached && !v.run.cancels():
		t.Error("a fault of the store has been swallowed")
	case err != nil && !v.reached && !refused:
		t.Errorf("the call fails without a fault: %v", err)
	case errors.Is(err, errPanic) && !v.died():
		t.Error("the call panicked by itself")
	case err != nil && v.reached && says != "unavailable" && !(refused && (v.run.cancels() || v.flow.tidies)):
		t.Errorf("a fault is read as %q: %v", says, err)
	}
}

// checkRepetition judges the same call on the sound store.
func (v verdict) checkRepetition(state mfa.State, first, again error) {
	t := v.run.t
	t.Helper()
	if again == nil {
		v.checkRaised(state)
	}
	says := mfa.ProblemFor(again).Code
	switch throttled := v.flow.throttles && says == "throttled"; {
	case v.flow.refuses != "":
		if again == nil || says != v.flow.refuses {
			t.Errorf("repeated: %v, and not %q", again, v.flow.refuses)
		}
	case !v.flow.once:
		if again != nil {
			t.Errorf("repeated: %v", again)
		}
	case again == nil && first == nil:
		t.Error("repeated: spent twice")
	case again == nil || throttled:
	case says != "rejected" && says != "not_found" && says != "step_up_required":
		t.Errorf("repeated: what was spent is %q: %v, after %v", says, again, first)
	case first != nil && !v.spent():
		t.Errorf("repeated: nothing was spent, and all the same: %v, after %v", again, first)
	}
}

// checkRaised checks that a success is worth what the flow says.
func (v verdict) checkRaised(state mfa.State) {
	if !v.flow.raises {
		return
	}
	t := v.run.t
	t.Helper()
	status, err := v.run.Manager.Status(t.Context(), state)
	v.run.must("reading the status", err)
	if status.AAL != mfa.AAL2 || status.Pending {
		t.Errorf("success is worth %s, pending %v", status.AAL, status.Pending)
	}
}

// died reports whether the process died of the fault, as far as the call can
// tell.
func (v verdict) died() bool {
	return v.run.fault == faultstore.Panic || v.run.fault == faultstore.PanicAfter
}

// spent reports whether the one write that spends the answer is stored: the end
// of the ceremony, or without one a change of the credentials.
func (v verdict) spent() bool {
	if v.before.open {
		return !v.after.open
	}
	return v.before.credentials != v.after.credentials
}
