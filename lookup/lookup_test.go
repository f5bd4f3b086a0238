package lookup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/factor/factortest"
)

var (
	ctx   = context.Background()
	alice = factor.User{ID: "u1", Name: "alice"}
	noon  = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
)

func newFactor(t testing.TB, c Config) *Factor {
	t.Helper()
	f, err := New(c)
	require.NoError(t, err)
	return f
}

// enroll returns the set of u, stored as id, and its codes.
func enroll(t testing.TB, f *Factor, u factor.User, id string) (factor.Credential, []string) {
	t.Helper()
	r := factor.Request{User: u, Purpose: factor.PurposeEnroll, Now: noon}
	step, err := f.BeginEnroll(ctx, r)
	require.NoError(t, err)
	e, err := f.FinishEnroll(ctx, r, step.State, []byte(Saved))
	require.NoError(t, err)
	require.Nil(t, e.Evidence, "writing codes down proves nothing")
	e.Credential.ID, e.Credential.UserID, e.Credential.Method = id, u.ID, Method
	return e.Credential, step.Prompt.(Prompt).Codes
}

func verify(f *Factor, c *factor.Credential, answer string) (factor.Result, error) {
	res, err := f.FinishVerify(ctx, factor.Request{User: alice, Credentials: []factor.Credential{*c}, Purpose: factor.PurposeVerify, Now: noon}, nil, []byte(answer))
	if err == nil {
		*c = res.Credential
	}
	return res, err
}

// sheet is the paper with the codes.
type sheet struct{ codes, unused []string }

func (s *sheet) Answer(t testing.TB, r factor.Request, step factor.Step) []byte {
	if r.Purpose == factor.PurposeEnroll {
		s.codes = step.Prompt.(Prompt).Codes
		s.unused = s.codes
		return []byte(Saved)
	}
	require.NotEmpty(t, s.unused)
	code := s.unused[0]
	s.unused = s.unused[1:]
	return []byte(code)
}

func (s *sheet) Secrets() []string {
	secrets := s.codes
	for _, c := range s.codes {
		secrets = append(secrets, strings.ReplaceAll(c, "-", ""))
	}
	return secrets
}

func TestConformance(t *testing.T) {
	for _, c := range []Config{{Codes: 50}, {Codes: 50, Bits: 128, LowWater: 49}} {
		t.Run(fmt.Sprint(c.Bits), func(t *testing.T) {
			factortest.Run(t, factortest.Harness{
				Factor:           newFactor(t, c),
				NewAuthenticator: func(testing.TB) factortest.Authenticator { return &sheet{} },
			})
		})
	}
}

func TestE01_CodesHaveTheirBits(t *testing.T) {
	for _, c := range []struct {
		bits, groups int
	}{{0, 4}, {80, 4}, {81, 5}, {100, 5}, {112, 6}, {128, 7}} {
		f := newFactor(t, Config{Bits: c.bits})
		_, codes := enroll(t, f, alice, "c")
		assert.Len(t, codes, 12)
		for _, code := range codes {
			groups := strings.Split(code, "-")
			require.Len(t, groups, c.groups)
			for _, g := range groups {
				require.Len(t, g, 4)
				require.Empty(t, strings.Trim(g, alphabet))
			}
			assert.GreaterOrEqual(t, len(groups)*bitsPerGroup, c.bits)
		}
	}
	assert.Len(t, alphabet, 1<<bitsPerChar)
	for _, confusable := range "ilou" {
		assert.NotContains(t, alphabet, string(confusable))
	}
}

// TestE01_CharactersAreUniform counts what every byte becomes, which is exact,
// and then what a sample of codes holds.
func TestE01_CharactersAreUniform(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	code, err := newCode(bytes.NewReader(all), 64)
	require.NoError(t, err)
	for _, c := range alphabet {
		assert.Equal(t, 256/len(alphabet), strings.Count(code, string(c)), "no modulo bias: %c", c)
	}

	f := newFactor(t, Config{Codes: 50})
	var counts [256]float64
	n := 0.0
	for range 60 {
		_, codes, err := newSet(f.random, f.codes, f.groups)
		require.NoError(t, err)
		for _, c := range strings.ReplaceAll(strings.Join(codes, ""), "-", "") {
			counts[c]++
			n++
		}
	}
	var chi2 float64
	for _, c := range alphabet {
		expected := n / float64(len(alphabet))
		chi2 += (counts[c] - expected) * (counts[c] - expected) / expected
	}
	assert.Less(t, chi2, 100.0, "31 degrees of freedom: passes but for 3 in a billion fair samples")
}

func TestE01_NoRandomnessNoCodes(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"failing": iotest.ErrReader(errors.New("no entropy")),
		"key":     bytes.NewReader(make([]byte, keySize-1)),
		"codes":   bytes.NewReader(make([]byte, keySize+17)),
	} {
		f := newFactor(t, Config{})
		f.random = r
		step, err := f.BeginEnroll(ctx, factor.Request{User: alice, Now: noon})
		require.Error(t, err, name)
		require.NotErrorIs(t, err, factor.ErrRejected)
		assert.Zero(t, step)
	}
}

