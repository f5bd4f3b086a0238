package webauthnfactor

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

const (
	testRPID   = "example.com"
	testOrigin = "https://login.example.com"
)

// Bits of the authenticator data's flags (section 6.1).
const (
	up byte = 1 << 0
	uv byte = 1 << 2
	be byte = 1 << 3
	bs byte = 1 << 4
	at byte = 1 << 6
	ed byte = 1 << 7
)

// device is a browser with one key. Every part of what it answers can be
// forged, which a real one and virtualwebauthn do not allow.
type device struct {
	rpID       string
	origin     string
	clientData map[string]any // laid over the honest client data
	flags      byte
	count      uint32
	id         []byte
	handle     []byte
	signer     crypto.Signer
	cose       []byte
	aaguid     []byte
	extra      []byte                // follows the authenticator data
	sign       func(m []byte) []byte // replaces the signature
	attest     map[string]any        // replaces the attestation object
	response   map[string]any        // laid over the response member
	outer      map[string]any        // laid over the credential
}

func newDevice(t testing.TB) *device {
	t.Helper()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return &device{
		rpID: testRPID, origin: testOrigin, flags: up, id: randomBytes(32),
		signer: signer, cose: ec2Key(t, &signer.PublicKey, -7, 1), aaguid: make([]byte, 16),
	}
}

// with returns a copy of the device, changed.
func (d device) with(change func(*device)) *device {
	change(&d)
	return &d
}

func ec2Key(t testing.TB, k *ecdsa.PublicKey, alg, curve int) []byte {
	t.Helper()
	raw, err := k.Bytes()
	require.NoError(t, err)
	n := (len(raw) - 1) / 2
	return encodeCBOR(t, map[int]any{1: 2, 3: alg, -1: curve, -2: raw[1 : 1+n], -3: raw[1+n:]})
}

func rsaKey(t testing.TB, n, e []byte, alg int) []byte {
	t.Helper()
	return encodeCBOR(t, map[int]any{1: 3, 3: alg, -1: n, -2: e})
}

func okpKey(t testing.TB, k ed25519.PublicKey) []byte {
	t.Helper()
	return encodeCBOR(t, map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(k)})
}

func encodeCBOR(t testing.TB, v any) []byte {
	t.Helper()
	b, err := webauthncbor.Marshal(v)
	require.NoError(t, err)
	return b
}

func (d *device) collect(t testing.TB, ceremony, challenge string) []byte {
	t.Helper()
	data := map[string]any{"type": ceremony, "challenge": challenge, "origin": d.origin, "crossOrigin": false}
	overlay(data, d.clientData)
	return encodeJSON(t, data)
}

// overlay sets, and with a nil value removes, members.
func overlay(m, over map[string]any) {
	for k, v := range over {
		if v == nil {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
}

func encodeJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func (d *device) authData(attested bool) []byte {
	sum := sha256.Sum256([]byte(d.rpID))
	flags := d.flags
	if attested {
		flags |= at
	}
	b := append(sum[:], flags)
	b = binary.BigEndian.AppendUint32(b, d.count)
	if attested {
		b = append(b, d.aaguid...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(d.id)))
		b = append(b, d.id...)
		b = append(b, d.cose...)
	}
	return append(b, d.extra...)
}

func (d *device) signature(t testing.TB, authData, clientData []byte) []byte {
	t.Helper()
	hash := sha256.Sum256(clientData)
	m := append(append([]byte(nil), authData...), hash[:]...)
	if d.sign != nil {
		return d.sign(m)
	}
	if _, ok := d.signer.(ed25519.PrivateKey); ok {
		sig, err := d.signer.Sign(rand.Reader, m, crypto.Hash(0))
		require.NoError(t, err)
		return sig
	}
	digest := sha256.Sum256(m)
	sig, err := d.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	require.NoError(t, err)
	return sig
}

// create answers an enrolment, without attestation unless attest is set.
func (d *device) create(t testing.TB, step factor.Step) []byte {
	t.Helper()
	clientData := d.collect(t, "webauthn.create", promptOf(t, step)["challenge"].(string))
	object := d.attest
	if object == nil {
		object = map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": d.authData(true)}
	}
	return d.credential(t, map[string]any{
		"clientDataJSON":    encodeBase64(clientData),
		"attestationObject": encodeBase64(encodeCBOR(t, object)),
		"transports":        []string{"usb", "nfc"},
	})
}

// get answers a verification.
func (d *device) get(t testing.TB, step factor.Step) []byte {
	t.Helper()
	clientData := d.collect(t, "webauthn.get", promptOf(t, step)["challenge"].(string))
	authData := d.authData(false)
	response := map[string]any{
		"clientDataJSON":    encodeBase64(clientData),
		"authenticatorData": encodeBase64(authData),
		"signature":         encodeBase64(d.signature(t, authData, clientData)),
	}
	if d.handle != nil {
		response["userHandle"] = encodeBase64(d.handle)
	}
	return d.credential(t, response)
}

func (d *device) credential(t testing.TB, response map[string]any) []byte {
	t.Helper()
	overlay(response, d.response)
	c := map[string]any{
		"id": encodeBase64(d.id), "rawId": encodeBase64(d.id), "type": "public-key",
		"authenticatorAttachment": "cross-platform", "clientExtensionResults": map[string]any{},
		"response": response,
	}
	overlay(c, d.outer)
	return encodeJSON(t, c)
}

// promptOf returns the prompt as a client sees it.
func promptOf(t testing.TB, step factor.Step) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(encodeJSON(t, step.Prompt), &m))
	return m
}

