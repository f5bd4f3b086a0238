package webauthnfactor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

func TestEnrollmentPrompt(t *testing.T) {
	f := newFactor(t, nil)
	first := enroll(t, f, newDevice(t))
	step := beginEnroll(t, f, first)
	p := promptOf(t, step)

	assert.Equal(t, map[string]any{"id": testRPID, "name": "Example"}, p["rp"])
	user := p["user"].(map[string]any)
	assert.Equal(t, "anna", user["name"])
	assert.Equal(t, "Anna B.", user["displayName"])
	assert.Len(t, fromBase64(t, p["challenge"].(string)), 32)
	assert.Equal(t, []any{
		map[string]any{"type": "public-key", "alg": -8.0},
		map[string]any{"type": "public-key", "alg": -7.0},
		map[string]any{"type": "public-key", "alg": -257.0},
	}, p["pubKeyCredParams"])
	assert.Equal(t, 300000.0, p["timeout"])
	assert.Equal(t, "none", p["attestation"])
	assert.Equal(t, map[string]any{
		"residentKey": "discouraged", "requireResidentKey": false, "userVerification": "preferred",
	}, p["authenticatorSelection"])
	assert.Equal(t, 5*time.Minute, step.TTL)
}

func TestEnrollmentPromptFollowsConfig(t *testing.T) {
	f := newFactor(t, func(c *Config) {
		c.UserVerification, c.ResidentKey, c.Attestation = UserVerificationRequired, ResidentKeyRequired, AttestationDirect
		c.AuthenticatorAttachment, c.Timeout = AttachmentPlatform, time.Minute
	})
	p := promptOf(t, beginEnroll(t, f))
	assert.Equal(t, 60000.0, p["timeout"])
	assert.Equal(t, "direct", p["attestation"])
	assert.Equal(t, map[string]any{
		"authenticatorAttachment": "platform",
		"residentKey":             "required", "requireResidentKey": true, "userVerification": "required",
	}, p["authenticatorSelection"])
}

func TestG02_AnswersOfAnotherCeremony(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	one, two := beginEnroll(t, f), beginEnroll(t, f)
	_, err := finishEnroll(f, two, d.create(t, one))
	requireRejected(t, err, reasonChallenge)

	verify := beginVerify(t, f, c)
	_, err = finishEnroll(f, one, newDevice(t).create(t, verify))
	requireRejected(t, err, reasonChallenge)
	_, err = finishVerify(f, verify, d.get(t, one), c)
	requireRejected(t, err, reasonChallenge)

	// The right challenge in an answer of the other kind.
	_, err = finishEnroll(f, one, d.with(func(d *device) { d.clientData = map[string]any{"type": "webauthn.get"} }).create(t, one))
	requireRejected(t, err, reasonType)
	_, err = finishVerify(f, verify, d.with(func(d *device) { d.clientData = map[string]any{"type": "webauthn.create"} }).get(t, verify), c)
	requireRejected(t, err, reasonType)

	// The other kind's state is a fault of ours, not of the client.
	_, err = finishEnroll(f, verify, d.create(t, verify))
	requireFault(t, err)
	_, err = finishVerify(f, one, d.get(t, one), c)
	requireFault(t, err)
}

func TestG05_EnrollmentAuthenticatorData(t *testing.T) {
	preferred := newFactor(t, nil)
	required := newFactor(t, func(c *Config) { c.UserVerification = UserVerificationRequired })
	discouraged := newFactor(t, func(c *Config) { c.UserVerification = UserVerificationDiscouraged })
	for _, tt := range []struct {
		name   string
		f      *Factor
		change func(*device)
		reason string
	}{
		{"present", preferred, func(d *device) { d.flags = up }, ""},
		{"verified", preferred, func(d *device) { d.flags = up | uv }, ""},
		{"not present", preferred, func(d *device) { d.flags = uv }, reasonUserPresence},
		{"not present, discouraged", discouraged, func(d *device) { d.flags = 0 }, reasonUserPresence},
		{"required and verified", required, func(d *device) { d.flags = up | uv }, ""},
		{"required and not verified", required, func(d *device) { d.flags = up }, reasonUserVerification},
		{"eligible", preferred, func(d *device) { d.flags = up | be }, ""},
		{"eligible and backed up", preferred, func(d *device) { d.flags = up | be | bs }, ""},
		{"backed up and not eligible", preferred, func(d *device) { d.flags = up | bs }, reasonBackupState},
		{"other RP ID", preferred, func(d *device) { d.rpID = "example.org" }, reasonRPID},
		{"sub-domain as RP ID", preferred, func(d *device) { d.rpID = "login.example.com" }, reasonRPID},
		{"trailing byte", preferred, func(d *device) { d.extra = []byte{0} }, reasonMalformed},
		{"extensions promised", preferred, func(d *device) { d.flags = up | ed }, reasonMalformed},
		{"extensions", preferred, func(d *device) { d.flags, d.extra = up|ed, []byte{0xa0} }, ""},
		{"short id", preferred, func(d *device) { d.id = d.id[:15] }, reasonCredentialID},
		{"shortest id", preferred, func(d *device) { d.id = d.id[:16] }, ""},
		{"longest id", preferred, func(d *device) { d.id = bytes.Repeat([]byte{7}, 1023) }, ""},
		{"long id", preferred, func(d *device) { d.id = bytes.Repeat([]byte{7}, 1024) }, reasonMalformed},
		{"other id outside", preferred, func(d *device) {
			id := encodeBase64(make([]byte, 32))
			d.outer = map[string]any{"id": id, "rawId": id}
		}, reasonMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			step := beginEnroll(t, tt.f)
			d := newDevice(t).with(tt.change)
			e, err := finishEnroll(tt.f, step, d.create(t, step))
			if tt.reason != "" {
				requireRejected(t, err, tt.reason)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &factor.Evidence{
				Category: factor.Possession, UserVerified: d.flags&uv != 0, PhishingResistant: true,
			}, e.Evidence)
		})
	}
}

