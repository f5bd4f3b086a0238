package mfa_test

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
)

// full has a value in every field.
func full() mfa.State {
	return mfa.State{
		ID: "sid", UserID: "alice", Device: "dev", Pending: true,
		Methods: []mfa.Method{
			{
				Name: "oidc", Role: mfa.RoleFirst, At: time.UnixMilli(1_700_000_000_123).UTC(),
				Upstream: &mfa.Upstream{Provider: "idp", ACR: "urn:x", AMR: []string{"pwd", "otp"}, AAL2: true},
			},
			{
				Name: "webauthn", Role: mfa.RoleSecond, At: time.UnixMilli(1_700_000_001_000).UTC(), CredentialID: "cred",
				Evidence: mfa.Evidence{Category: factor.Possession, Channel: "0123456789abcdef", UserVerified: true, PhishingResistant: true, HardwareBound: true},
			},
			{Name: "password", Role: mfa.RoleFirst, Evidence: mfa.Evidence{Category: factor.Knowledge}},
		},
	}
}

// Sessions outlive the version that wrote them. If these bytes change, the
// version byte has to.
func TestStateEncodingIsFixed(t *testing.T) {
	const golden = "01" + "03736964" + "05616c696365" + "03646576" + "01" + "03" +
		"30" + "046f696463" + "01f6a1abfef962" + "00" + "00" + "00" + "03696470" + "0575726e3a78" + "02" + "03707764" + "036f7470" +
		"0f" + "08776562617574686e" + "01d0afabfef962" + "0463726564" + "02" + "1030313233343536373839616263646566" +
		"00" + "0870617373776f7264" + "00" + "00" + "01" + "00"
	b, err := full().MarshalBinary()
	require.NoError(t, err)
	assert.Equal(t, golden, hex.EncodeToString(b))
	var s mfa.State
	require.NoError(t, s.UnmarshalBinary(b))
	assert.Equal(t, full(), s)
}

func TestZeroStateIsEmpty(t *testing.T) {
	b, err := mfa.State{}.MarshalBinary()
	require.NoError(t, err)
	assert.Empty(t, b)
	s := full()
	require.NoError(t, s.UnmarshalBinary(nil))
	assert.Equal(t, mfa.State{}, s)
}

func TestStateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := mfa.State{
			ID: rapid.StringN(1, 30, -1).Draw(t, "id"), UserID: rapid.StringN(1, 255, -1).Draw(t, "user"),
			Device: rapid.String().Draw(t, "device"), Pending: rapid.Bool().Draw(t, "pending"), Methods: drawMethods(t),
		}
		roles := true
		for i := range s.Methods {
			roles = roles && (s.Methods[i].Role == mfa.RoleFirst || s.Methods[i].Role == mfa.RoleSecond)
		}
		if len(s.Methods) == 0 {
			s.Methods = nil
		}
		b, err := s.MarshalBinary()
		if !roles {
			require.Error(t, err, "a use without a role is not stored")
			return
		}
		require.NoError(t, err)
		var got mfa.State
		require.NoError(t, got.UnmarshalBinary(b))
		require.Equal(t, s, got)
	})
}

func TestStateRefusesWhatIsNotWhole(t *testing.T) {
	b, err := full().MarshalBinary()
	require.NoError(t, err)
	refused := func(b []byte, why string) {
		t.Helper()
		s := full()
		require.Error(t, s.UnmarshalBinary(b), why)
		assert.Equal(t, mfa.State{}, s, "nothing is left of what was there: %s", why)
	}
	for n := 1; n < len(b); n++ {
		refused(b[:n], fmt.Sprintf("cut to %d bytes", n))
	}
	refused(append(append([]byte(nil), b...), 0), "longer")
	for version := range 256 {
		if version != 1 {
			refused(append([]byte{byte(version)}, b[1:]...), "unknown version")
		}
	}
	encode := func(s mfa.State) []byte {
		b, err := s.MarshalBinary()
		require.NoError(t, err)
		return b
	}
	refused(encode(mfa.State{ID: "s"}), "no user")
	refused(encode(mfa.State{UserID: "u"}), "no id")
	refused(encode(mfa.State{Pending: true}), "nobody, pending")
	many := full()
	for len(many.Methods) <= 12 {
		many.Methods = append(many.Methods, mfa.Password())
	}
	refused(encode(many), "more methods than a state has")
	// Flags that no version has, and a word for an upstream that is not there.
	flags := append([]byte(nil), encode(mfa.State{ID: "s", UserID: "u", Methods: []mfa.Method{mfa.Password()}})...)
	at := len(flags) - len("\x00\x08password\x00\x00\x01\x00")
	for _, f := range []byte{0x40, 0x80, 0x20} {
		flags[at] = f
		refused(flags, fmt.Sprintf("flags %#x", f))
	}
}

