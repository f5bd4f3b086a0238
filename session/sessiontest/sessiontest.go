package sessiontest

import (
	"net/http"
	"testing"

	"github.com/go-mfa/mfa"
)

// Harness is one adapter under test with the sessions it stands on. Session and
// AppUser are required. A check that needs an optional function that is not
// there passes and logs "not checked", and which one: go test -v shows it.
type Harness struct {
	// Session is the adapter.
	Session mfa.Session
	// AppUser returns whom a handler that knows nothing of the library takes
	// for the user who is signed in; "" for nobody.
	AppUser func(r *http.Request) string
	// Wrap is the middleware that the sessions need; nil for none.
	Wrap func(http.Handler) http.Handler

	// SetAppUser signs a user in the way the app did before it had the
	// library, by putting the id where AppUser finds it; "" signs out that
	// way. Optional: without it, as where the adapter keeps the only user id
	// there is, the comparison of the two is not checked, nor whether a state
	// is left behind after signing out.
	SetAppUser func(w http.ResponseWriter, r *http.Request, userID string)
	// SaveRaw puts bytes where the adapter keeps the encoded State of a user
	// who is signed in. Optional: without it, unknown versions are not checked.
	SaveRaw func(w http.ResponseWriter, r *http.Request, userID string, state []byte)
	// FailWrite makes the n-th write from now to what stores the sessions fail,
	// and no other; 0 ends that. Optional: without it, failing saves are not
	// checked.
	FailWrite func(n int)
	// Replayable says that there is nothing on the server, so that an old
	// cookie stays good: a documented limit of sealed cookies and tokens. Old
	// cookies may then load what they held, and still never anything newer.
	Replayable bool
	// NumericUsers says that the app's user ids are numbers, so that the
	// adapter takes no others.
	NumericUsers bool
}

// The users of the checks. Their ids are numbers for the sake of apps whose
// ids are.
const (
	ann     = "1001"
	bob     = "1002"
	mallory = "1003"
)

// Run checks the adapter. newHarness is called once for each check, from the
// check's own goroutine, and must return sessions that nothing else uses.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(t, newHarness(t)) })
	}
}

// tb is the part of *testing.T that a check uses, so that the checks
// themselves can be tested.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(f func())
}

var checks = []struct {
	name string
	run  func(t tb, h Harness)
}{
	{"RoundTrip", roundTrip},
	{"NobodyThere", nobodyThere},
	{"PendingHidesUser", pendingHidesUser},
	{"PendingIsWorthNothing", pendingIsWorthNothing},
	{"RenewOnSave", renewOnSave},
	{"Fixation", fixation},
	{"Logout", logout},
	{"SaveTwice", saveTwice},
	{"Tampering", tampering},
	{"UnknownVersion", unknownVersion},
	{"AppUserDiffers", appUserDiffers},
	{"FailingSave", failingSave},
	{"Concurrent", concurrent},
}
