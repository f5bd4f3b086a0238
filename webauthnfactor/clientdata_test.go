package webauthnfactor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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

func TestG04_EnrollmentClientData(t *testing.T) {
	f := newFactor(t, nil)
	for _, tt := range clientDataCases {
		t.Run(tt.name, func(t *testing.T) {
			step := beginEnroll(t, f)
			_, err := finishEnroll(f, step, newDevice(t).with(tt.change).create(t, step))
			if tt.reason == "" {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, tt.reason)
		})
	}
}

// What a browser may and may not say, in either ceremony.
var clientDataCases = []struct {
	name   string
	change func(*device)
	reason string
}{
	{"honest", func(*device) {}, ""},
	{"second origin", func(d *device) { d.origin = "https://example.com:8443" }, ""},
	{"sub-domain", func(d *device) { d.origin = "https://evil.login.example.com" }, reasonOrigin},
	{"parent domain", func(d *device) { d.origin = "https://example.com" }, reasonOrigin},
	{"other port", func(d *device) { d.origin = "https://login.example.com:8443" }, reasonOrigin},
	{"default port", func(d *device) { d.origin = testOrigin + ":443" }, reasonOrigin},
	{"http", func(d *device) { d.origin = "http://login.example.com" }, reasonOrigin},
	{"path", func(d *device) { d.origin = testOrigin + "/path" }, reasonOrigin},
	{"user info", func(d *device) { d.origin = "https://u@login.example.com" }, reasonOrigin},
	{"upper case", func(d *device) { d.origin = "https://LOGIN.example.com" }, reasonOrigin},
	{"look-alike", func(d *device) { d.origin = "https://login.example.com.evil.test" }, reasonOrigin},
	{"null origin", func(d *device) { d.origin = "null" }, reasonOrigin},
	{"no origin", func(d *device) { d.clientData = map[string]any{"origin": nil} }, reasonOrigin},
	{"cross-origin", func(d *device) { d.clientData = map[string]any{"crossOrigin": true} }, reasonCrossOrigin},
	{"cross-origin with top origin", func(d *device) {
		d.clientData = map[string]any{"crossOrigin": true, "topOrigin": testOrigin}
	}, reasonCrossOrigin},
	{"top origin alone", func(d *device) { d.clientData = map[string]any{"topOrigin": testOrigin} }, reasonCrossOrigin},
	{"crossOrigin left out", func(d *device) { d.clientData = map[string]any{"crossOrigin": nil} }, ""},
	{"payment", func(d *device) { d.clientData = map[string]any{"type": "payment.get"} }, reasonType},
	{"no type", func(d *device) { d.clientData = map[string]any{"type": nil} }, reasonType},
	{"other challenge", func(d *device) {
		d.clientData = map[string]any{"challenge": encodeBase64(make([]byte, 32))}
	}, reasonChallenge},
	{"no challenge", func(d *device) { d.clientData = map[string]any{"challenge": nil} }, reasonChallenge},
	{"empty challenge", func(d *device) { d.clientData = map[string]any{"challenge": ""} }, reasonChallenge},
	{"unknown members", func(d *device) { d.clientData = map[string]any{"other_keys_can_be_added_here": "x"} }, ""},
}
