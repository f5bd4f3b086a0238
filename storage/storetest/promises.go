package storetest

import (
	"errors"
	"testing"

	"github.com/go-mfa/mfa"
)

// The promises, in the order of the documentation of Store.
var (
	roundTrip = promise{"what was written is what is read, in every field",
		"keys that verify for somebody else, or owners locked out of their accounts"}
	exactTimes = promise{"times keep at least millisecond precision and come back in UTC",
		"an expired ceremony or a closed budget that is open again after a trip through another time zone"}
	exactVersions = promise{"versions are compared in all of their 64 bits",
		"a code that is accepted twice: what is spent has a version that looks like the one before"}
	exactIDs = promise{"ids are byte-exact, up to 255 bytes",
		"an account called \"Alice\" or \"alice \" that reads and removes the second factors of \"alice\""}
	onlyPlaceholders = promise{"ids are data, whatever they contain",
		"SQL of his own: every credential, read or deleted"}
	noneIsNil = promise{"no credentials are (nil, nil)",
		"nothing yet, but callers that test for nil see a factor where there is none"}
	notFound = promise{"what is absent is an error wrapping ErrNotFound",
		"a zero credential or an empty ceremony that is judged as if it were a real one"}
	ownRows = promise{"Credentials returns all credentials of exactly this user, and no other",
		"the second factor of another user, or an account whose factor is overlooked and not asked for"}
	apart = promise{"a write touches the one row that it names",
		"a removed factor that is back, or a spent code that is fresh again, because something beside it was written"}
	uniqueCredential = promise{"an id, or a method and Key, that exist already are ErrConflict, for whichever user, and nothing is stored",
		"somebody else's security key registered to his own account, or an enrolment overwritten by his"}
	updateCompares = promise{"UpdateCredential replaces only the credential with this id, this user and the version prev; else ErrConflict, and nothing changes",
		"a code that is accepted twice: the second writer does not notice that it is spent"}
	updateKeeps = promise{"an update does not change Method, Key and CreatedAt",
		"a credential moved under a key that is somebody else's"}
	deleteCompares = promise{"DeleteCredential deletes only the credential with this id, user and version; else ErrConflict, and nothing changes",
		"the removal of a factor that is not his, or of the last factor by two removals at once"}
	recreated = promise{"delete and recreate do not fool a writer that holds the old version",
		"an answer judged against what has been deleted, accepted for what has taken its place"}
	oneStep = promise{"every method is one step: whoever reads meanwhile sees all of it or nothing",
		"the instant at which an account has no second factor, by asking often enough"}
	callersCopy = promise{"the caller may change what it gets and what it gave",
		"one user's request that alters what is stored for another"}
	putAbsent = promise{"PutRecord with prev 0 stores only where there is no record; else ErrConflict, and nothing changes",
		"a budget of wrong guesses that begins anew with every guess"}
	putCompares = promise{"PutRecord with a version replaces only the record of that version; else ErrConflict, and nothing changes",
		"more guesses than the budget allows: parallel guesses count as one"}
	spendOnce = promise{"DeleteRecord deletes only the record of that version; of any number of callers one wins",
		"one answer that completes as many ceremonies as he has connections"}
	noExpiry = promise{"a store never judges expiry: an expired record is there until it is swept",
		"two clocks that disagree: a budget that is open early, or a spent ceremony that may be created again"}
	liveRecord = promise{"a record that has not expired is never dropped, whatever else is written or swept",
		"a counter of failures that is forgotten, by filling the store with other records or by being quicker than a sweep"}
	doneContext = promise{"a context that is done gives a plain error, never ErrConflict or ErrNotFound, and then nothing is written",
		"\"no second factor\" as the answer about a user who has one, by hanging up in time"}
	sweeps = promise{"SweepRecords deletes the records that expired before the given time, and no other",
		"counters of failures that are forgotten, by waiting for the next sweep"}
	deletesUser = promise{"DeleteUser deletes all credentials of a user, and nothing else; it is no error if there are none",
		"the factors of the account's former owner, for whoever gets its id next"}
	listsAll = promise{"AllCredentials yields every credential, permits writes between two steps, and yields an error when it cannot go on",
		"nothing by itself, but rows that are never sealed again under the new key keep a stolen old key useful"}
)

// expectError reports p as broken unless err wraps want.
func expectError(t *testing.T, p promise, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		p.brokenf(t, "%s: error is %v, want one that wraps %q", what, err, want)
	}
}

func expectConflict(t *testing.T, p promise, what string, err error) {
	t.Helper()
	expectError(t, p, what, err, mfa.ErrConflict)
}

func expectNil(t *testing.T, p promise, what string, err error) {
	t.Helper()
	if err != nil {
		p.brokenf(t, "%s: %v", what, err)
	}
}

// expectPlain reports p as broken if err is taken for an answer.
func expectPlain(t *testing.T, p promise, what string, err error) {
	t.Helper()
	if errors.Is(err, mfa.ErrConflict) || errors.Is(err, mfa.ErrNotFound) {
		p.brokenf(t, "%s: %v", what, err)
	}
}
