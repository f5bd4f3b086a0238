package mfahttp_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfahttp"
)

func TestC12_ClientAddress(t *testing.T) {
	clientOf := func(t *testing.T, a *app) string {
		t.Helper()
		phone := a.newBrowser().login("ada").enrollTOTP()
		b := a.newBrowser().login("ada")
		got := b.send(http.MethodPost, "/mfa/api/challenges", `{"method":"totp","response":"`+phone.next()+`"}`, http.Header{
			"Content-Type": {"application/json"}, "X-Forwarded-For": {"203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"},
		})
		require.Equal(t, http.StatusOK, got.status)
		events := a.eventsOf(mfa.EventVerified)
		require.Len(t, events, 1)
		return events[0].Client
	}
	t.Run("the connection's own", func(t *testing.T) {
		assert.Equal(t, "127.0.0.1", clientOf(t, newApp(t)))
	})
	t.Run("the app's", func(t *testing.T) {
		assert.Equal(t, "198.51.100.1", clientOf(t, newApp(t, setup{handler: func(c *mfahttp.Config) {
			c.Client = func(*http.Request) string { return "198.51.100.1" }
		}})))
	})
}

func TestPrefix(t *testing.T) {
	a := newApp(t, setup{handler: func(c *mfahttp.Config) { c.Prefix = "/account/two-factor" }})
	b := a.newBrowser().login("ada")
	assert.Equal(t, http.StatusOK, b.do(http.MethodGet, "/account/two-factor/api/session", nil).status)
	assert.Equal(t, http.StatusMethodNotAllowed, b.do(http.MethodPost, "/account/two-factor/api/session", nil).status)
	root := newApp(t, setup{handler: func(c *mfahttp.Config) { c.Prefix = "/" }})
	assert.Equal(t, http.StatusOK, root.newBrowser().login("ada").do(http.MethodGet, "/api/session", nil).status)
}

func TestNew_Misconfigured(t *testing.T) {
	m := newApp(t).m
	_, err := mfahttp.New(nil, mfahttp.Config{})
	require.EqualError(t, err, "mfahttp: the Manager is nil: make one with mfa.New and check its error")
	for _, prefix := range []string{"mfa", "/mfa/", "//", "/mfa//x", "/../mfa", "/{id}", "/m fa", "/mfa?x", "https://example.com/mfa", "/mfa%2f"} {
		_, err := mfahttp.New(m, mfahttp.Config{Prefix: prefix})
		require.ErrorContains(t, err, "Config.Prefix", prefix)
		require.ErrorContains(t, err, ": give ", prefix)
	}
	for _, home := range []string{"home", "//evil.example", "javascript:alert(1)", "https://", "ftp://example.com", "\x00"} {
		_, err := mfahttp.New(m, mfahttp.Config{HomeURL: home})
		require.ErrorContains(t, err, "Config.HomeURL", home)
	}
	for _, home := range []string{"", "/", "/home?x=1", "https://example.com/"} {
		_, err := mfahttp.New(m, mfahttp.Config{HomeURL: home})
		require.NoError(t, err, home)
	}
}
