package stores

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/mfatest"
)

// resident is a user of one party who does many things at once, and who knows
// what was confirmed, and what was asked for and never answered.
type resident struct {
	name  string
	home  int // the party
	c     *crowd
	j     *journal
	state []byte // of the session that manages

	devices []*device // the first two stay
	codesID string
	codes   []string // of the set in force, those not given yet
	former  []string // likewise, of the one before

	adding   *device  // may have been enrolled
	removing *device  // may have been removed
	renewing []string // may be in force

	gone []string // what was removed
}

// device is an authenticator app or a key.
type device struct {
	id  string
	app *mfatest.TOTP
	key *mfatest.Authenticator
}

func newResident(t *testing.T, j *journal, home int) *resident {
	t.Helper()
	r := &resident{name: newPerson().name, home: home, c: j.c, j: j}
	r.state = r.c.must(t, home, order{Op: "start", User: r.name}).State
	require.True(t, r.add(t, "totp") && r.add(t, "webauthn") && r.renew(t))
	return r
}

// ask gives an order that nobody may refuse, and reports whether it is known to
// have been carried out.
func (r *resident) ask(t *testing.T, o order) (report, bool) {
	o.Insist = true
	got := r.j.ask(r.home, o)
	return got, known(t, o, got)
}

// finish gives the answer to an enrolment as ask does.
func (r *resident) finish(t *testing.T, ceremony string, answer []byte) (report, bool) {
	o := order{Op: "finish enrolment", State: r.state, Ceremony: ceremony, Response: answer, Insist: true}
	got := r.j.give(ceremony, o, r.home)[0]
	return got, known(t, o, got)
}

func known(t *testing.T, o order, got report) bool {
	if got.Code == lost || got.Code == "unavailable" {
		return false
	}
	return assert.Empty(t, got.Code, "%s: %s", o.Op, got.Err)
}

// bustle does everything at once until it is done or the party is gone. Each
// answer is given twice.
func (r *resident) bustle(t *testing.T) {
	app, key, codes := r.devices[0], r.devices[1], r.codes[:2]
	r.codes = r.codes[2:]
	var all sync.WaitGroup
	all.Go(func() {
		for _, at := range []time.Time{r.c.now.Add(-halfMinute), r.c.now} {
			r.typeCode(t, app, at, r.home, r.home)
		}
	})
	all.Go(func() {
		for range 3 {
			r.touch(t, key, r.home, r.home)
		}
	})
	all.Go(func() {
		for _, code := range codes {
			r.recover(t, code, r.home, r.home)
		}
	})
	all.Go(func() { r.manage(t) })
	all.Wait()
}

// typeCode verifies with what an app shows at a time.
func (r *resident) typeCode(t *testing.T, d *device, at time.Time, parties ...int) []report {
	session, ok := r.ask(t, order{Op: "start", User: r.name})
	if !ok {
		return nil
	}
	return r.j.give(d.id+" "+at.String(), code(session.State, "totp", d.app.Code(at)), parties...)
}

// recover verifies with a recovery code.
func (r *resident) recover(t *testing.T, secret string, parties ...int) []report {
	session, ok := r.ask(t, order{Op: "start", User: r.name})
	if !ok {
		return nil
	}
	return r.j.give(secret, code(session.State, "lookup_secret", secret), parties...)
}

// touch verifies with a key.
func (r *resident) touch(t *testing.T, d *device, parties ...int) []report {
	session, ok := r.ask(t, order{Op: "start", User: r.name})
	if !ok {
		return nil
	}
	begun, ok := r.ask(t, order{Op: "begin verification", State: session.State, Method: "webauthn"})
	if !ok {
		return nil
	}
	return r.j.give(begun.Ceremony, order{
		Op: "finish verification", State: session.State, Ceremony: begun.Ceremony, Response: d.key.Assert(t, begun.Prompt),
	}, parties...)
}

// manage changes what the resident has, which stays below the library's limit
// for a method.
func (r *resident) manage(t *testing.T) {
	const fewest, most = 4, 10
	steps := []func() bool{
		func() bool { return len(r.devices) >= most || r.add(t, []string{"totp", "webauthn"}[rand.IntN(2)]) },
		func() bool { return r.renew(t) },
		func() bool { return len(r.devices) < fewest || r.remove(t) },
	}
	rand.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	for _, step := range steps {
		if !step() {
			return
		}
	}
}

