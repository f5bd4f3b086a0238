package webauthnfactor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

func TestVerificationPrompt(t *testing.T) {
	f := newFactor(t, nil)
	a, b := newDevice(t), newDevice(t)
	ca, cb := enroll(t, f, a), enroll(t, f, b)
	step := beginVerify(t, f, ca, cb)
	p := promptOf(t, step)
	require.Len(t, fromBase64(t, p["challenge"].(string)), 32)
	delete(p, "challenge")
	require.Equal(t, map[string]any{
		"timeout": 300000.0, "rpId": testRPID, "userVerification": "preferred",
		"allowCredentials": []any{
			map[string]any{"type": "public-key", "id": encodeBase64(a.id), "transports": []any{"usb", "nfc"}},
			map[string]any{"type": "public-key", "id": encodeBase64(b.id), "transports": []any{"usb", "nfc"}},
		},
	}, p)
	require.Equal(t, 5*time.Minute, step.TTL)
	require.Nil(t, step.Deliver)
}

func TestEveryAlgorithmVerifies(t *testing.T) {
	f := newFactor(t, nil)
	for name, d := range map[string]*device{
		"ES256": newDevice(t), "EdDSA": ed25519Device(t), "RS256": rsaDevice(t, 2048),
	} {
		t.Run(name, func(t *testing.T) {
			c := enroll(t, f, d)
			step := beginVerify(t, f, c)
			result, err := finishVerify(f, step, d.get(t, step), c)
			require.NoError(t, err)
			want := c
			want.Data = result.Credential.Data
			require.Equal(t, want, result.Credential, "only Data may change")
			require.Empty(t, result.Note)

			forged := d.with(func(d *device) { d.sign = func([]byte) []byte { return make([]byte, 64) } })
			_, err = finishVerify(f, step, forged.get(t, step), c)
			requireRejected(t, err, reasonSignature)
		})
	}
}

func TestA07_UserVerificationOfThisAssertion(t *testing.T) {
	f := newFactor(t, nil)
	for _, enrolled := range []byte{up, up | uv} {
		d := newDevice(t).with(func(d *device) { d.flags = enrolled })
		c := enroll(t, f, d)
		for _, used := range []byte{up | uv, up, up | uv, up} {
			d.flags = used
			step := beginVerify(t, f, c)
			result, err := finishVerify(f, step, d.get(t, step), c)
			require.NoError(t, err)
			require.Equal(t, used&uv != 0, result.Evidence.UserVerified)
			c = result.Credential // what was true once is not latched
		}
	}
}

func TestA09_PhishingResistant(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	step := beginEnroll(t, f)
	e, err := finishEnroll(f, step, d.create(t, step))
	require.NoError(t, err)
	require.Equal(t, &factor.Evidence{Category: factor.Possession, PhishingResistant: true}, e.Evidence)
	c := stored(e.Credential)
	step = beginVerify(t, f, c)
	result, err := finishVerify(f, step, d.get(t, step), c)
	require.NoError(t, err)
	require.Equal(t, factor.Evidence{Category: factor.Possession, PhishingResistant: true}, result.Evidence)
}

func TestG04_VerificationClientData(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	for _, tt := range clientDataCases {
		t.Run(tt.name, func(t *testing.T) {
			step := beginVerify(t, f, c)
			_, err := finishVerify(f, step, d.with(tt.change).get(t, step), c)
			if tt.reason == "" {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, tt.reason)
		})
	}
}

func TestH01_CredentialAndHandle(t *testing.T) {
	f := newFactor(t, nil)
	a, b := newDevice(t), newDevice(t)
	ca, cb := enroll(t, f, a), enroll(t, f, b)
	handle := func(c factor.Credential) []byte {
		k, err := decodeKey(c.Data)
		require.NoError(t, err)
		return k.handle
	}
	stepA, stepB := beginVerify(t, f, ca), beginVerify(t, f, cb)

	// A's key in B's ceremony, whichever credentials the Manager passes.
	for _, have := range [][]factor.Credential{{cb}, {ca, cb}, {ca}, nil} {
		_, err := finishVerify(f, stepB, a.get(t, stepB), have...)
		requireRejected(t, err, reasonNotAllowed)
	}
	// Named by the ceremony and gone since, or not the user's.
	_, err := finishVerify(f, stepA, a.get(t, stepA), cb)
	requireRejected(t, err, reasonNotOwned)
	_, err = finishVerify(f, stepA, a.get(t, stepA))
	requireRejected(t, err, reasonNotOwned)
	// B's key under A's credential id.
	_, err = finishVerify(f, stepA, b.with(func(d *device) { d.id = a.id }).get(t, stepA), ca)
	requireRejected(t, err, reasonSignature)

	for _, tt := range []struct {
		name   string
		handle []byte
		ok     bool
	}{
		{"none", nil, true},
		{"the credential's", handle(ca), true},
		{"empty", []byte{}, true}, // the same as none
		{"another's", handle(cb), false},
		{"truncated", handle(ca)[:63], false},
		{"longer", append(bytes.Clone(handle(ca)), 0), false},
	} {
		t.Run("handle "+tt.name, func(t *testing.T) {
			response := a.with(func(d *device) { d.handle = tt.handle }).get(t, stepA)
			_, err := finishVerify(f, stepA, response, ca)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, reasonUserHandle)
		})
	}
}