func TestE02_NothingStoredShowsACode(t *testing.T) {
	f := newFactor(t, Config{})
	r := factor.Request{User: alice, Now: noon}
	step, err := f.BeginEnroll(ctx, r)
	require.NoError(t, err)
	e, err := f.FinishEnroll(ctx, r, step.State, []byte(Saved))
	require.NoError(t, err)
	for _, stored := range [][]byte{step.State, e.Credential.Data} {
		for _, code := range step.Prompt.(Prompt).Codes {
			plain := strings.ReplaceAll(code, "-", "")
			for _, form := range []string{code, plain, code[:4], strings.ToUpper(code)} {
				assert.NotContains(t, string(stored), form)
			}
			sum := set{key: nil}.digest([]byte(plain))
			assert.False(t, bytes.Contains(stored, sum[:]), "a digest without the set's key")
		}
	}
	a, err := decodeSet(step.State)
	require.NoError(t, err)
	again, err := f.BeginEnroll(ctx, r)
	require.NoError(t, err)
	b, err := decodeSet(again.State)
	require.NoError(t, err)
	assert.NotEqual(t, a.key, b.key, "every set has a key of its own")
}

func TestE03_EachCodeWorksOnce(t *testing.T) {
	f := newFactor(t, Config{})
	c, codes := enroll(t, f, alice, "c")
	for i, code := range codes {
		_, err := verify(f, &c, code)
		require.NoError(t, err)
		assert.Equal(t, map[string]any{"left": len(codes) - i - 1, "total": 12}, f.Describe(c))
		for _, again := range []string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", " ")} {
			_, err = verify(f, &c, again)
			require.ErrorIs(t, err, factor.ErrRejected)
		}
	}
	_, err := verify(f, &c, codes[0])
	require.ErrorIs(t, err, factor.ErrRejected, "the empty set accepts nothing, and is not a fault")
}

func TestE05_AnotherUsersCodeNeverWorks(t *testing.T) {
	f := newFactor(t, Config{})
	keys := map[string]string{}
	for _, id := range []string{"a", "b", "A", "007", "7", " 7", "é", "e\u0301", "a\x00", strings.Repeat("x", 255)} {
		mine, _ := enroll(t, f, factor.User{ID: id}, "mine")
		assert.LessOrEqual(t, len(mine.Key), 64)
		assert.Empty(t, keys[mine.Key], "users %q and %q share a key", id, keys[mine.Key])
		keys[mine.Key] = id
		_, codes := enroll(t, f, factor.User{ID: id + "'"}, "theirs")
		_, err := verify(f, &mine, codes[0])
		require.ErrorIs(t, err, factor.ErrRejected)
		again, _ := enroll(t, f, factor.User{ID: id}, "mine")
		assert.Equal(t, mine.Key, again.Key, "one set per user")
	}
	_, err := f.FinishEnroll(ctx, factor.Request{}, mustState(t, f), []byte(Saved))
	require.Error(t, err)
	require.NotErrorIs(t, err, factor.ErrRejected, "no user is a fault")
}

func mustState(t *testing.T, f *Factor) []byte {
	t.Helper()
	step, err := f.BeginEnroll(ctx, factor.Request{User: alice, Now: noon})
	require.NoError(t, err)
	return step.State
}

func TestE06_NewSetReplacesTheOldOne(t *testing.T) {
	f := newFactor(t, Config{})
	old, oldCodes := enroll(t, f, alice, "set-1")
	r := factor.Request{User: alice, Credentials: []factor.Credential{old}, Now: noon}
	step, err := f.BeginEnroll(ctx, r)
	require.NoError(t, err)
	_, err = verify(f, &old, oldCodes[0])
	require.NoError(t, err, "until it is confirmed, the old set works")
	e, err := f.FinishEnroll(ctx, r, step.State, []byte(Saved))
	require.NoError(t, err)
	assert.Equal(t, old.ID, e.Credential.ID)
	assert.Equal(t, old.Key, e.Credential.Key)
	now := e.Credential
	_, err = verify(f, &now, oldCodes[1])
	require.ErrorIs(t, err, factor.ErrRejected)
	_, err = verify(f, &now, step.Prompt.(Prompt).Codes[1])
	require.NoError(t, err)
}

func TestE06_OnlySavedConfirms(t *testing.T) {
	f := newFactor(t, Config{})
	state := mustState(t, f)
	for _, response := range []string{"", "Saved", "saved ", " saved", "saved\n", `"saved"`, "save", "true", "saved\x00"} {
		_, err := f.FinishEnroll(ctx, factor.Request{User: alice, Now: noon}, state, []byte(response))
		require.ErrorIs(t, err, factor.ErrRejected, "%q", response)
	}
}

func TestE07_DescribeTellsOnlyHowMany(t *testing.T) {
	f := newFactor(t, Config{Codes: 20})
	c, _ := enroll(t, f, alice, "c")
	assert.Equal(t, map[string]any{"left": 20, "total": 20}, f.Describe(c))
	assert.Empty(t, f.Describe(factor.Credential{Data: []byte("garbage")}))
}

