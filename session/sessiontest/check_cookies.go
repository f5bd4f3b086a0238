package sessiontest

import (
	"maps"
	"net/http"
	"slices"

	"github.com/go-mfa/mfa"
)

func renewOnSave(t tb, h Harness) {
	site := newSite(t, h)
	b := site.browser()
	saves := []mfa.State{pending(ann), signedIn(ann), elevated(ann), elevated(ann), pending(bob), elevated(bob)}
	var before []map[string]string // the cookies after each save
	for i, s := range saves {
		b.save(s)
		now := b.cookies()
		for j, old := range before {
			if maps.Equal(now, old) {
				t.Errorf("Save number %d left the identifier of Save number %d in place: who planted or read a cookie before the elevation has the session after it", i+1, j+1)
				continue
			}
			v := site.with(old).load()
			switch {
			case h.Replayable && v.is(saves[j]):
			case v.nobody():
			default:
				t.Errorf("the cookies of before a Save still load %s: the old identifier must be dead, or whoever has read it keeps the session", v)
			}
		}
		before = append(before, now)
	}
	if v := b.load(); !v.is(elevated(bob)) {
		t.Errorf("trying old cookies ended the session that replaced them, got %s", v)
	}
}

func fixation(t tb, h Harness) {
	for what, planted := range map[string]mfa.State{
		"signed in": elevated(mallory), "pending": pending(mallory), "signed out": {},
	} {
		site := newSite(t, h)
		attacker := site.browser()
		attacker.save(signedIn(mallory))
		attacker.save(planted)
		victim := site.with(attacker.cookies())
		for _, s := range []mfa.State{pending(ann), elevated(ann)} {
			victim.save(s)
			if v := victim.load(); !v.is(s) {
				t.Errorf("a sign-in over a session that was %s does not end up as the new user, got %s", what, v)
			}
			v := attacker.load()
			if v.err == nil && v.state.UserID == ann || v.appUser == ann {
				t.Errorf("a cookie that an attacker planted (%s) shows the victim's session after the victim signed in (%s): session fixation", what, v)
			}
		}
	}
}

func logout(t tb, h Harness) {
	site := newSite(t, h)
	b := site.browser()
	for _, s := range []mfa.State{pending(ann), elevated(ann), elevated(ann), {}} {
		b.save(s)
	}
	if v := b.load(); !v.nobody() {
		t.Errorf("after the zero State was saved the browser must be nobody, got %s: signing out does not sign out", v)
	}
	if h.SetAppUser != nil {
		if !b.do(func(w http.ResponseWriter, r *http.Request) { h.SetAppUser(w, r, ann) }) {
			t.Fatalf("SetAppUser failed")
		}
		if v := b.load(); !v.unknown() {
			t.Errorf("the state is still there after signing out (%s): the next login that puts the same user id back has the second factor without asking for it", v)
		}
		b.save(mfa.State{})
	}
	if h.Replayable {
		return
	}
	b.subsets(func(cookies map[string]string) {
		if v := site.with(cookies).load(); !v.nobody() {
			t.Errorf("cookies collected before signing out still load %s: a stolen cookie outlives the session", v)
		}
	})
}

func tampering(t tb, h Harness) {
	site := newSite(t, h)
	b, other := site.browser(), site.browser()
	b.save(elevated(ann))
	other.save(elevated(bob))
	good, others := b.cookies(), other.cookies()
	carried := false
	for name, value := range good {
		without := maps.Clone(good)
		delete(without, name)
		if !site.with(without).load().nobody() {
			continue // not what carries the session
		}
		carried = true
		for _, forged := range forgeries(value, others[name]) {
			without[name] = forged
			if v := site.with(without).load(); !v.nobody() {
				t.Errorf("the cookie %q, changed from %d to %d bytes, loads %s: it must be ErrNoSession, or cookies can be forged, or a client can provoke faults", name, len(value), len(forged), v)
			}
		}
	}
	if !carried {
		t.Errorf("a browser that leaves out a cookie is still signed in, whichever it leaves out: the session does not hang on its cookie")
	}
	if v := site.with(good).load(); !v.is(elevated(ann)) {
		t.Errorf("trying forged cookies ended the real session, got %s: anybody can sign others out", v)
	}
}

// forgeries returns values that are neither of the two: bits flipped, cut,
// prolonged, and one half of each.
func forgeries(value, other string) []string {
	forged := []string{"", "x", "0", value + "A", value + value, value[1:], value[len(value)/2:] + value[:len(value)/2]}
	half := min(len(value), len(other)) / 2
	forged = append(forged, value[:half]+other[half:], other[:half]+value[half:])
	step := max(1, len(value)/48)
	for i := 0; i < len(value); i += step {
		forged = append(forged, value[:i], flip(value, i))
	}
	forged = append(forged, value[:len(value)-1], flip(value, len(value)-1))
	return slices.DeleteFunc(forged, func(f string) bool { return f == value || f == other })
}

// flip changes the lowest bit of the i-th byte that leaves a byte which may
// stand in a cookie (RFC 6265, section 4.1.1).
func flip(value string, i int) string {
	b := []byte(value)
	for bit := byte(1); bit < 1<<7; bit <<= 1 {
		c := b[i] ^ bit
		if c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\' {
			b[i] = c
			break
		}
	}
	return string(b)
}