func TestH03_EveryMalformedField(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	step := beginVerify(t, f, c)
	other := encodeBase64(bytes.Repeat([]byte{1}, 32))
	outer := func(k string, v any) func(*device) {
		return func(d *device) { d.outer = map[string]any{k: v} }
	}
	response := func(k string, v any) func(*device) {
		return func(d *device) { d.response = map[string]any{k: v} }
	}
	authData := d.authData(false)
	for _, tt := range []struct {
		name   string
		change func(*device)
		reason string
	}{
		{"id missing", outer("id", nil), reasonMalformed},
		{"id empty", outer("id", ""), reasonMalformed},
		{"id of another", outer("id", other), reasonMalformed},
		{"id padded", outer("id", encodeBase64(d.id)+"="), reasonMalformed},
		{"id a number", outer("id", 1), reasonMalformed},
		{"rawId missing", outer("rawId", nil), reasonMalformed},
		{"rawId of another", outer("rawId", other), reasonMalformed},
		{"id and rawId of another", func(d *device) {
			d.outer = map[string]any{"id": other, "rawId": other}
		}, reasonNotAllowed},
		{"type missing", outer("type", nil), reasonMalformed},
		{"type other", outer("type", "password"), reasonMalformed},
		{"response missing", outer("response", nil), reasonMalformed},
		{"response a string", outer("response", "x"), reasonMalformed},
		{"signature missing", response("signature", nil), reasonSignature},
		{"signature empty", response("signature", ""), reasonSignature},
		{"signature not base64url", response("signature", "*"), reasonMalformed},
		{"authenticator data missing", response("authenticatorData", nil), reasonMalformed},
		{"authenticator data empty", response("authenticatorData", ""), reasonMalformed},
		{"authenticator data short", response("authenticatorData", encodeBase64(authData[:36])), reasonMalformed},
		{"authenticator data long", response("authenticatorData", encodeBase64(append(bytes.Clone(authData), 0))), reasonMalformed},
		{"client data missing", response("clientDataJSON", nil), reasonMalformed},
		{"client data empty", response("clientDataJSON", ""), reasonMalformed},
		{"client data null", response("clientDataJSON", encodeBase64([]byte("null"))), reasonType},
		{"client data trailing", response("clientDataJSON", encodeBase64([]byte("{}{}"))), reasonMalformed},
		{"user handle a number", response("userHandle", 1), reasonMalformed},
		{"attested credential data promised", func(d *device) { d.flags = up | at }, reasonMalformed},
		{"nested extension", func(d *device) {
			d.flags, d.extra = up|ed, append(bytes.Repeat([]byte{0xa1, 0x61, 'a'}, 100), 0xa0)
		}, reasonMalformed},
		{"bad token binding", func(d *device) {
			d.clientData = map[string]any{"tokenBinding": map[string]any{"status": "what"}}
		}, reasonVerify},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result, err := finishVerify(f, step, d.with(tt.change).get(t, step), c)
			requireRejected(t, err, tt.reason)
			require.Zero(t, result, "nothing to write")
		})
	}
}

