package totpfactor

import (
	"fmt"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-mfa/mfa/factor"
)

const period = 30 * time.Second

func TestD02_StepAcceptedOnce(t *testing.T) {
	f := newFactor(t, Config{})
	c, secret := enroll(t, f, "c1", noon)
	at := noon.Add(time.Hour)
	_, err := verify(f, at, code(t, secret, at), &c)
	require.NoError(t, err)
	_, err = verify(f, at, code(t, secret, at), &c)
	require.ErrorIs(t, err, factor.ErrReplayed)
	require.ErrorIs(t, err, factor.ErrRejected)
	_, err = verify(f, at, code(t, secret, at.Add(-period)), &c)
	require.ErrorIs(t, err, factor.ErrReplayed, "the older step dies with the newer")
	_, err = verify(f, at.Add(period), code(t, secret, at.Add(period)), &c)
	require.NoError(t, err)
}

func TestD03_ReplayIsFoundHoweverTheCodeIsWritten(t *testing.T) {
	f := newFactor(t, Config{})
	c, secret := enroll(t, f, "c1", noon)
	at := noon.Add(time.Hour)
	s := code(t, secret, at)
	_, err := verify(f, at, s, &c)
	require.NoError(t, err)
	for _, again := range []string{s, s[:3] + " " + s[3:], s[:3] + "-" + s[3:]} {
		_, err = verify(f, at, again, &c)
		require.ErrorIs(t, err, factor.ErrReplayed, "%q", again)
	}
	for _, again := range []string{" " + s, s + "\n", s + "\u2003", "\u2003" + s, s + "\x00", "0" + s, "+" + s} {
		_, err = verify(f, at, again, &c)
		require.ErrorIs(t, err, factor.ErrRejected, "%q", again)
	}
}

func TestD03_PquernaTrimsWhatWeRefuse(t *testing.T) {
	// A canary: should this change, the note in doc.go does too.
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	assert.True(t, totp.Validate("\u2003"+code(t, secret, time.Now()), secret))
}

func TestD04_ReplayMarkCoversTheTrailingWindow(t *testing.T) {
	f := newFactor(t, Config{})
	c, secret := enroll(t, f, "c1", noon)
	at := noon.Add(time.Hour)
	old := code(t, secret, at.Add(-period))
	_, err := verify(f, at, old, &c)
	require.NoError(t, err)
	_, err = verify(f, at, old, &c)
	require.ErrorIs(t, err, factor.ErrReplayed)
	_, err = verify(f, at.Add(period), old, &c)
	require.ErrorIs(t, err, factor.ErrRejected)
	_, err = verify(f, at, code(t, secret, at), &c)
	require.NoError(t, err, "the current step is later than the one that was used")
}

func TestD06_Window(t *testing.T) {
	for _, ahead := range []bool{false, true} {
		f := newFactor(t, Config{Ahead: ahead})
		for offset := -3; offset <= 3; offset++ {
			c, secret := enroll(t, f, "c1", noon)
			at := noon.Add(time.Hour)
			_, err := verify(f, at, code(t, secret, at.Add(time.Duration(offset)*period)), &c)
			if offset == -1 || offset == 0 || offset == 1 && ahead {
				assert.NoError(t, err, "ahead %v, step %+d", ahead, offset)
			} else {
				assert.ErrorIs(t, err, factor.ErrRejected, "ahead %v, step %+d", ahead, offset)
			}
		}
	}
}

func TestD06_WindowToTheSecond(t *testing.T) {
	f := newFactor(t, Config{})
	for second, accepted := range map[int]bool{-1: false, 0: true, 29: true, 30: true, 59: true, 60: false} {
		c, secret := enroll(t, f, "c1", noon)
		shown := noon.Add(time.Hour)
		_, err := verify(f, shown.Add(time.Duration(second)*time.Second), code(t, secret, shown), &c)
		assert.Equal(t, accepted, err == nil, "%d s after it was shown: %v", second, err)
	}
}

func TestD08_UnusableSecretIsAFault(t *testing.T) {
	f := newFactor(t, Config{})
	good := key{params: params{SHA1, 6, 30}, secret: []byte("12345678901234567890")}
	with := func(secret string) []byte {
		k := good
		k.secret = []byte(secret)
		return credential{key: k}.encode()
	}
	for name, data := range map[string][]byte{
		"nil": nil, "empty": {}, "empty secret": with(""), "short": with("123456789012345"), "zero": with(string(make([]byte, 20))),
		"long": with(string(make([]byte, 65))), "cut": with("12345678901234567890")[:10], "enrolment": good.encode(),
		"version": append([]byte{2}, with("12345678901234567890")[1:]...),
	} {
		step := uint64(noon.Unix() / 30)
		for _, secret := range []string{"", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
			guess, err := hotp.GenerateCodeCustom(secret, step, hotp.ValidateOpts{Digits: otp.DigitsSix})
			require.NoError(t, err, "the primitive computes codes of an empty secret")
			_, err = verify(f, noon, guess, &factor.Credential{ID: "c", Data: data})
			require.Error(t, err, name)
			require.NotErrorIs(t, err, factor.ErrRejected, "%s: a fault, not a wrong answer", name)
		}
	}
}

