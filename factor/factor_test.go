package factor_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/factor"
)

var stored = factor.Credential{
	ID: "c1", UserID: "u1", Method: "totp", Name: "my phone", Key: "k1", Data: []byte("hunter2-secret"),
	CreatedAt: time.Unix(1, 0).UTC(), UsedAt: time.Unix(2, 0).UTC(), Version: 7,
}

func TestO10_CredentialRedacts(t *testing.T) {
	secret := string(stored.Data)
	forms := []string{secret, hex.EncodeToString(stored.Data), strings.ToUpper(hex.EncodeToString(stored.Data)), fmt.Sprint(stored.Data), "104 117", "0x68, 0x75", "aHVudGVy"}
	type holder struct {
		Name string
		C    factor.Credential
	}
	for _, v := range []any{stored, &stored, []factor.Credential{stored}, []*factor.Credential{&stored}, map[string]factor.Credential{"x": stored}, holder{"h", stored}} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q", "%x", "%X", "%t", "%20v"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		fmt.Fprintln(&out, fmt.Errorf("failed: %v", v))
		for _, form := range forms {
			assert.NotContains(t, out.String(), form, "%T", v)
		}
	}
	for _, v := range []any{stored, &stored} {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		for _, form := range forms {
			assert.NotContains(t, out.String(), form, "%T", v)
		}
		assert.Contains(t, out.String(), `"id":"c1"`)
	}
	assert.Equal(t, `Credential("c1", user "u1", method "totp", 14 bytes redacted)`, fmt.Sprint(stored))
}

func TestCredentialIsKeptWholeByJSONAndGob(t *testing.T) {
	var got factor.Credential
	b, err := json.Marshal(stored)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &got))
	assert.Equal(t, stored, got)

	var buf bytes.Buffer
	require.NoError(t, gob.NewEncoder(&buf).Encode(stored))
	got = factor.Credential{}
	require.NoError(t, gob.NewDecoder(&buf).Decode(&got))
	assert.Equal(t, stored, got)
}

func TestEmailChannel(t *testing.T) {
	for address, want := range map[string]string{
		"alice@example.com": "email:alice@example.com", " Alice@EXAMPLE.com\n": "email:alice@example.com", "": "", "  ": "",
		"a+tag@example.com": "email:a+tag@example.com",
	} {
		assert.Equal(t, want, factor.EmailChannel(address), "%q", address)
	}
}

func TestPhoneChannel(t *testing.T) {
	for number, want := range map[string]string{
		"+15555550100": "tel:+15555550100", "+1 (555) 555-0100": "tel:+15555550100", "+1.555.555.0100": "tel:+15555550100", "": "", " -": "",
	} {
		assert.Equal(t, want, factor.PhoneChannel(number), "%q", number)
	}
	assert.NotEqual(t, factor.PhoneChannel("+1"), factor.EmailChannel("+1"), "channels of different kinds are never one")
}

// plain has no optional method, mail has both.
type plain struct{ factor.Factor }

type mail struct{ factor.Factor }

func (mail) Channel(u factor.User, c *factor.Credential) (string, bool) {
	if c != nil {
		return factor.EmailChannel(string(c.Data)), true
	}
	return factor.EmailChannel(u.Email), u.Email != ""
}

func (mail) CredentialKey(response []byte) (string, error) {
	if len(response) == 0 {
		return "", factor.Reject("empty")
	}
	return string(response), nil
}

func TestOptionalMethods(t *testing.T) {
	u := factor.User{Email: "A@b.example"}
	assert.False(t, factor.HasChannels(plain{}))
	channel, ok := factor.Channel(plain{}, u, nil)
	assert.False(t, ok)
	assert.Empty(t, channel)
	_, err := factor.CredentialKey(plain{}, []byte("x"))
	require.Error(t, err)
	require.NotErrorIs(t, err, factor.ErrRejected)

	assert.True(t, factor.HasChannels(mail{}))
	channel, ok = factor.Channel(mail{}, u, nil)
	assert.True(t, ok)
	assert.Equal(t, "email:a@b.example", channel)
	channel, ok = factor.Channel(mail{}, u, &factor.Credential{Data: []byte("c@d.example")})
	assert.True(t, ok)
	assert.Equal(t, "email:c@d.example", channel)
	_, ok = factor.Channel(mail{}, factor.User{}, nil)
	assert.False(t, ok)
	key, err := factor.CredentialKey(mail{}, []byte("k"))
	require.NoError(t, err)
	assert.Equal(t, "k", key)
	_, err = factor.CredentialKey(mail{}, nil)
	require.ErrorIs(t, err, factor.ErrRejected)
}

func TestErrors(t *testing.T) {
	err := factor.Reject("wrong code")
	require.ErrorIs(t, err, factor.ErrRejected)
	require.NotErrorIs(t, err, factor.ErrReplayed)
	require.ErrorContains(t, err, "wrong code")
	require.ErrorIs(t, factor.ErrReplayed, factor.ErrRejected)
	require.NotErrorIs(t, factor.ErrWaiting, factor.ErrRejected, "waiting is no mistake")
	require.NotErrorIs(t, context.Canceled, factor.ErrRejected)
}

func TestCategoryNames(t *testing.T) {
	for c, want := range map[factor.Category]string{
		factor.Unknown: "unknown", factor.Knowledge: "knowledge", factor.Possession: "possession", factor.Inherence: "inherence", 200: "unknown",
	} {
		assert.Equal(t, want, c.String())
	}
}

func ExampleReject() {
	err := factor.Reject("wrong code")
	fmt.Println(err, errors.Is(err, factor.ErrRejected))
	// Output: mfa: rejected: wrong code true
}

func ExampleEmailChannel() {
	fmt.Println(factor.EmailChannel("Alice@Example.com"))
	// Output: email:alice@example.com
}

func ExamplePhoneChannel() {
	fmt.Println(factor.PhoneChannel("+1 (555) 555-0100"))
	// Output: tel:+15555550100
}
