package sessiontest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-mfa/mfa"
)

var start = time.Date(2026, 3, 29, 1, 59, 59, 987e6, time.UTC)

// signedIn is a session of a user who has proved one factor.
func signedIn(user string) mfa.State {
	first := mfa.Password()
	first.At = start
	return mfa.State{ID: "session-of-" + user, UserID: user, Methods: []mfa.Method{first}}
}

// pending is one whose sign-in waits for a second factor.
func pending(user string) mfa.State {
	s := signedIn(user)
	s.Pending = true
	return s
}

// elevated is one that has proved two.
func elevated(user string) mfa.State {
	s := signedIn(user)
	s.Methods = append(slices.Clip(s.Methods), mfa.Method{
		Name: "totp", Role: mfa.RoleSecond, At: start.Add(time.Minute), CredentialID: "totp-of-" + user,
	})
	return s
}

// full uses every field, with values that careless encodings spoil.
func full(user string) mfa.State {
	s := elevated(user)
	s.ID, s.Device = "id \x00\xff\"',;=% ", "device-ÿ"
	federated := mfa.OIDC("https://idp.example", mfa.Upstream{ACR: "urn:mace:incommon:iap:silver", AMR: []string{"pwd", "otp"}, AAL2: true})
	federated.At = start.Add(time.Millisecond)
	s.Methods = append(s.Methods, federated)
	for i := len(s.Methods); i < 12; i++ {
		s.Methods = append(s.Methods, mfa.Method{
			Name: "email", Role: mfa.RoleSecond, At: start.Add(time.Duration(i) * time.Hour),
			CredentialID: fmt.Sprintf("credential-%d", i),
			Evidence: mfa.Evidence{
				Channel:      string(bytes.Repeat([]byte{0xff, 0x00, byte(i), '\n'}, 4)),
				UserVerified: i%2 == 0, PhishingResistant: i%3 == 0, HardwareBound: i%5 == 0,
			},
		})
	}
	return s
}

// same compares all that counts.
func same(a, b mfa.State) bool {
	x, errX := a.MarshalBinary()
	y, errY := b.MarshalBinary()
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func zero(s mfa.State) bool { return same(s, mfa.State{}) }

// nobody reports whether neither the library nor the app sees anybody.
func (v view) nobody() bool { return v.unknown() && v.appUser == "" }

// unknown reports whether the library sees nobody, in the way it must say so.
func (v view) unknown() bool { return errors.Is(v.err, mfa.ErrNoSession) && zero(v.state) }

// is reports whether the library and the app see this state.
func (v view) is(s mfa.State) bool {
	return v.err == nil && same(v.state, s) && v.appUser == appUserOf(s)
}

// appUserOf returns whom the app should see in a state.
func appUserOf(s mfa.State) string {
	if s.Pending {
		return ""
	}
	return s.UserID
}

// String describes a view for a failure.
func (v view) String() string {
	if v.err != nil {
		return fmt.Sprintf("error %q, app user %q", v.err, v.appUser)
	}
	return fmt.Sprintf("state of user %q (pending %v, %d methods), app user %q", v.state.UserID, v.state.Pending, len(v.state.Methods), v.appUser)
}