func TestH03_EveryFlippedBitOfWhatIsSigned(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	step := beginVerify(t, f, c)
	authData := d.authData(false)
	clientData := d.collect(t, "webauthn.get", promptOf(t, step)["challenge"].(string))
	signature := d.signature(t, authData, clientData)
	try := func(member string, value []byte) {
		response := map[string]any{
			"clientDataJSON": encodeBase64(clientData), "authenticatorData": encodeBase64(authData),
			"signature": encodeBase64(signature), member: encodeBase64(value),
		}
		result, err := finishVerify(f, step, d.credential(t, response), c)
		require.ErrorIs(t, err, factor.ErrRejected)
		require.Zero(t, result)
	}
	for member, value := range map[string][]byte{
		"clientDataJSON": clientData, "authenticatorData": authData, "signature": signature,
	} {
		for bit := range len(value) * 8 {
			flipped := bytes.Clone(value)
			flipped[bit/8] ^= 1 << (bit % 8)
			try(member, flipped)
		}
	}
	_, err := finishVerify(f, step, d.credential(t, map[string]any{
		"clientDataJSON": encodeBase64(clientData), "authenticatorData": encodeBase64(authData),
		"signature": encodeBase64(signature),
	}), c)
	require.NoError(t, err)
}

func TestH04_VerificationAuthenticatorData(t *testing.T) {
	preferred := newFactor(t, nil)
	required := newFactor(t, func(c *Config) { c.UserVerification = UserVerificationRequired })
	for _, tt := range []struct {
		name         string
		begin, finsh *Factor
		change       func(*device)
		reason       string
	}{
		{"present", preferred, preferred, func(*device) {}, ""},
		{"not present", preferred, preferred, func(d *device) { d.flags = uv }, reasonUserPresence},
		{"required and verified", required, required, func(d *device) { d.flags = up | uv }, ""},
		{"required and not verified", required, required, func(d *device) { d.flags = up }, reasonUserVerification},
		{"required when begun", required, preferred, func(d *device) { d.flags = up }, reasonUserVerification},
		{"required when finished", preferred, required, func(d *device) { d.flags = up }, reasonUserVerification},
		{"other RP ID", preferred, preferred, func(d *device) { d.rpID = "example.org" }, reasonRPID},
		{"backed up and not eligible", preferred, preferred, func(d *device) { d.flags = up | bs }, reasonBackupState},
		{"extensions", preferred, preferred, func(d *device) { d.flags, d.extra = up|ed, []byte{0xa0} }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDevice(t)
			c := enroll(t, preferred, d)
			r := request(factor.PurposeVerify, c)
			r.Params = map[string]string{"userVerification": "discouraged", "user_verification": "discouraged"}
			step, err := tt.begin.BeginVerify(context.Background(), r)
			require.NoError(t, err)
			require.Equal(t, string(tt.begin.config.UserVerification), promptOf(t, step)["userVerification"])
			_, err = finishVerify(tt.finsh, step, d.with(tt.change).get(t, step), c)
			if tt.reason == "" {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, tt.reason)
		})
	}
}

func TestH05_SignCount(t *testing.T) {
	reject := newFactor(t, nil)
	accept := newFactor(t, func(c *Config) { c.InsecureAcceptSignCount = true })
	const top = 1<<32 - 1
	for _, tt := range []struct {
		stored, received uint32
		rose             bool
		after            uint32
	}{
		{0, 0, true, 0},
		{0, 1, true, 1},
		{0, top, true, top},
		{5, 6, true, 6},
		{5, 500, true, 500},
		{5, 5, false, 5},
		{5, 3, false, 5},
		{5, 0, false, 5},
		{top, top, false, top},
		{top, 0, false, top},
	} {
		d := newDevice(t).with(func(d *device) { d.count = tt.stored })
		c := enroll(t, reject, d)
		d.count = tt.received
		step := beginVerify(t, reject, c)
		response := d.get(t, step)

		result, err := finishVerify(reject, step, response, c)
		if tt.rose {
			require.NoError(t, err)
			require.Empty(t, result.Note)
		} else {
			requireRejected(t, err, "signature counter did not rise")
			require.Zero(t, result)
			result, err = finishVerify(accept, step, response, c)
			require.NoError(t, err)
			require.Equal(t, "signature counter did not rise", result.Note)
		}
		k, err := decodeKey(result.Credential.Data)
		require.NoError(t, err)
		require.Equal(t, tt.after, k.signCount, "%d then %d", tt.stored, tt.received)
	}
}

func TestH05_CounterIsJudgedAfterTheSignature(t *testing.T) {
	// Otherwise anyone could raise the alarm.
	f := newFactor(t, nil)
	d := newDevice(t).with(func(d *device) { d.count = 5 })
	c := enroll(t, f, d)
	step := beginVerify(t, f, c)
	_, err := finishVerify(f, step, d.with(func(d *device) { d.sign = func([]byte) []byte { return []byte{1} } }).get(t, step), c)
	requireRejected(t, err, reasonSignature)
}

