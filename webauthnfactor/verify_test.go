package webauthnfactor

import (
	"bytes"
	"context"
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
