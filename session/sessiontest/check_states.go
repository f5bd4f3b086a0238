package sessiontest

import (
	"net/http"
	"slices"

	"github.com/go-mfa/mfa"
)

func roundTrip(t tb, h Harness) {
	b := newSite(t, h).browser()
	states := []mfa.State{signedIn(ann), full(ann), pending(ann), elevated(bob)}
	if !h.NumericUsers {
		states = append(states, full("user 7 \"ü\""))
	}
	for _, s := range states {
		b.save(s)
		if v := b.load(); !v.is(s) {
			t.Errorf("Load does not return what Save was given (saved user %q, %d methods; got %s): what a session has proved is lost, or levels are computed from something else", s.UserID, len(s.Methods), v)
		}
	}
}

func nobodyThere(t tb, h Harness) {
	b := newSite(t, h).browser()
	if v := b.load(); !v.nobody() {
		t.Errorf("a browser without cookies must get ErrNoSession and the zero State, got %s: everybody is somebody, or every first visit is a fault", v)
	}
	b.save(mfa.State{})
	if v := b.load(); !v.nobody() {
		t.Errorf("signing out without having been signed in must leave nobody, got %s", v)
	}
}

func pendingHidesUser(t tb, h Harness) {
	b := newSite(t, h).browser()
	steps := []mfa.State{pending(ann), elevated(ann), pending(ann), signedIn(ann), pending(bob), elevated(bob)}
	for _, s := range steps {
		b.save(s)
		v := b.load()
		switch {
		case s.Pending && v.appUser != "":
			t.Errorf("while a sign-in of %q is pending the app sees %q signed in: one factor opens every handler that does not ask the library", s.UserID, v.appUser)
		case !s.Pending && v.appUser != s.UserID:
			t.Errorf("after the sign-in of %q is complete the app sees %q: it acts for somebody else, or nobody can sign in", s.UserID, v.appUser)
		case !v.is(s):
			t.Errorf("saved a state of %q (pending %v), got %s", s.UserID, s.Pending, v)
		}
	}
}

func pendingIsWorthNothing(t tb, h Harness) {
	site := newSite(t, h)
	b := site.browser()
	b.save(pending(ann))
	if len(b.seen) == 0 {
		t.Fatalf("Save sets no cookie: sessiontest can follow sessions in cookies only")
	}
	b.subsets(func(cookies map[string]string) {
		v := site.with(cookies).load()
		if v.appUser != "" || v.err == nil && !v.state.Pending {
			t.Errorf("some of the cookies that a sign-in with one factor has set are a session (%s): the second factor is skipped by leaving out the rest", v)
		}
	})
}

func saveTwice(t tb, h Harness) {
	b := newSite(t, h).browser()
	var first, second error
	ok := b.do(func(w http.ResponseWriter, r *http.Request) {
		first = h.Session.Save(w, r, elevated(ann))
		second = h.Session.Save(w, r, pending(bob))
	})
	if !ok || first != nil || second != nil {
		t.Fatalf("two Saves in one response failed: %v, %v", first, second)
	}
	names := map[string]bool{}
	for _, c := range b.set {
		if names[c.Name] {
			t.Errorf("two Saves in one response set the cookie %q twice: which of the two states counts is up to the client", c.Name)
		}
		names[c.Name] = true
	}
	if v := b.load(); !v.is(pending(bob)) {
		t.Errorf("after two Saves in one response the second must count, got %s: somebody stays signed in whom the app has replaced", v)
	}
}

func unknownVersion(t tb, h Harness) {
	if h.SaveRaw == nil {
		t.Logf("not checked: Harness.SaveRaw is nil")
		return
	}
	good, err := elevated(ann).MarshalBinary()
	if err != nil {
		t.Fatalf("%v", err)
	}
	newer := append([]byte{200}, good[1:]...)
	for name, raw := range map[string][]byte{
		"of an unknown version": newer, "cut short": good[:len(good)-1], "with a byte too many": append(slices.Clip(good), 0), "that is empty": {}, "that is one byte": {good[0]},
	} {
		b := newSite(t, h).browser()
		if !b.do(func(w http.ResponseWriter, r *http.Request) { h.SaveRaw(w, r, ann, raw) }) {
			t.Fatalf("SaveRaw failed")
		}
		if v := b.load(); !v.unknown() {
			t.Errorf("a stored state %s must be no session, got %s: after an update or a downgrade sessions mean something else, or every request is a fault", name, v)
		}
	}
	b := newSite(t, h).browser()
	if !b.do(func(w http.ResponseWriter, r *http.Request) { h.SaveRaw(w, r, ann, good) }) {
		t.Fatalf("SaveRaw failed")
	}
	if v := b.load(); v.err != nil || !same(v.state, elevated(ann)) {
		t.Fatalf("a state put in place by Harness.SaveRaw is not loaded (%s): SaveRaw does not write where the adapter reads", v)
	}
}

func appUserDiffers(t tb, h Harness) {
	if h.SetAppUser == nil {
		t.Logf("not checked: Harness.SetAppUser is nil")
		return
	}
	for _, c := range []struct {
		what  string
		state mfa.State
		app   string
		gain  string
	}{
		{"the app switches to another user", elevated(ann), bob, "bob's account is open with ann's second factor"},
		{"the app signs the user out by removing only its own key", elevated(ann), "", "whoever has the browser next is still ann for the library"},
		{"a login path that skips SignIn signs another user in over a pending one", pending(ann), bob, "bob is judged by what ann has proved"},
		{"a login path that skips SignIn signs the pending user in", pending(ann), ann, "handlers see ann signed in while the library still waits for her second factor"},
	} {
		b := newSite(t, h).browser()
		b.save(c.state)
		if !b.do(func(w http.ResponseWriter, r *http.Request) { h.SetAppUser(w, r, c.app) }) {
			t.Fatalf("SetAppUser failed")
		}
		v := b.load()
		if v.appUser != c.app {
			t.Fatalf("after SetAppUser(%q) AppUser returns %q: the Harness does not fit together", c.app, v.appUser)
		}
		if !v.unknown() {
			t.Errorf("%s: Load must answer ErrNoSession, got %s: %s", c.what, v, c.gain)
		}
	}
}
