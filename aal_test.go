package mfa_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
)

// drawMethods draws lists in which credentials and channels often meet.
func drawMethods(t *rapid.T) []mfa.Method {
	one := rapid.Custom(func(t *rapid.T) mfa.Method {
		m := mfa.Method{
			Name:         rapid.SampledFrom([]string{"password", "oidc", "totp", "webauthn", "lookup_secret", "email", "sms", "", "nobody_knows"}).Draw(t, "name"),
			Role:         rapid.SampledFrom([]mfa.Role{0, mfa.RoleFirst, mfa.RoleSecond, mfa.RoleSecond, 3}).Draw(t, "role"),
			CredentialID: rapid.SampledFrom([]string{"", "", "c1", "c2"}).Draw(t, "credential"),
			At:           time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(t, "at")).UTC(),
			Evidence: mfa.Evidence{
				Category:          factor.Category(rapid.ByteRange(0, 4).Draw(t, "category")),
				Channel:           rapid.SampledFrom([]string{"", "", "x", "y"}).Draw(t, "channel"),
				UserVerified:      rapid.Bool().Draw(t, "uv"),
				PhishingResistant: rapid.Bool().Draw(t, "pr"),
				HardwareBound:     rapid.Bool().Draw(t, "hw"),
			},
		}
		if rapid.IntRange(0, 4).Draw(t, "federated") == 0 {
			m.Upstream = &mfa.Upstream{Provider: "p", ACR: "a", AMR: []string{"pwd"}, AAL2: rapid.Bool().Draw(t, "vouched")}
		}
		return m
	})
	return rapid.SliceOfN(one, 0, 6).Draw(t, "methods")
}

// expectedLevel is the definition of the levels, written as a search for a
// pair: one first-role and one second-role use that share neither a credential
// nor a channel.
func expectedLevel(methods []mfa.Method) mfa.AAL {
	level := mfa.AAL0
	for _, a := range methods {
		level = max(level, mfa.AAL1)
		if a.Role == mfa.RoleFirst && a.Upstream != nil && a.Upstream.AAL2 {
			return mfa.AAL2
		}
		for _, b := range methods {
			shareCredential := a.CredentialID != "" && a.CredentialID == b.CredentialID
			shareChannel := a.Evidence.Channel != "" && a.Evidence.Channel == b.Evidence.Channel
			if a.Role == mfa.RoleFirst && b.Role == mfa.RoleSecond && !shareCredential && !shareChannel {
				return mfa.AAL2
			}
		}
	}
	return level
}

func TestA01_LevelIsAFunctionOfTheMethods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		methods := drawMethods(t)
		before := fmt.Sprint(methods)
		require.Equal(t, expectedLevel(methods), mfa.Level(methods))
		require.Equal(t, mfa.Level(methods) >= mfa.AAL2, slices.Contains(mfa.AMR(methods), "mfa"))
		require.Equal(t, before, fmt.Sprint(methods), "nothing is changed")
		backwards := slices.Clone(methods)
		slices.Reverse(backwards)
		require.Equal(t, mfa.Level(methods), mfa.Level(backwards), "the order does not matter")
	})
}

// Status and the gate leave out uses whose credential is gone, is of another
// method, or of a second factor that nobody knows, and uses without a role.
func TestA01_StatusIsAFunctionOfMethodsAndCredentials(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.Retired = []string{"email", "sms"} })
	known := []string{"totp", "webauthn", "lookup_secret", "email", "sms"}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		s := mfa.State{ID: "s", UserID: fmt.Sprint("u", n), Methods: drawMethods(rt)}
		exists := map[string]string{} // credential id to method
		for i := range s.Methods {
			// Ids are unique over all users.
			if s.Methods[i].CredentialID != "" {
				s.Methods[i].CredentialID += s.UserID
			}
		}
		for _, id := range []string{"c1" + s.UserID, "c2" + s.UserID} {
			if rapid.Bool().Draw(rt, "exists") {
				exists[id] = rapid.SampledFrom([]string{"totp", "webauthn", "email", "device"}).Draw(rt, "of")
				require.NoError(rt, kit.Store.CreateCredential(t.Context(), mfa.Credential{
					ID: id, UserID: s.UserID, Method: exists[id], Key: id, Data: []byte("never opened"), Version: 1,
				}))
			}
		}
		counting := slices.DeleteFunc(slices.Clone(s.Methods), func(m mfa.Method) bool {
			return m.Role == mfa.RoleFirst && m.Name == "" || m.Role == mfa.RoleSecond && !slices.Contains(known, m.Name) ||
				m.Role != mfa.RoleFirst && m.Role != mfa.RoleSecond ||
				m.CredentialID != "" && exists[m.CredentialID] != m.Name
		})
		want := expectedLevel(counting)
		st, err := kit.Manager.Status(t.Context(), s)
		require.NoError(rt, err)
		require.Equal(rt, want, st.AAL)
		require.Len(rt, st.Completed, len(counting))
		require.Equal(rt, want >= mfa.AAL2, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL2}) == nil)
		require.Equal(rt, want >= mfa.AAL1, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL1}) == nil)
	})
}