func TestE08_NoteAtLowWaterOnly(t *testing.T) {
	f := newFactor(t, Config{})
	c, codes := enroll(t, f, alice, "c")
	for i, code := range codes {
		res, err := verify(f, &c, code)
		require.NoError(t, err)
		if left := 11 - i; left > 3 {
			assert.Empty(t, res.Note, "%d left", left)
		} else {
			assert.Equal(t, fmt.Sprintf("%d of 12 codes left", left), res.Note)
		}
	}
}

func TestE10_RecoveryOnly(t *testing.T) {
	assert.Equal(t, factor.Info{Method: "lookup_secret", Category: factor.Possession, Recovery: true, Promptless: true, Guessable: true}, newFactor(t, Config{}).Info())
}

func TestA09_NeverPhishingResistant(t *testing.T) {
	f := newFactor(t, Config{})
	c, codes := enroll(t, f, alice, "c")
	res, err := verify(f, &c, codes[0])
	require.NoError(t, err)
	assert.Equal(t, factor.Evidence{Category: factor.Possession}, res.Evidence)
}

// TestE11_GuessIsOneHMAC bounds the work of a wrong guess by what it
// allocates: it does not grow with a digest per code.
func TestE11_GuessIsOneHMAC(t *testing.T) {
	allocations := func(codes int) float64 {
		f := newFactor(t, Config{Codes: codes})
		c, _ := enroll(t, f, alice, "c")
		return testing.AllocsPerRun(100, func() { _, _ = verify(f, &c, "0000-0000-0000-0000") })
	}
	assert.InDelta(t, allocations(4), allocations(50), 2)
}

func TestNormalization(t *testing.T) {
	f := newFactor(t, Config{})
	plain := []byte("0123456789abcdefghjkmnpqrstvwxyz")
	for _, answer := range []string{
		"0123456789abcdefghjkmnpqrstvwxyz", "0123-4567-89ab-cdef-ghjk-mnpq-rstv-wxyz", " 0123 4567 89AB CDEF GHJK MNPQ RSTV WXYZ ",
		"O123456789ABCDEFGHJKMNPQRSTVWXYZ", "oI23456789abcdefghjkmnpqrstvwxyz", "ol23456789abcdefghjkmnpqrstvwxyz",
	} {
		got, err := normalize([]byte(answer))
		require.NoError(t, err)
		assert.Equal(t, string(plain), string(got))
	}
	c, codes := enroll(t, f, alice, "c")
	for _, answer := range []string{
		"", "-", " ", codes[0] + "u", codes[0] + "\n", codes[0] + "\u2003", codes[0] + "\x00", strings.Replace(codes[0], "-", "\u2011", 1),
		strings.Replace(codes[0], "-", "_", 1), codes[0][:len(codes[0])-1], codes[0] + "0", codes[0] + codes[1], codes[0] + strings.Repeat("-", 128),
	} {
		_, err := verify(f, &c, answer)
		require.ErrorIs(t, err, factor.ErrRejected, "%q", answer)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"0123-4567-89ab-cdef", "OIL", "u", "\u2003", "", " - "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		code, err := normalize(answer)
		if err != nil {
			require.ErrorIs(t, err, factor.ErrRejected)
			return
		}
		require.NotEmpty(t, code)
		require.Empty(t, bytes.Trim(code, alphabet))
		again, err := normalize(code)
		require.NoError(t, err)
		require.Equal(t, code, again)
	})
}

// TestE04_Model spends codes in any order and compares with a plain list.
func TestE04_Model(t *testing.T) {
	f := newFactor(t, Config{})
	c0, codes := enroll(t, f, alice, "c")
	rapid.Check(t, func(t *rapid.T) {
		c := c0
		left := map[string]bool{}
		for _, code := range codes {
			left[code] = true
		}
		for range rapid.IntRange(1, 30).Draw(t, "answers") {
			code := rapid.SampledFrom(codes).Draw(t, "code")
			_, err := verify(f, &c, code)
			require.Equal(t, left[code], err == nil)
			delete(left, code)
			require.Equal(t, len(left), f.Describe(c)["left"])
		}
	})
}

func TestPromptIsTheContractsJSON(t *testing.T) {
	b, err := json.Marshal(Prompt{Codes: []string{"aaaa-bbbb", "cccc-dddd"}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"codes":["aaaa-bbbb","cccc-dddd"]}`, string(b))
}

func TestNewRefuses(t *testing.T) {
	for want, c := range map[string]Config{
		"Config.Codes is 3":     {Codes: 3},
		"Config.Codes is 51":    {Codes: 51},
		"Config.Codes is -1":    {Codes: -1},
		"Config.Bits is 79":     {Bits: 79},
		"Config.Bits is 129":    {Bits: 129},
		"Config.Bits is -80":    {Bits: -80},
		"Config.LowWater is 12": {LowWater: 12},
		"Config.LowWater is -1": {LowWater: -1},
	} {
		f, err := New(c)
		require.ErrorContains(t, err, want)
		assert.Nil(t, f)
	}
}
