package sessiontest

import (
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/go-mfa/mfa"
)

func failingSave(t tb, h Harness) {
	if h.FailWrite == nil {
		t.Logf("not checked: Harness.FailWrite is nil")
		return
	}
	const most = 10
	refused := 0
	for n := 1; n <= most; n++ {
		site := newSite(t, h)
		b := site.browser()
		b.save(pending(ann))
		var err error
		h.FailWrite(n)
		reached := b.do(func(w http.ResponseWriter, r *http.Request) {
			if err = h.Session.Save(w, r, elevated(ann)); err != nil {
				http.Error(w, "unavailable", http.StatusServiceUnavailable)
			}
		})
		h.FailWrite(0)
		if reached && err == nil {
			continue
		}
		refused++
		leftAfterError(t, site, b, n)
	}
	if refused == 0 {
		t.Errorf("Save never returned an error although a write failed in each of %d tries: what was not saved is announced as an elevation", most)
	}
}

func leftAfterError(t tb, site *site, b *browser, n int) {
	t.Helper()
	try := func(cookies map[string]string) {
		v := site.with(cookies).load()
		if !v.nobody() && !v.is(pending(ann)) {
			t.Errorf("Save returned an error (write %d failed), and yet the session is now %s: a fault elevates", n, v)
		}
	}
	try(b.cookies())
	b.subsets(try)
}

// concurrent lets requests of one browser save and load at once. Every state
// is of another user, so that a mixture shows.
func concurrent(t tb, h Harness) {
	const savers, rounds = 8, 6
	states := make([]mfa.State, savers)
	for i := range states {
		user := strconv.Itoa(2000 + i)
		states[i] = elevated(user)
		if i%3 == 0 {
			states[i] = pending(user)
		}
	}
	b := newSite(t, h).browser()
	b.save(states[0])
	var wg sync.WaitGroup
	for i := range savers {
		wg.Go(func() {
			for range rounds {
				var err error
				if !b.do(func(w http.ResponseWriter, r *http.Request) { err = h.Session.Save(w, r, states[i]) }) || err != nil {
					t.Errorf("Save failed beside other requests of the session: %v", err)
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				var v, after view
				if !b.do(func(_ http.ResponseWriter, r *http.Request) {
					v.state, v.err = h.Session.Load(r)
					v.appUser = h.AppUser(r)
					after.state, after.err = h.Session.Load(r)
				}) {
					t.Errorf("Load broke off beside other requests of the session")
					continue
				}
				// Where another request has replaced the session between the two
				// reads, the app rightly sees something else: the state alone counts.
				if v.err == nil && (after.err != nil || !same(after.state, v.state)) {
					v.appUser = appUserOf(v.state)
				}
				if !whole(v, states) {
					t.Errorf("beside other requests of the session Load returned %s, which nobody saved: what two users proved is mixed", v)
				}
			}
		})
	}
	wg.Wait()
	if v := b.load(); !whole(v, states) {
		t.Errorf("after concurrent requests the session is %s, which nobody saved", v)
	}
}

func whole(v view, states []mfa.State) bool {
	return v.nobody() || slices.ContainsFunc(states, v.is)
}
