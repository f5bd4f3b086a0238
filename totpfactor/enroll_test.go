package totpfactor

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

func TestD09_SecretsHave160RandomBits(t *testing.T) {
	f := newFactor(t, Config{})
	seen := map[string]bool{}
	var ones [secretSize * 8]int
	const n = 10_000
	for range n {
		k := key{params: f.params, secret: make([]byte, secretSize)}
		_, err := io.ReadFull(f.random, k.secret)
		require.NoError(t, err)
		require.False(t, seen[string(k.secret)])
		seen[string(k.secret)] = true
		for i := range ones {
			ones[i] += int(k.secret[i/8] >> (i % 8) & 1)
		}
	}
	for i, c := range ones {
		assert.InDelta(t, n/2, c, 400, "bit %d: eight standard deviations from a fair coin", i)
	}
	step, err := f.BeginEnroll(ctx, factor.Request{User: alice, Now: noon})
	require.NoError(t, err)
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(step.Prompt.(Prompt).Secret)
	require.NoError(t, err)
	assert.Len(t, raw, 20)
	assert.Equal(t, 5, step.Tries)
	assert.Equal(t, 10*time.Minute, step.TTL)
}

func TestD09_NoRandomnessNoSecret(t *testing.T) {
	f := newFactor(t, Config{})
	for name, r := range map[string]io.Reader{
		"failing": iotest.ErrReader(errors.New("no entropy")),
		"short":   bytes.NewReader(make([]byte, 19)),
		"empty":   bytes.NewReader(nil),
	} {
		f.random = r
		step, err := f.BeginEnroll(ctx, factor.Request{User: alice, Now: noon})
		require.Error(t, err, name)
		require.NotErrorIs(t, err, factor.ErrRejected)
		assert.Zero(t, step)
	}
	f.random = iotest.OneByteReader(bytes.NewReader(bytes.Repeat([]byte{7}, 20)))
	step, err := f.BeginEnroll(ctx, factor.Request{User: alice, Now: noon})
	require.NoError(t, err)
	k, err := decodeKey(step.State)
	require.NoError(t, err)
	assert.Equal(t, bytes.Repeat([]byte{7}, 20), k.secret, "a reader that returns less than asked is read on")
}

func TestD11_ConfirmationSpendsItsStep(t *testing.T) {
	f := newFactor(t, Config{})
	c, secret := enroll(t, f, "c1", noon)
	_, err := verify(f, noon, code(t, secret, noon), &c)
	require.ErrorIs(t, err, factor.ErrReplayed)
	_, err = verify(f, noon.Add(period), code(t, secret, noon), &c)
	require.ErrorIs(t, err, factor.ErrReplayed)
	_, err = verify(f, noon.Add(period), code(t, secret, noon.Add(period)), &c)
	require.NoError(t, err)
}

func TestD11_OnlyACodeOfTheNewSecretConfirms(t *testing.T) {
	f := newFactor(t, Config{})
	old, oldSecret := enroll(t, f, "old", noon)
	r := factor.Request{User: alice, Credentials: []factor.Credential{old}, Now: noon.Add(time.Hour)}
	step, err := f.BeginEnroll(ctx, r)
	require.NoError(t, err)
	for _, wrong := range []string{code(t, oldSecret, r.Now), "000000", ""} {
		_, err = f.FinishEnroll(ctx, r, step.State, []byte(wrong))
		require.ErrorIs(t, err, factor.ErrRejected)
	}
	_, err = verify(f, r.Now, code(t, oldSecret, r.Now), &old)
	require.NoError(t, err, "an enrolment leaves the old authenticator alone")
	e, err := f.FinishEnroll(ctx, r, step.State, []byte(code(t, step.Prompt.(Prompt).Secret, r.Now)))
	require.NoError(t, err)
	assert.Empty(t, e.Credential.ID, "a user may have several")
}

func TestD12_ClientNeverChoosesTheSecret(t *testing.T) {
	f := newFactor(t, Config{})
	const chosen = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	r := factor.Request{User: alice, Now: noon, Params: map[string]string{
		"secret": chosen, "uri": "otpauth://totp/x?secret=" + chosen, "digits": "8", "period": "300", "algorithm": "SHA512", "issuer": "x",
	}}
	step, err := f.BeginEnroll(ctx, r)
	require.NoError(t, err)
	k, err := decodeKey(step.State)
	require.NoError(t, err)
	assert.NotEqual(t, chosen, k.base32())
	assert.Equal(t, params{SHA1, 6, 30}, k.params)
	_, err = f.FinishEnroll(ctx, r, step.State, []byte(code(t, chosen, noon)))
	require.ErrorIs(t, err, factor.ErrRejected)
}

func TestPromptIsTheContractsJSON(t *testing.T) {
	f := newFactor(t, Config{})
	step, err := f.BeginEnroll(ctx, factor.Request{User: alice, Now: noon})
	require.NoError(t, err)
	b, err := json.Marshal(step.Prompt)
	require.NoError(t, err)
	var got map[string]string
	require.NoError(t, json.Unmarshal(b, &got))
	p := step.Prompt.(Prompt)
	assert.Equal(t, map[string]string{"secret": p.Secret, "uri": p.URI, "qr_svg": p.QRSVG}, got)
}

func TestQRCodeSuitsAStrictPage(t *testing.T) {
	f := newFactor(t, Config{Issuer: strings.Repeat("ß", 50), Account: func(factor.User) string { return strings.Repeat("é", 127) }})
	step, err := f.BeginEnroll(ctx, factor.Request{User: alice, Now: noon})
	require.NoError(t, err, "the longest names fit a code")
	p := step.Prompt.(Prompt)
	var svg struct {
		XMLName xml.Name
		ViewBox string `xml:"viewBox,attr"`
		Role    string `xml:"role,attr"`
		Label   string `xml:"aria-label,attr"`
		Rect    []struct {
			Fill string `xml:"fill,attr"`
		} `xml:"rect"`
		Path []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	require.NoError(t, xml.Unmarshal([]byte(p.QRSVG), &svg))
	assert.Equal(t, xml.Name{Space: "http://www.w3.org/2000/svg", Local: "svg"}, svg.XMLName)
	assert.Equal(t, "img", svg.Role)
	assert.NotEmpty(t, svg.Label)
	require.Len(t, svg.Rect, 1)
	assert.Equal(t, "#fff", svg.Rect[0].Fill)
	require.Len(t, svg.Path, 1)
	assert.Regexp(t, `^M4 4h7v1h-7z`, svg.Path[0].D, "the finder pattern begins after a quiet zone of four modules")
	for _, never := range []string{"style", "<script", "href", "url(", "onload", p.Secret, "otpauth"} {
		assert.NotContains(t, p.QRSVG, never)
	}
}

func BenchmarkQRSVG(b *testing.B) {
	k := key{params: params{SHA1, 6, 30}, secret: []byte("12345678901234567890")}
	uri := k.uri("An Example App", "alice@example.com")
	for b.Loop() {
		if _, err := qrSVG(uri); err != nil {
			b.Fatal(err)
		}
	}
}