func TestA01_NoStoredColumnDecides(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	aal2 := kit.SignedInAAL2(t, "alice")
	aal1 := kit.SignedIn(t, "alice")
	creds, err := kit.Store.Credentials(t.Context(), "alice")
	require.NoError(t, err)
	c := creds[0]
	for i, change := range []func(*mfa.Credential){
		func(c *mfa.Credential) { c.Name = "aal2" },
		func(c *mfa.Credential) { c.UsedAt = time.Time{} },
		func(c *mfa.Credential) { c.UsedAt = kit.Clock.Now().AddDate(1, 0, 0) },
		func(c *mfa.Credential) { c.Data = []byte("garbage") },
		func(c *mfa.Credential) { c.Data = nil },
	} {
		prev := c.Version
		change(&c)
		c.Version = int64(i + 1)
		require.NoError(t, kit.Store.UpdateCredential(t.Context(), c, prev))
		require.NoError(t, kit.Manager.Allow(t.Context(), aal2, mfa.Requirement{AAL: mfa.AAL2}))
		stepUpOf(t, kit.Manager.Allow(t.Context(), aal1, mfa.Requirement{AAL: mfa.AAL2}))
		stepUpOf(t, kit.Manager.Allow(t.Context(), aal1, mfa.Requirement{}))
	}
}

func TestA02_HighestAvailableLooksAtWhatIsEnrolledNow(t *testing.T) {
	firsts := map[string]mfa.Method{
		"password": mfa.Password(),
		"code":     mfa.FirstFactor("email", mfa.Evidence{Category: factor.Possession, Channel: mfa.EmailChannel("someone@else.test")}),
		"oidc":     mfa.OIDC("idp", mfa.Upstream{ACR: "1", AMR: []string{"pwd", "mfa"}}),
		"passkey":  mfa.FirstFactor("webauthn", mfa.Evidence{Category: factor.Possession, UserVerified: true, PhishingResistant: true}),
		"none":     {},
	}
	for _, second := range []string{"totp", "webauthn", "email"} {
		mail := &inbox{method: "email"}
		kit := mfatest.New(t, func(c *mfa.Config) { neverPending(c); withInbox(mail)(c) })
		enrolling := kit.SignedIn(t, "alice")
		switch second {
		case "totp":
			kit.EnrollTOTP(t, enrolling)
		case "webauthn":
			kit.EnrollKey(t, enrolling)
		case "email":
			enrollInbox(t, kit, mail, enrolling, "alice@example.test")
		}
		for first, method := range firsts {
			t.Run(first+" then "+second, func(t *testing.T) {
				s := mfa.State{ID: "s", UserID: "alice"}
				bob := mfa.State{ID: "s", UserID: "bob"}
				if first != "none" {
					s, bob = kit.SignIn(t, "alice", method), kit.SignIn(t, "bob", method)
				}
				e := stepUpOf(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{}))
				w := answer(t, kit.Manager.Require(mfa.Requirement{})(&counted{}), kit.Request(t, "GET", "/", s))
				assert.Equal(t, 401, w.Code)
				if first == "none" {
					assert.Equal(t, mfa.AAL0, e.Have)
					assert.Equal(t, mfa.MissingFirstFactor, e.Missing)
					stepUpOf(t, kit.Manager.Allow(t.Context(), bob, mfa.Requirement{}))
					return
				}
				assert.Equal(t, mfa.AAL1, e.Have)
				assert.Equal(t, mfa.AAL2, e.Want)
				assert.Equal(t, []string{second}, e.Methods)
				require.NoError(t, kit.Manager.Allow(t.Context(), bob, mfa.Requirement{}), "who has no second factor has all there is")
			})
		}
	}
}

