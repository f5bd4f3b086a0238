package totpfactor

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

func TestD01_RFC4226Vectors(t *testing.T) {
	k := key{params: params{SHA1, 6, 30}, secret: []byte("12345678901234567890")}
	for step, want := range []string{
		"755224", "287082", "359152", "969429", "338314",
		"254676", "287922", "162583", "399871", "520489",
	} {
		got, err := k.code(uint64(step))
		require.NoError(t, err)
		assert.Equal(t, want, got, "counter %d", step)
	}
}

func TestD01_RFC6238Vectors(t *testing.T) {
	digits := strings.Repeat("1234567890", 7)
	seeds := map[Algorithm]int{SHA1: 20, SHA256: 32, SHA512: 64}
	for at, want := range map[int64]map[Algorithm]string{
		59:          {SHA1: "94287082", SHA256: "46119246", SHA512: "90693936"},
		1111111109:  {SHA1: "07081804", SHA256: "68084774", SHA512: "25091201"},
		1111111111:  {SHA1: "14050471", SHA256: "67062674", SHA512: "99943326"},
		1234567890:  {SHA1: "89005924", SHA256: "91819424", SHA512: "93441116"},
		2000000000:  {SHA1: "69279037", SHA256: "90698825", SHA512: "38618901"},
		20000000000: {SHA1: "65353130", SHA256: "77737706", SHA512: "47863826"},
	} {
		for algorithm, size := range seeds {
			k := key{params: params{algorithm, 8, 30}, secret: []byte(digits[:size])}
			m, err := k.match(want[algorithm], time.Unix(at, 0), false, func(uint64) bool { return true })
			require.NoError(t, err)
			assert.Equal(t, match{step: uint64(at / 30), ok: true}, m, "%v at %d", algorithm, at)
		}
	}
}

func TestD10_AnswersAreDigitsWithSeparatorsBetween(t *testing.T) {
	for answer, want := range map[string]string{
		"123456": "123456", "123 456": "123456", "123-456": "123456", "12 34 56": "123456", "1 -2-3  456": "123456",
		"12345678": "12345678", "1234 5678": "12345678", "000000": "000000",
	} {
		got, err := normalize([]byte(answer))
		require.NoError(t, err, "%q", answer)
		assert.Equal(t, want, got)
	}
	for _, answer := range []string{
		"", " ", "-", "12345", "1234567", "123456789", " 123456", "123456 ", "123456-", "-123456", "123456\n", "\t123456", "123456\x00",
		"123\u2003456", "123\u00a0456", "123\u2011456", "123456\u2003", "١٢٣٤٥٦", "１２３４５６", "+12345", "1e5000", "0x1234", "123.456", "12345a",
		"null", `"123456"`, "[123456]", "{}", "1" + strings.Repeat(" ", 27) + "23456", strings.Repeat("1", 1<<20),
	} {
		_, err := normalize([]byte(answer))
		require.ErrorIs(t, err, factor.ErrRejected, "%.40q", answer)
		require.NotErrorIs(t, err, factor.ErrReplayed)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"123456", "838 071", "1-2-3-4-5-6", " 123456", "123456\u2003", "１２３４５６", "12345678", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		digits, err := normalize(answer)
		if err != nil {
			require.ErrorIs(t, err, factor.ErrRejected)
			return
		}
		require.True(t, len(digits) == 6 || len(digits) == 8)
		require.LessOrEqual(t, len(answer), maxAnswer)
		plain := bytes.ReplaceAll(bytes.ReplaceAll(answer, []byte(" "), nil), []byte("-"), nil)
		require.Equal(t, string(plain), digits, "nothing but separators is dropped")
		require.Empty(t, strings.Trim(digits, "0123456789"))
	})
}