func TestD08_DamagedCredentialKeepsNoOtherFromUse(t *testing.T) {
	f := newFactor(t, Config{})
	good, secret := enroll(t, f, "good", noon)
	bad := factor.Credential{ID: "bad", Data: []byte("garbage")}
	at := noon.Add(time.Hour)
	res, err := verify(f, at, code(t, secret, at), &bad, &good)
	require.NoError(t, err)
	assert.Equal(t, "good", res.Credential.ID)
	_, err = verify(f, at, "000000", &good, &bad)
	require.ErrorIs(t, err, factor.ErrRejected, "a guess that was judged is a wrong answer: a fault would cost no attempt")
}

func TestD14_ParametersAreTheCredentials(t *testing.T) {
	old := newFactor(t, Config{})
	c, secret := enroll(t, old, "c1", noon)
	renewed := newFactor(t, Config{Algorithm: SHA512, Digits: 8, Period: time.Minute})
	at := noon.Add(time.Hour)
	_, err := verify(renewed, at, code(t, secret, at), &c)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"algorithm": "SHA1", "digits": 6, "period": int64(30)}, renewed.Describe(c))
	at = at.Add(time.Hour)
	r := factor.Request{
		Credentials: []factor.Credential{c}, Now: at,
		Params: map[string]string{"digits": "8", "period": "60", "algorithm": "SHA512", "secret": "", "skew": "100", "time": "0"},
	}
	_, err = renewed.FinishVerify(ctx, r, nil, []byte(code(t, secret, at)))
	require.NoError(t, err)
}

func TestD15_ClientTimeIsIgnored(t *testing.T) {
	f := newFactor(t, Config{})
	c, secret := enroll(t, f, "c1", noon)
	at := noon.Add(time.Hour)
	stale := at.Add(-10 * time.Minute)
	r := factor.Request{
		Credentials: []factor.Credential{c}, Now: at,
		Params: map[string]string{"time": fmt.Sprint(stale.Unix()), "now": stale.Format(time.RFC3339), "skew": "600"},
	}
	_, err := f.FinishVerify(ctx, r, nil, []byte(code(t, secret, stale)))
	require.ErrorIs(t, err, factor.ErrRejected)
}

func TestD16_ClockSetBack(t *testing.T) {
	f := newFactor(t, Config{})
	c, secret := enroll(t, f, "c1", noon)
	at := noon.Add(time.Hour)
	_, err := verify(f, at, code(t, secret, at), &c)
	require.NoError(t, err)
	back := at.Add(-30 * time.Minute)
	_, err = verify(f, back, code(t, secret, back), &c)
	require.ErrorIs(t, err, factor.ErrReplayed)
	_, err = verify(f, back, code(t, secret, at), &c)
	require.ErrorIs(t, err, factor.ErrRejected)
}

func TestD16_ClockBeforeOrAtTheEpoch(t *testing.T) {
	f := newFactor(t, Config{})
	k := key{params: params{SHA1, 6, 30}, secret: []byte("12345678901234567890")}
	c := factor.Credential{ID: "c1", Data: credential{key: k}.encode()}
	for _, at := range []time.Time{time.Unix(-1, 0), time.Unix(-1<<40, 0), {}} {
		_, err := verify(f, at, "755224", &c)
		require.Error(t, err)
		require.NotErrorIs(t, err, factor.ErrRejected, "%v", at)
		_, err = f.FinishEnroll(ctx, factor.Request{Now: at}, k.encode(), []byte("755224"))
		require.Error(t, err)
		require.NotErrorIs(t, err, factor.ErrRejected, "%v", at)
	}
	first, last, err := k.window(time.Unix(0, 0), false)
	require.NoError(t, err)
	assert.Equal(t, [2]uint64{0, 0}, [2]uint64{first, last}, "there is no step before the first")
}

func TestD17_ReplayOnOneDoesNotMaskAnother(t *testing.T) {
	f := newFactor(t, Config{})
	at := noon.Add(time.Hour)
	step := uint64(at.Unix() / 30)
	first, digits := colliding(t, step)
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		spentOne := factor.Credential{ID: "spent", Data: credential{key: first[0], last: step}.encode()}
		fresh := factor.Credential{ID: "fresh", Data: credential{key: first[1], last: step - 9}.encode()}
		both := []*factor.Credential{&spentOne, &fresh}
		res, err := verify(f, at, digits, both[order[0]], both[order[1]])
		require.NoError(t, err)
		assert.Equal(t, "fresh", res.Credential.ID)
		_, err = verify(f, at, digits, both[order[0]], both[order[1]])
		require.ErrorIs(t, err, factor.ErrReplayed)
	}
}