func TestA03_EnrolledUserIsNotDoneWithOneFactor(t *testing.T) {
	kit := mfatest.New(t, neverPending)
	kit.EnrollTOTP(t, kit.SignedIn(t, "alice"))
	s := kit.SignedIn(t, "alice")
	require.False(t, s.Pending, "the policy asks nobody at sign-in")
	assert.Equal(t, mfa.AAL1, levelOf(t, kit, s))
	h := &counted{}
	w := answer(t, kit.Manager.Require(mfa.Requirement{})(h), kit.Request(t, "GET", "/", s))
	assert.Equal(t, 401, w.Code)
	assert.Zero(t, h.n)
}

func TestA04_PairsThatAreNotIndependent(t *testing.T) {
	use := func(name string, role mfa.Role, credential, channel string) mfa.Method {
		return mfa.Method{Name: name, Role: role, CredentialID: credential, Evidence: mfa.Evidence{Channel: channel}}
	}
	const first, second = mfa.RoleFirst, mfa.RoleSecond
	for name, c := range map[string]struct {
		want    mfa.AAL
		methods []mfa.Method
	}{
		"nothing":                     {mfa.AAL0, nil},
		"password":                    {mfa.AAL1, []mfa.Method{use("password", first, "", "")}},
		"totp alone":                  {mfa.AAL1, []mfa.Method{use("totp", second, "c1", "")}},
		"two passwords":               {mfa.AAL1, []mfa.Method{use("password", first, "", ""), use("password", first, "", "")}},
		"password and oidc":           {mfa.AAL1, []mfa.Method{use("password", first, "", ""), use("oidc", first, "", "")}},
		"totp twice":                  {mfa.AAL1, []mfa.Method{use("totp", second, "c1", ""), use("totp", second, "c2", "")}},
		"password and totp":           {mfa.AAL2, []mfa.Method{use("password", first, "", ""), use("totp", second, "c1", "")}},
		"in the other order":          {mfa.AAL2, []mfa.Method{use("totp", second, "c1", ""), use("password", first, "", "")}},
		"empty id and channel":        {mfa.AAL2, []mfa.Method{use("password", first, "", ""), use("x", second, "", "")}},
		"email and same email":        {mfa.AAL1, []mfa.Method{use("email", first, "", "a"), use("email", second, "", "a")}},
		"email and other email":       {mfa.AAL2, []mfa.Method{use("email", first, "", "a"), use("email", second, "", "b")}},
		"sms and same sms":            {mfa.AAL1, []mfa.Method{use("sms", first, "c1", "t"), use("sms", second, "c2", "t")}},
		"magic link and code":         {mfa.AAL1, []mfa.Method{use("magic_link", first, "", "a"), use("email", second, "c1", "a")}},
		"passkey twice":               {mfa.AAL1, []mfa.Method{use("webauthn", first, "k", ""), use("webauthn", second, "k", "")}},
		"passkey and another":         {mfa.AAL2, []mfa.Method{use("webauthn", first, "k", ""), use("webauthn", second, "l", "")}},
		"a third one saves it":        {mfa.AAL2, []mfa.Method{use("email", first, "", "a"), use("email", second, "", "a"), use("password", first, "", "")}},
		"same credential and channel": {mfa.AAL1, []mfa.Method{use("email", first, "k", "a"), use("email", second, "k", "a")}},
		"no roles":                    {mfa.AAL1, []mfa.Method{use("password", 0, "", ""), use("totp", 0, "c", "")}},
	} {
		assert.Equal(t, c.want, mfa.Level(c.methods), name)
	}
}