// add enrols a device.
func (r *resident) add(t *testing.T, method string) bool {
	begun, ok := r.ask(t, order{Op: "begin enrolment", State: r.state, Method: method})
	if !ok {
		return false
	}
	d := &device{}
	var answer []byte
	if method == "totp" {
		d.app = mfatest.NewTOTP(t, begun.Prompt)
		answer = []byte(d.app.Code(r.c.now))
	} else {
		d.key = mfatest.NewAuthenticator(mfatest.RPID, mfatest.Origin)
		answer = d.key.Register(t, begun.Prompt)
	}
	r.adding = d
	done, ok := r.finish(t, begun.Ceremony, answer)
	if ok {
		d.id, r.adding = done.Credential, nil
		r.devices, r.state = append(r.devices, d), done.State
	}
	return ok
}

// renew takes a new set of recovery codes.
func (r *resident) renew(t *testing.T) bool {
	begun, ok := r.ask(t, order{Op: "begin enrolment", State: r.state, Method: "lookup_secret"})
	if !ok {
		return false
	}
	var shown struct{ Codes []string }
	require.NoError(t, json.Unmarshal(begun.Prompt, &shown))
	r.renewing = shown.Codes
	done, ok := r.finish(t, begun.Ceremony, []byte("saved"))
	if ok {
		r.codesID = done.Credential
		r.renewed()
	}
	return ok
}

func (r *resident) renewed() { r.codes, r.former, r.renewing = r.renewing, r.codes, nil }

// remove removes a device.
func (r *resident) remove(t *testing.T) bool {
	at := 2 + rand.IntN(len(r.devices)-2)
	r.removing = r.devices[at]
	_, ok := r.ask(t, order{Op: "remove", State: r.state, Credential: r.removing.id})
	if ok {
		r.removed()
	}
	return ok
}

func (r *resident) removed() {
	r.gone = append(r.gone, r.removing.id)
	r.devices = slices.DeleteFunc(r.devices, func(d *device) bool { return d == r.removing })
	r.removing = nil
}

// takeStock finds out what became of what was never answered, and requires that
// what was confirmed, and nothing else, is there and works.
func (r *resident) takeStock(t *testing.T) {
	t.Helper()
	var stored []string
	for _, info := range r.c.must(t, r.home, order{Op: "credentials", User: r.name}).Stored {
		stored = append(stored, info.ID)
	}
	if r.removing != nil && !slices.Contains(stored, r.removing.id) {
		r.removed()
	}
	r.removing = nil
	confirmed := []string{r.codesID}
	for _, d := range r.devices {
		confirmed = append(confirmed, d.id)
	}
	for _, id := range stored {
		if r.adding != nil && !slices.Contains(confirmed, id) {
			r.adding.id = id
			r.devices, confirmed, r.adding = append(r.devices, r.adding), append(confirmed, id), nil
		}
	}
	r.adding = nil
	require.ElementsMatch(t, confirmed, stored)

	r.state = accepted(t, r.typeCode(t, r.devices[0], r.c.now, r.home))
	for _, d := range r.devices[1:] {
		if d.key != nil {
			accepted(t, r.touch(t, d, r.home))
		} else {
			accepted(t, r.typeCode(t, d, r.c.now, r.home))
		}
	}
	r.takeStockOfCodes(t)
}

// takeStockOfCodes requires that one set of codes is in force and no other.
func (r *resident) takeStockOfCodes(t *testing.T) {
	t.Helper()
	if r.renewing != nil {
		if got := r.recover(t, r.renewing[0], r.home)[0]; got.Code == "" {
			r.renewed()
			r.codes = r.codes[1:]
		} else {
			require.Equal(t, "rejected", got.Code, got.Err)
		}
		r.renewing = nil
	}
	accepted(t, r.recover(t, r.codes[0], r.home))
	r.codes = r.codes[1:]
	if len(r.former) > 0 {
		require.Equal(t, "rejected", r.recover(t, r.former[0], r.home)[0].Code, "a code of a set that was replaced")
	}
	if len(r.codes) < 4 {
		require.True(t, r.renew(t))
	}
}

// accepted requires that an answer was accepted, and returns the session.
func accepted(t *testing.T, reports []report) (state []byte) {
	t.Helper()
	require.Len(t, reports, 1)
	require.Empty(t, reports[0].Code, reports[0].Err)
	return reports[0].State
}