func TestG05_RequirementOfTheCeremonyHolds(t *testing.T) {
	// The requirement in force when the ceremony began is not forgotten.
	strict := newFactor(t, func(c *Config) { c.UserVerification = UserVerificationRequired })
	lax := newFactor(t, nil)
	step := beginEnroll(t, strict)
	_, err := finishEnroll(lax, step, newDevice(t).create(t, step))
	requireRejected(t, err, reasonUserVerification)
	step = beginEnroll(t, lax)
	_, err = finishEnroll(strict, step, newDevice(t).create(t, step))
	requireRejected(t, err, reasonUserVerification)
}

func TestG07_KeyIsThatOfTheCredentialIDOverAllUsers(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	a, b := enroll(t, f, d), enroll(t, f, d) // two users: neither knows of the other
	require.Equal(t, a.Key, b.Key)
	require.LessOrEqual(t, len(a.Key), 64)
	require.NotEqual(t, a.Key, enroll(t, f, newDevice(t)).Key)

	// The same user: refused at once.
	step := beginEnroll(t, f, a)
	_, err := finishEnroll(f, step, d.create(t, step), a)
	requireRejected(t, err, reasonRegistered)

	k, err := f.CredentialKey(d.get(t, step))
	require.NoError(t, err)
	require.Equal(t, a.Key, k)
}

func TestP17_KeyStartsWithTheRPID(t *testing.T) {
	id := bytes.Repeat([]byte("x"), 32)
	require.NotEqual(t, credentialKey("example.com", id), credentialKey("example.org", id))
	require.NotEqual(t, credentialKey("example.comx", id[1:]), credentialKey("example.com", id))
}

func TestG08_UserHandle(t *testing.T) {
	f := newFactor(t, nil)
	handleOf := func(step factor.Step) []byte {
		return fromBase64(t, promptOf(t, step)["user"].(map[string]any)["id"].(string))
	}
	step := beginEnroll(t, f)
	handle := handleOf(step)
	require.Len(t, handle, 64)
	require.NotEqual(t, handle, handleOf(beginEnroll(t, f)), "made anew while there is no key")
	for _, personal := range []string{"anna", "Anna"} {
		require.NotContains(t, string(handle), personal)
	}

	d := newDevice(t)
	e, err := finishEnroll(f, step, d.create(t, step))
	require.NoError(t, err)
	first := stored(e.Credential)
	require.Equal(t, handle, handleOf(beginEnroll(t, f, first)), "reused for the next key")

	second := enroll(t, f, newDevice(t), first)
	second.CreatedAt = first.CreatedAt.Add(time.Hour)
	third := enroll(t, f, newDevice(t)) // as if imported with a handle of its own
	third.CreatedAt = first.CreatedAt.Add(2 * time.Hour)
	require.Equal(t, handle, handleOf(beginEnroll(t, f, third, second, first)), "the oldest key's")
}

func TestG09_ExcludesAllOfTheUsersKeys(t *testing.T) {
	f := newFactor(t, nil)
	a, b := newDevice(t), newDevice(t)
	ca := enroll(t, f, a)
	cb := enroll(t, f, b, ca)
	require.Equal(t, []any{
		map[string]any{"type": "public-key", "id": encodeBase64(a.id), "transports": []any{"usb", "nfc"}},
		map[string]any{"type": "public-key", "id": encodeBase64(b.id), "transports": []any{"usb", "nfc"}},
	}, promptOf(t, beginEnroll(t, f, ca, cb))["excludeCredentials"])
}