// One inbox is one factor, however its address is written, whether it is
// enrolled or the user's contact, and whatever the session tries.
func TestA04_OneInboxIsOneFactor(t *testing.T) {
	for _, contact := range []bool{false, true} {
		mail := &inbox{method: "email", contact: contact}
		kit := mfatest.New(t, withInbox(mail))
		if !contact {
			enrollInbox(t, kit, mail, kit.SignedIn(t, "alice"), "alice@example.test")
		}
		link := mfa.FirstFactor("magic_link", mfa.Evidence{Channel: mfa.EmailChannel(" Alice@EXAMPLE.test ")})
		s := kit.SignIn(t, "alice", link)
		assert.False(t, s.Pending, "beside its own inbox there is nothing to ask for")
		_, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "email"})
		require.ErrorIs(t, err, mfa.ErrNotEnrolled)
		if !contact {
			c, err := kit.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "email", Refresh: true})
			require.NoError(t, err)
			code, _ := mail.last()
			s, err = kit.Manager.FinishVerify(t.Context(), s, c.ID, []byte(code))
			require.NoError(t, err)
			assert.Len(t, s.Methods, 2)
		}
		assert.Equal(t, mfa.AAL1, levelOf(t, kit, s))
		stepUpOf(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL2}))

		other := kit.SignIn(t, "alice", mfa.FirstFactor("magic_link", mfa.Evidence{Channel: mfa.EmailChannel("alice@elsewhere.test")}))
		assert.True(t, other.Pending, "beside another inbox it is a second factor")
		c, err := kit.Manager.BeginVerify(t.Context(), other, mfa.VerifyOptions{Method: "email"})
		require.NoError(t, err)
		code, _ := mail.last()
		other, err = kit.Manager.FinishVerify(t.Context(), other, c.ID, []byte(code))
		require.NoError(t, err)
		assert.False(t, other.Pending)
		assert.Equal(t, mfa.AAL2, levelOf(t, kit, other))
	}
}

func TestA13_RemovalLowersEverySession(t *testing.T) {
	enrol := map[string]func(*testing.T, *mfatest.Kit, *inbox, mfa.State) (string, mfa.State){
		"totp": func(t *testing.T, k *mfatest.Kit, _ *inbox, s mfa.State) (string, mfa.State) {
			app, s := k.EnrollTOTP(t, s)
			return app.CredentialID, s
		},
		"webauthn": func(t *testing.T, k *mfatest.Kit, _ *inbox, s mfa.State) (string, mfa.State) {
			key, s := k.EnrollKey(t, s)
			return key.CredentialID, s
		},
		"email": func(t *testing.T, k *mfatest.Kit, f *inbox, s mfa.State) (string, mfa.State) {
			info, s := enrollInbox(t, k, f, s, "a@b.test")
			return info.ID, s
		},
	}
	for method, do := range enrol {
		for _, by := range []string{"user", "admin", "admin by method", "forget"} {
			t.Run(method+" by "+by, func(t *testing.T) {
				mail := &inbox{method: "email"}
				kit := mfatest.New(t, withInbox(mail))
				id, s := do(t, kit, mail, kit.SignedIn(t, "alice"))
				require.Equal(t, mfa.AAL2, levelOf(t, kit, s))
				h := kit.Manager.RequireAAL(mfa.AAL2)(&counted{})
				r := kit.Request(t, "GET", "/", s)
				require.Equal(t, 204, answer(t, h, r).Code)
				var err error
				switch by {
				case "user":
					var left mfa.State
					left, err = kit.Manager.Remove(t.Context(), s, id)
					assert.Len(t, left.Methods, 1, "the use goes out of the session that removed it")
				case "admin":
					err = kit.Manager.AdminReset(t.Context(), "root", "alice", "lost phone")
				case "admin by method":
					err = kit.Manager.AdminReset(t.Context(), "root", "alice", "lost phone", method)
				case "forget":
					err = kit.Manager.Forget(t.Context(), "alice")
				}
				require.NoError(t, err)
				assert.Equal(t, 401, answer(t, h, r).Code, "the same session, at its next request")
				assert.Equal(t, mfa.AAL1, levelOf(t, kit, s))
			})
		}
	}
}

func TestA14_FirstEnrolmentLowersOtherSessions(t *testing.T) {
	kit := mfatest.New(t, nil)
	a, b := kit.SignedIn(t, "alice"), kit.SignedIn(t, "alice")
	h := kit.Manager.Require(mfa.Requirement{})(&counted{})
	rb := kit.Request(t, "GET", "/", b)
	require.Equal(t, 204, answer(t, h, rb).Code)
	_, a = kit.EnrollTOTP(t, a)
	assert.Equal(t, 204, answer(t, h, kit.Request(t, "GET", "/", a)).Code)
	assert.Equal(t, 401, answer(t, h, rb).Code, "what was all there is no longer is")
	_, err := kit.Manager.BeginEnroll(t.Context(), b, mfa.EnrollOptions{Method: "totp"})
	stepUpOf(t, err)
}