func TestH06_JudgedAgainAfterAConflict(t *testing.T) {
	// Two answers at once: whoever comes second is judged against the count
	// that the first one left.
	f := newFactor(t, nil)
	d := newDevice(t)
	d.count = 1
	c := enroll(t, f, d)
	low, high := beginVerify(t, f, c), beginVerify(t, f, c)
	d.count = 2
	lower := d.get(t, low)
	d.count = 3
	result, err := finishVerify(f, high, d.get(t, high), c)
	require.NoError(t, err)
	_, err = finishVerify(f, low, lower, result.Credential)
	requireRejected(t, err, reasonSignCount)
}

func TestH07_BackupFlags(t *testing.T) {
	f := newFactor(t, nil)
	for _, tt := range []struct {
		enrolled, used byte
		reason         string
	}{
		{up, up, ""},
		{up, up | be, reasonBackupEligible},
		{up, up | be | bs, reasonBackupEligible},
		{up | be, up, reasonBackupEligible},
		{up | be, up | be, ""},
		{up | be, up | be | bs, ""},
		{up | be | bs, up | be, ""},
	} {
		d := newDevice(t).with(func(d *device) { d.flags = tt.enrolled })
		c := enroll(t, f, d)
		require.Equal(t, tt.enrolled&bs != 0, f.Describe(c)["backed_up"])
		d.flags = tt.used
		step := beginVerify(t, f, c)
		result, err := finishVerify(f, step, d.get(t, step), c)
		if tt.reason != "" {
			requireRejected(t, err, tt.reason)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tt.used&be != 0, f.Describe(result.Credential)["backup_eligible"])
		require.Equal(t, tt.used&bs != 0, f.Describe(result.Credential)["backed_up"])
	}
}

func TestH08_AnswerOfAnotherCeremony(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	one, two := beginVerify(t, f, c), beginVerify(t, f, c)
	response := d.get(t, one)
	_, err := finishVerify(f, two, response, c)
	requireRejected(t, err, reasonChallenge)
	_, err = finishVerify(f, one, response, c)
	require.NoError(t, err)
}

func TestH08_CountedAnswerIsNotRightTwice(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	d.count = 1
	step := beginVerify(t, f, c)
	response := d.get(t, step)
	result, err := finishVerify(f, step, response, c)
	require.NoError(t, err)
	_, err = finishVerify(f, step, response, result.Credential)
	requireRejected(t, err, reasonSignCount)
}

