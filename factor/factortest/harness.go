package factortest

import (
	"testing"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// Harness tells [Run] what to test and how a user would answer.
type Harness struct {
	// Factor is the factor under test. Required.
	Factor factor.Factor
	// NewAuthenticator returns a new authenticator of User, enrolled
	// nowhere. Required. It is called at least once per check.
	NewAuthenticator func(t testing.TB) Authenticator
	// User is the user of all requests. The zero User stands for one with a
	// name, an e-mail address and a phone number.
	User factor.User
	// Params are the client's parameters for BeginEnroll. Nil for none.
	Params map[string]string
	// Now is the time of the first request; the zero time stands for a fixed
	// one. The suite moves its clock on by ten minutes after every right
	// answer and never back, and reads no other clock.
	Now time.Time
}

// Authenticator is what one enrolled credential is to its user: an app with a
// secret, a security key, a sheet of codes, a mailbox. The suite enrols it
// first and then asks it to verify; it does not call it concurrently.
type Authenticator interface {
	// Answer returns the right answer to step at the time r.Now. r.Purpose
	// says whether step began an enrolment, a verification, or a sign-in,
	// which is asked of factors that are first factors only. Every call
	// returns an answer that the factor has not judged yet, as a user would
	// give it. Step.Deliver, if there is one, has been called before.
	Answer(t testing.TB, r factor.Request, step factor.Step) []byte
	// Secrets returns what nobody must read in a description, a note, an
	// error or the prompt of a verification, in the forms in which it would
	// appear there: a seed in base32 and in hex, say. It is called after the
	// enrolment. Nil where the authenticator shares no secret with the server.
	Secrets() []string
}

// Run checks h.Factor against the contract of package factor, in one subtest
// per promise.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Factor == nil || h.NewAuthenticator == nil {
		t.Fatal("factortest: Harness.Factor and Harness.NewAuthenticator must be set")
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(newSuite(t, h)) })
	}
}

var checks = []struct {
	name string
	run  func(*suite)
}{
	{"Info", checkInfo},
	{"EnrollAndVerify", checkEnrollAndVerify},
	{"EnrollAgain", checkEnrollAgain},
	{"Steps", checkSteps},
	{"Describe", checkDescribe},
	{"WrongAnswers", checkWrongAnswers},
	{"EveryPrefixOfAnAnswer", checkPrefixes},
	{"SingleUse", checkSingleUse},
	{"EnrollmentAnswerVerifiesNothing", checkEnrollmentAnswer},
	{"OtherCredentials", checkOtherCredentials},
	{"BrokenState", checkBrokenState},
	{"BrokenData", checkBrokenData},
	{"Stateless", checkStateless},
	{"NoSharedMemory", checkNoSharedMemory},
	{"Params", checkParams},
	{"SignIn", checkSignIn},
	{"Decoys", checkDecoys},
	{"BeginAgain", checkBeginAgain},
}