func TestG11_OversizedAndNestedEnrollments(t *testing.T) {
	f := newFactor(t, nil)
	step := beginEnroll(t, f)
	d := newDevice(t)
	good := d.create(t, step)
	nested := append(bytes.Repeat([]byte{0x81}, 20000), 0x01)
	object := encodeCBOR(t, map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": d.authData(true)})
	for _, tt := range []struct {
		name     string
		response []byte
		reason   string
	}{
		{"10 MB", append(bytes.Clone(good), bytes.Repeat([]byte(" "), 10<<20)...), reasonTooLarge},
		{"nil", nil, reasonMalformed},
		{"null", []byte("null"), reasonMalformed},
		{"number", []byte("1"), reasonMalformed},
		{"string", []byte(`"123456"`), reasonMalformed},
		{"array", []byte("[]"), reasonMalformed},
		{"object", []byte("{}"), reasonMalformed},
		{"truncated", good[:len(good)-1], reasonMalformed},
		{"trailing data", append(bytes.Clone(good), "{}"...), reasonMalformed},
		{"nested JSON", []byte(strings.Repeat("[", 60000)), reasonMalformed},
		{"nested CBOR", withResponse(t, d, step, "attestationObject", nested), reasonMalformed},
		{"nested statement", withResponse(t, d, step, "attestationObject", slices.Concat(
			[]byte{0xa3, 0x63, 'f', 'm', 't', 0x64, 'n', 'o', 'n', 'e', 0x67, 'a', 't', 't', 'S', 't', 'm', 't'},
			bytes.Repeat([]byte{0xa1, 0x61, 'a'}, 100), []byte{0xa0},
			[]byte{0x68, 'a', 'u', 't', 'h', 'D', 'a', 't', 'a'}, encodeCBOR(t, d.authData(true)),
		)), reasonMalformed},
		{"trailing CBOR", withResponse(t, d, step, "attestationObject", append(bytes.Clone(object), 0)), reasonMalformed},
		{"large statement", withResponse(t, d, step, "attestationObject", encodeCBOR(t, map[string]any{
			"fmt": "packed", "attStmt": map[string]any{"sig": make([]byte, 16<<10)}, "authData": d.authData(true),
		})), reasonTooLarge},
		{"statement with format none", withResponse(t, d, step, "attestationObject", encodeCBOR(t, map[string]any{
			"fmt": "none", "attStmt": map[string]any{"x": 1}, "authData": d.authData(true),
		})), reasonAttestationVerify},
		{"not base64url", withMember(t, d, step, "attestationObject", "+/=="), reasonMalformed},
		{"client data not JSON", withResponse(t, d, step, "clientDataJSON", []byte("{")), reasonMalformed},
		{"client data null", withResponse(t, d, step, "clientDataJSON", []byte("null")), reasonType},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := finishEnroll(f, step, tt.response)
			requireRejected(t, err, tt.reason)
		})
	}
	_, err := finishEnroll(f, step, good)
	require.NoError(t, err)
}

func withResponse(t testing.TB, d *device, step factor.Step, member string, value []byte) []byte {
	t.Helper()
	return withMember(t, d, step, member, encodeBase64(value))
}

func withMember(t testing.TB, d *device, step factor.Step, member string, value any) []byte {
	t.Helper()
	return d.with(func(d *device) { d.response = map[string]any{member: value} }).create(t, step)
}

func TestG12_ErrorsTellNothing(t *testing.T) {
	// Every reason is a constant; none contains what go-webauthn says, which
	// includes the expected challenge.
	f := newFactor(t, nil)
	d := newDevice(t)
	c := enroll(t, f, d)
	other := []byte("sent-by-the-client-sent-by-the-client")
	step, verify := beginEnroll(t, f), beginVerify(t, f, c)
	for _, change := range []func(*device){
		func(d *device) { d.clientData = map[string]any{"challenge": string(other)} },
		func(d *device) { d.origin = string(other) },
		func(d *device) { d.clientData = map[string]any{"type": string(other)} },
		func(d *device) { d.rpID = string(other) },
		func(d *device) { d.outer = map[string]any{"type": string(other)} },
		func(d *device) { d.outer = map[string]any{"id": string(other)} },
		func(d *device) { d.outer = map[string]any{"clientExtensionResults": string(other)} },
		func(d *device) { d.sign = func([]byte) []byte { return other } },
		func(d *device) {
			d.clientData = map[string]any{"tokenBinding": map[string]any{"status": string(other)}}
		},
		func(d *device) {
			d.attest = map[string]any{"fmt": string(other), "attStmt": map[string]any{}, "authData": d.authData(true)}
		},
		func(d *device) { d.response = map[string]any{"clientDataJSON": encodeBase64(other)} },
	} {
		_, err1 := finishEnroll(f, step, d.with(change).create(t, step))
		_, err2 := finishVerify(f, verify, d.with(change).get(t, verify), c)
		for _, err := range []error{err1, err2} {
			if err == nil {
				continue // the change concerns the other ceremony
			}
			require.ErrorIs(t, err, factor.ErrRejected)
			require.NotContains(t, err.Error(), "sent-by")
			require.NotContains(t, err.Error(), promptOf(t, step)["challenge"])
			require.NotContains(t, err.Error(), promptOf(t, verify)["challenge"])
			for e := err; e != nil; e = unwrap(e) {
				require.NotContains(t, e.Error(), "sent-by")
			}
		}
	}
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return nil
}