// colliding returns two keys with different secrets and the same code at step.
func colliding(t *testing.T, step uint64) ([2]key, string) {
	t.Helper()
	seen := map[string]key{}
	for i := range 1 << 20 {
		k := key{params: params{SHA1, 6, 30}, secret: fmt.Appendf(nil, "%020d", i)}
		digits, err := k.code(step)
		require.NoError(t, err)
		if other, ok := seen[digits]; ok {
			return [2]key{other, k}, digits
		}
		seen[digits] = k
	}
	t.Fatal("no collision")
	return [2]key{}, ""
}

func TestD17_OneSecretStoredTwiceIsOneSecret(t *testing.T) {
	f := newFactor(t, Config{})
	a, secret := enroll(t, f, "a", noon)
	b := a
	b.ID = "b"
	at := noon.Add(time.Hour)
	s := code(t, secret, at)
	_, err := verify(f, at, s, &a, &b)
	require.NoError(t, err)
	for range 3 {
		_, err = verify(f, at, s, &a, &b)
		require.ErrorIs(t, err, factor.ErrReplayed)
		_, err = verify(f, at, s, &b, &a)
		require.ErrorIs(t, err, factor.ErrReplayed)
	}
}

// TestD02_Model compares the factor with the rule: a code is accepted for a
// credential if its step is in the window and later than all accepted ones.
func TestD02_Model(t *testing.T) {
	f := newFactor(t, Config{})
	rapid.Check(t, func(t *rapid.T) {
		now := noon
		var credentials []*factor.Credential
		var keys []key
		var last []uint64
		for i := range rapid.IntRange(1, 3).Draw(t, "credentials") {
			k := key{params: params{SHA1, 8, 30}, secret: fmt.Appendf(nil, "%020d", i+1)}
			credentials = append(credentials, &factor.Credential{ID: fmt.Sprint(i), Data: credential{key: k}.encode()})
			keys, last = append(keys, k), append(last, 0)
		}
		for range rapid.IntRange(1, 20).Draw(t, "answers") {
			now = now.Add(time.Duration(rapid.IntRange(-60, 90).Draw(t, "seconds")) * time.Second)
			i := rapid.IntRange(0, len(keys)-1).Draw(t, "credential")
			offset := rapid.IntRange(-3, 3).Draw(t, "offset")
			current := uint64(now.Unix() / 30)
			step := uint64(int64(current) + int64(offset))
			answer, err := keys[i].code(step)
			require.NoError(t, err)
			res, err := verify(f, now, answer, credentials...)
			switch inside := step == current || step+1 == current; {
			case !inside:
				require.ErrorIs(t, err, factor.ErrRejected)
				require.NotErrorIs(t, err, factor.ErrReplayed)
			case step <= last[i]:
				require.ErrorIs(t, err, factor.ErrReplayed)
			default:
				require.NoError(t, err)
				require.Equal(t, credentials[i].ID, res.Credential.ID)
				last[i] = step
			}
		}
	})
}

func TestA09_NeverPhishingResistant(t *testing.T) {
	f := newFactor(t, Config{})
	c, secret := enroll(t, f, "c1", noon)
	at := noon.Add(time.Hour)
	res, err := verify(f, at, code(t, secret, at), &c)
	require.NoError(t, err)
	assert.Equal(t, factor.Evidence{Category: factor.Possession}, res.Evidence)
	assert.Equal(t, factor.Info{Method: "totp", Category: factor.Possession, Promptless: true, Guessable: true}, f.Info())
}

// D02: once in a million steps two neighbours have the same code, and it is
// still accepted once. With the secret of RFC 6238, steps 910737 and 910738 do.
func TestD02_SameCodeInNeighbouringStepsAcceptedOnce(t *testing.T) {
	const twin, twinCode = 910737, "911617"
	f := newFactor(t, Config{})
	k := credential{key: key{params: f.params, secret: []byte("12345678901234567890")}, last: twin - 10}
	for _, step := range []uint64{twin, twin + 1} {
		got, err := k.code(step)
		require.NoError(t, err)
		require.Equal(t, twinCode, got)
	}
	c := factor.Credential{ID: "c1", UserID: alice.ID, Method: Method, Data: k.encode()}
	at := time.Unix((twin+1)*30, 0)
	_, err := verify(f, at, twinCode, &c)
	require.NoError(t, err)
	for _, later := range []time.Duration{0, period} {
		_, err = verify(f, at.Add(later), twinCode, &c)
		require.ErrorIs(t, err, factor.ErrReplayed, "%v later", later)
	}
}