func testConfig() Config {
	return Config{RPID: testRPID, RPDisplayName: "Example", Origins: []string{testOrigin, "https://example.com:8443"}}
}

func newFactor(t testing.TB, change func(*Config)) *Factor {
	t.Helper()
	c := testConfig()
	if change != nil {
		change(&c)
	}
	f, err := New(c)
	require.NoError(t, err)
	return f
}

func request(purpose factor.Purpose, credentials ...factor.Credential) factor.Request {
	return factor.Request{
		User:        factor.User{ID: "42", Name: "anna", DisplayName: "Anna B."},
		Credentials: credentials, Purpose: purpose, Ceremony: "c1",
		Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func beginEnroll(t testing.TB, f *Factor, have ...factor.Credential) factor.Step {
	t.Helper()
	step, err := f.BeginEnroll(context.Background(), request(factor.PurposeEnroll, have...))
	require.NoError(t, err)
	return step
}

func finishEnroll(f *Factor, step factor.Step, response []byte, have ...factor.Credential) (factor.Enrolled, error) {
	return f.FinishEnroll(context.Background(), request(factor.PurposeEnroll, have...), step.State, response)
}

func beginVerify(t testing.TB, f *Factor, have ...factor.Credential) factor.Step {
	t.Helper()
	step, err := f.BeginVerify(context.Background(), request(factor.PurposeVerify, have...))
	require.NoError(t, err)
	return step
}

func finishVerify(f *Factor, step factor.Step, response []byte, have ...factor.Credential) (factor.Result, error) {
	return f.FinishVerify(context.Background(), request(factor.PurposeVerify, have...), step.State, response)
}

// enroll enrols the device and stores the credential as the Manager would.
func enroll(t testing.TB, f *Factor, d *device, have ...factor.Credential) factor.Credential {
	t.Helper()
	step := beginEnroll(t, f, have...)
	e, err := finishEnroll(f, step, d.create(t, step), have...)
	require.NoError(t, err)
	return stored(e.Credential)
}

func stored(c factor.Credential) factor.Credential {
	c.ID, c.UserID, c.Method = "cred-"+c.Key[:8], "42", Method
	c.CreatedAt, c.Version = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1
	return c
}

func requireRejected(t testing.TB, err error, reason string) {
	t.Helper()
	require.ErrorIs(t, err, factor.ErrRejected)
	require.EqualError(t, err, factor.Reject(reason).Error())
}

func requireFault(t testing.TB, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotErrorIs(t, err, factor.ErrRejected)
}

// ecdsaDER writes an ECDSA signature in DER; the values need not make sense.
func ecdsaDER(r, s *big.Int) []byte {
	integer := func(v *big.Int) []byte {
		b := v.Bytes()
		if len(b) == 0 || b[0]&0x80 != 0 {
			b = append([]byte{0}, b...)
		}
		return append([]byte{2, byte(len(b))}, b...)
	}
	body := append(integer(r), integer(s)...)
	return append([]byte{0x30, byte(len(body))}, body...)
}

func fromBase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}

func ed25519Device(t testing.TB) *device {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return newDevice(t).with(func(d *device) { d.signer, d.cose = private, okpKey(t, public) })
}

func rsaDevice(t testing.TB, bits int) *device {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	cose := rsaKey(t, private.N.Bytes(), big.NewInt(int64(private.E)).Bytes(), -257)
	return newDevice(t).with(func(d *device) { d.signer, d.cose = private, cose })
}