func TestA15_NothingUnknownIsWorthAnything(t *testing.T) {
	kit := mfatest.New(t, nil)
	ctx := t.Context()
	for _, q := range []mfa.Requirement{{}, {AAL: mfa.AAL1}, {AAL: mfa.AAL2}} {
		require.ErrorIs(t, kit.Manager.Allow(ctx, mfa.State{}, q), mfa.ErrNoSession)
		stepUpOf(t, kit.Manager.Allow(ctx, mfa.State{ID: "s", UserID: "alice"}, q))
		for name, m := range map[string]mfa.Method{
			"zero":                  {},
			"no role":               {Name: "password"},
			"unknown role":          {Name: "password", Role: 7},
			"no name":               {Role: mfa.RoleFirst},
			"unknown second factor": {Name: "retina", Role: mfa.RoleSecond},
			"no such credential":    {Name: "totp", Role: mfa.RoleSecond, CredentialID: "nope"},
		} {
			s := mfa.State{ID: "s", UserID: "alice", Methods: []mfa.Method{m}}
			e := stepUpOf(t, kit.Manager.Allow(ctx, s, q))
			assert.Equal(t, mfa.AAL0, e.Have, name)
			assert.Equal(t, mfa.AAL0, levelOf(t, kit, s), name)
		}
	}
	_, err := kit.Manager.Status(ctx, mfa.State{})
	require.ErrorIs(t, err, mfa.ErrNoSession)
	for a := 4; a < 256; a++ {
		if a == int(mfa.HighestAvailable) {
			continue
		}
		require.Error(t, kit.Manager.Allow(ctx, kit.SignedInAAL2(t, "bob"), mfa.Requirement{AAL: mfa.AAL(a)}))
		_, err := mfa.AAL(a).MarshalText()
		require.Error(t, err)
	}
	assert.Equal(t, "aal(200)", mfa.AAL(200).String())
	// A second factor without a first is one factor, and cannot be made two.
	totp, _ := kit.EnrollTOTP(t, kit.SignedIn(t, "carol"))
	only := mfa.State{ID: "s", UserID: "carol", Methods: []mfa.Method{{Name: "totp", Role: mfa.RoleSecond, CredentialID: totp.CredentialID}}}
	assert.Equal(t, mfa.AAL1, levelOf(t, kit, only))
	_, err = kit.Manager.BeginVerify(ctx, only, mfa.VerifyOptions{Method: "totp", Refresh: true})
	assert.Equal(t, mfa.MissingFirstFactor, stepUpOf(t, err).Missing)
}

func TestA15_LevelsAsText(t *testing.T) {
	for text, want := range map[string]mfa.AAL{
		"aal0": mfa.AAL0, "aal1": mfa.AAL1, "aal2": mfa.AAL2, "aal3": mfa.AAL3, "highest_available": mfa.HighestAvailable,
	} {
		got, err := mfa.ParseAAL(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		b, err := json.Marshal(map[mfa.AAL]mfa.AAL{want: want})
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf(`{%q:%q}`, text, text), string(b))
	}
	a := mfa.AAL2
	require.Error(t, a.UnmarshalText([]byte("aal9")))
	assert.Equal(t, mfa.AAL2, a, "unchanged")
	require.Error(t, json.Unmarshal([]byte(`2`), &a), "a number is no level")
	assert.EqualValues(t, 127, mfa.HighestAvailable)
	assert.LessOrEqual(t, int(mfa.HighestAvailable), math.MaxInt8)
}

func FuzzParseAAL(f *testing.F) {
	for _, s := range []string{"aal0", "aal1", "aal2", "aal3", "highest_available", "AAL2", "aal2 ", " aal2", "aal 2", "2", "-1", "aal4", "aal-1", "aal127", "aal256", "", "aal2\x00", "ａal2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := mfa.ParseAAL(s)
		if err != nil {
			if a != mfa.AAL0 {
				t.Fatalf("%q is an error and %v", s, a)
			}
			return
		}
		if a.String() != s {
			t.Fatalf("%q was read as %v", s, a)
		}
	})
}