func TestH10_OnlyCanonicalSignatures(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	step := beginVerify(t, f, c)
	n := elliptic.P256().Params().N
	private := d.signer.(*ecdsa.PrivateKey)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	honest := func(m []byte) (r, s *big.Int) {
		digest := sha256.Sum256(m)
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		require.NoError(t, err)
		return r, s
	}
	ints := func(change func(r, s *big.Int) (*big.Int, *big.Int)) func([]byte) []byte {
		return func(m []byte) []byte { return ecdsaDER(change(honest(m))) }
	}
	der := func(change func(sig []byte) []byte) func([]byte) []byte {
		return func(m []byte) []byte { return change(ecdsaDER(honest(m))) }
	}
	zero, one := new(big.Int), big.NewInt(1)
	for _, tt := range []struct {
		name string
		sign func([]byte) []byte
		ok   bool
	}{
		{"honest", der(func(sig []byte) []byte { return sig }), true},
		{"both zero", ints(func(_, _ *big.Int) (*big.Int, *big.Int) { return zero, zero }), false},
		{"r zero", ints(func(_, s *big.Int) (*big.Int, *big.Int) { return zero, s }), false},
		{"s zero", ints(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, zero }), false},
		{"both one", ints(func(_, _ *big.Int) (*big.Int, *big.Int) { return one, one }), false},
		{"r is n", ints(func(_, s *big.Int) (*big.Int, *big.Int) { return n, s }), false},
		{"s is n", ints(func(r, _ *big.Int) (*big.Int, *big.Int) { return r, n }), false},
		{"r plus n", ints(func(r, s *big.Int) (*big.Int, *big.Int) { return new(big.Int).Add(r, n), s }), false},
		{"s plus n", ints(func(r, s *big.Int) (*big.Int, *big.Int) { return r, new(big.Int).Add(s, n) }), false},
		{"swapped", ints(func(r, s *big.Int) (*big.Int, *big.Int) { return s, r }), false},
		{"r negative", der(func(sig []byte) []byte {
			r := sig[4] // the first byte of r, or the zero before it
			if r == 0 {
				return slices.Concat([]byte{0x30, sig[1] - 1, 2, sig[3] - 1}, sig[5:])
			}
			sig[4] |= 0x80
			return sig
		}), false},
		{"r with a leading zero", der(func(sig []byte) []byte {
			return slices.Concat([]byte{0x30, sig[1] + 1, 2, sig[3] + 1, 0}, sig[4:])
		}), false},
		{"long-form length", der(func(sig []byte) []byte {
			return slices.Concat([]byte{0x30, 0x81}, sig[1:])
		}), false},
		{"indefinite length", der(func(sig []byte) []byte {
			return slices.Concat([]byte{0x30, 0x80}, sig[2:], []byte{0, 0})
		}), false},
		{"trailing byte", der(func(sig []byte) []byte { return append(sig, 0) }), false},
		{"trailing byte inside", der(func(sig []byte) []byte { sig[1]++; return append(sig, 0) }), false},
		{"truncated", der(func(sig []byte) []byte { return sig[:len(sig)-1] }), false},
		{"set instead of sequence", der(func(sig []byte) []byte { sig[0] = 0x31; return sig }), false},
		{"raw r and s", func(m []byte) []byte {
			r, s := honest(m)
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}, false},
		{"empty sequence", func([]byte) []byte { return []byte{0x30, 0} }, false},
		{"another curve", func(m []byte) []byte {
			digest := sha256.Sum256(m)
			sig, err := ecdsa.SignASN1(rand.Reader, p384, digest[:])
			require.NoError(t, err)
			return sig
		}, false},
		{"over the message itself", func(m []byte) []byte {
			sig, err := ecdsa.SignASN1(rand.Reader, private, m[:32])
			require.NoError(t, err)
			return sig
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response := d.with(func(d *device) { d.sign = tt.sign }).get(t, step)
			_, err := finishVerify(f, step, response, c)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, reasonSignature)
		})
	}
}

func TestH11_AppIDIsIgnored(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	k, err := decodeKey(c.Data)
	require.NoError(t, err)
	k.format = "fido-u2f" // the format for which go-webauthn heeds appid
	c.Data = k.encode()

	extensions := map[string]any{"appid": true, "credProps": map[string]any{"rk": true}}
	d.outer = map[string]any{"clientExtensionResults": extensions}
	step := beginVerify(t, f, c)
	_, err = finishVerify(f, step, d.get(t, step), c)
	require.NoError(t, err, "an extension that was not asked for means nothing")

	// Nor does it open the door to a hash of the AppID in place of the RP ID.
	for _, appID := range []string{testOrigin, "https://example.com/app-id.json"} {
		_, err = finishVerify(f, step, d.with(func(d *device) { d.rpID = appID }).get(t, step), c)
		requireRejected(t, err, reasonRPID)
	}

	enrollment := beginEnroll(t, f)
	_, err = finishEnroll(f, enrollment, d.create(t, enrollment))
	require.NoError(t, err)
}

func TestG11_OversizedVerifications(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	step := beginVerify(t, f, c)
	good := d.get(t, step)
	for name, tt := range map[string]struct {
		response []byte
		reason   string
	}{
		"10 MB":         {append(bytes.Clone(good), bytes.Repeat([]byte(" "), 10<<20)...), reasonTooLarge},
		"nil":           {nil, reasonMalformed},
		"string":        {[]byte(`"123456"`), reasonMalformed},
		"null":          {[]byte(`null`), reasonMalformed},
		"trailing data": {append(bytes.Clone(good), "{}"...), reasonMalformed},
		"nested":        {[]byte(strings.Repeat(`{"response":`, 5000)), reasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := finishVerify(f, step, tt.response, c)
			requireRejected(t, err, tt.reason)
		})
	}
}

func TestSignInIsNotOffered(t *testing.T) {
	f := newFactor(t, nil)
	require.Equal(t, factor.Info{Method: "webauthn", Category: factor.Possession}, f.Info())
	d := newDevice(t)
	c := enroll(t, f, d)
	_, err := f.BeginVerify(context.Background(), request(factor.PurposeSignIn, c))
	requireFault(t, err)
	step := beginVerify(t, f, c)
	_, err = f.FinishVerify(context.Background(), request(factor.PurposeSignIn, c), step.State, d.get(t, step))
	requireFault(t, err)
}