func TestDescribe(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t).with(func(d *device) {
		d.flags = up | uv | be | bs
		d.aaguid = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
		d.response = map[string]any{"transports": []string{
			"hybrid", "internal", "hybrid", "<script>", "", strings.Repeat("a", 33), "future-one",
			"t1", "t2", "t3", "t4", "t5", "t6", "t7",
		}}
	})
	c := enroll(t, f, d)
	b, err := json.Marshal(f.Describe(c))
	require.NoError(t, err)
	require.JSONEq(t, `{"aaguid": "00010203-0405-0607-0809-0a0b0c0d0e0f", "attestation_format": "none",
		"transports": ["hybrid", "internal", "future-one", "t1", "t2", "t3", "t4", "t5"],
		"backup_eligible": true, "backed_up": true, "user_verified": true}`, string(b))

	require.Empty(t, f.Describe(factor.Credential{Data: []byte("junk")}))
	b, err = json.Marshal(f.Describe(enroll(t, f, newDevice(t).with(func(d *device) {
		d.response = map[string]any{"transports": nil}
	}))))
	require.NoError(t, err)
	require.Contains(t, string(b), `"transports":[]`)
}

func TestUnreadableCredentialsAreFaults(t *testing.T) {
	f := newFactor(t, nil)
	d := newDevice(t)
	good := enroll(t, f, d)
	bad := good
	bad.Data = append([]byte{9}, good.Data[1:]...)
	ctx := context.Background()
	_, err := f.BeginEnroll(ctx, request(factor.PurposeEnroll, bad))
	requireFault(t, err)
	_, err = f.BeginVerify(ctx, request(factor.PurposeVerify, bad))
	requireFault(t, err)
	_, err = f.BeginVerify(ctx, request(factor.PurposeVerify))
	requireFault(t, err)
	step := beginVerify(t, f, good)
	_, err = finishVerify(f, step, d.get(t, step), bad)
	requireFault(t, err)
	enrollment := beginEnroll(t, f, good)
	_, err = finishEnroll(f, enrollment, newDevice(t).create(t, enrollment), bad)
	requireFault(t, err)
	for n := range len(step.State) {
		_, err = finishVerify(f, factor.Step{State: step.State[:n]}, d.get(t, step), good)
		requireFault(t, err)
	}
	for n := range len(enrollment.State) {
		_, err = finishEnroll(f, factor.Step{State: enrollment.State[:n]}, d.create(t, enrollment), good)
		requireFault(t, err)
	}
}

func TestCredentialKeyRefusesJunk(t *testing.T) {
	f := newFactor(t, nil)
	for _, response := range []string{
		"", "null", "1", `"x"`, "[]", "{}", `{"id":1}`, `{"id":""}`, `{"id":"AAAA"}`, `{"id":"=="}`,
		`{"id":"` + strings.Repeat("A", 1400) + `"}`, `{"id":"` + strings.Repeat("A", 70000) + `"}`,
	} {
		_, err := f.CredentialKey([]byte(response))
		require.ErrorIs(t, err, factor.ErrRejected, "%.40s", response)
	}
	sum := sha256.Sum256(nil)
	k, err := f.CredentialKey([]byte(`{"id":"` + encodeBase64(sum[:]) + `"}`))
	require.NoError(t, err)
	require.Equal(t, credentialKey(testRPID, sum[:]), k)
}

func TestUserIsNamedForPeople(t *testing.T) {
	for _, tt := range []struct {
		user              factor.User
		name, displayName string
	}{
		{factor.User{ID: "1", Name: "anna", DisplayName: "Anna", Email: "a@example.com"}, "anna", "Anna"},
		{factor.User{ID: "1", Name: "anna"}, "anna", "anna"},
		{factor.User{ID: "1", Email: "a@example.com", DisplayName: "Anna"}, "a@example.com", "Anna"},
		{factor.User{ID: "1", DisplayName: "Anna"}, "Anna", "Anna"},
		{factor.User{ID: "1"}, "", ""},
	} {
		e := describeUser(tt.user, []byte("handle"))
		require.Equal(t, userEntity{ID: encodeBase64([]byte("handle")), Name: tt.name, DisplayName: tt.displayName}, e)
	}
}