func FuzzStateUnmarshal(f *testing.F) {
	b, err := full().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Add([]byte("\x01\x01s\x01u\x00\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s mfa.State
		if s.UnmarshalBinary(b) != nil {
			if s.UserID != "" || s.Methods != nil {
				t.Fatal("something is left after an error")
			}
			return
		}
		again, err := s.MarshalBinary()
		if err != nil || string(again) != string(b) {
			t.Fatalf("%x is another encoding of %x: %v", b, again, err)
		}
		_ = mfa.Level(s.Methods)
		_ = mfa.AMR(s.Methods)
	})
}

// Of too many uses the oldest goes that has a newer one of the same method,
// role and credential; failing that, the oldest that is not the last of its
// role.
func TestStateKeepsTwelveMethods(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.SignIn.AAL = mfa.AAL1 })
	type key struct {
		name       string
		role       mfa.Role
		credential string
	}
	rapid.Check(t, func(rt *rapid.T) {
		kit.Clock.Advance(time.Second)
		prev := mfa.State{ID: "s", UserID: "alice"}
		for range rapid.IntRange(0, 12).Draw(rt, "n") {
			prev.Methods = append(prev.Methods, mfa.Method{
				Name: rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"}).Draw(rt, "name"),
				Role: rapid.SampledFrom([]mfa.Role{mfa.RoleFirst, mfa.RoleFirst, mfa.RoleSecond}).Draw(rt, "role"),
				At:   kit.Clock.Advance(time.Second), CredentialID: rapid.SampledFrom([]string{"", "1", "2"}).Draw(rt, "credential"),
			})
		}
		before := fmt.Sprint(prev)
		all := append(append([]mfa.Method(nil), prev.Methods...), mfa.FirstFactor(rapid.SampledFrom([]string{"a", "z"}).Draw(rt, "new"), mfa.Evidence{}))
		all[len(all)-1].At = kit.Clock.Now()
		s, err := kit.Manager.Start(t.Context(), prev, "alice", all[len(all)-1])
		require.NoError(rt, err)
		require.Equal(rt, before, fmt.Sprint(prev), "a state is a value")
		if len(all) <= 12 {
			require.Equal(rt, all, s.Methods)
			return
		}
		// The oldest duplicate, else the oldest of a role that has another.
		gone := -1
		newest, ofRole := map[key]int{}, map[mfa.Role]int{}
		for i, m := range all {
			newest[key{m.Name, m.Role, m.CredentialID}] = i
			ofRole[m.Role] = i
		}
		for i, m := range all {
			if newest[key{m.Name, m.Role, m.CredentialID}] != i {
				gone = i
				break
			}
		}
		for i, m := range all {
			if gone < 0 && ofRole[m.Role] != i {
				gone = i
			}
		}
		require.Equal(rt, append(all[:gone:gone], all[gone+1:]...), s.Methods)
	})
}

// Hundreds of logins and verifications in one session forget neither role.
func TestStateNeverForgetsARole(t *testing.T) {
	kit := mfatest.New(t, nil)
	totp, s := kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	for i := range 40 {
		var err error
		s, err = kit.Manager.Start(t.Context(), s, "alice", mfa.FirstFactor(fmt.Sprint("way", i), mfa.Evidence{}))
		require.NoError(t, err)
		require.Equal(t, mfa.AAL2, levelOf(t, kit, s))
		require.False(t, s.Pending)
		require.LessOrEqual(t, len(s.Methods), 12)
	}
	for range 20 {
		s = kit.VerifyTOTP(t, s, totp)
		require.Equal(t, mfa.AAL2, levelOf(t, kit, s))
	}
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	assert.Less(t, len(b), 1500)
}

// A State keeps a hash of a channel that is the same for every session and key
// of the user, and that says nothing else.
func TestStateHashesChannels(t *testing.T) {
	first := mfa.FirstFactor("magic_link", mfa.Evidence{Channel: mfa.EmailChannel("alice@example.test")})
	var seen []string
	for range 2 {
		kit := mfatest.New(t, nil) // with other keys
		s := kit.SignIn(t, "alice", first)
		b, err := s.MarshalBinary()
		require.NoError(t, err)
		assert.NotContains(t, string(b), "example.test")
		seen = append(seen, s.Methods[0].Evidence.Channel)
		bob := kit.SignIn(t, "bob", first).Methods[0].Evidence.Channel
		assert.NotEqual(t, s.Methods[0].Evidence.Channel, bob, "not linkable between users")
		assert.Len(t, bob, 16)
		assert.Empty(t, kit.SignedIn(t, "alice").Methods[0].Evidence.Channel, "no channel stays none")
	}
	assert.Equal(t, seen[0], seen[1])
	assert.Equal(t, "email:alice@example.test", first.Evidence.Channel, "the caller's method is untouched")
}
