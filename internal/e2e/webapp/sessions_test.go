package webapp

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

func single(t *testing.T) *deployment {
	t.Helper()
	demo := testenv.StartDemo(t, testenv.Options{})
	return &deployment{origins: []string{demo.Origin}, database: demo.Database, setClock: demo.Clock.Set, now: demo.Clock.Now()}
}

// B08: whoever knew the cookie before an elevation has nothing after it.
func TestB08_CookiesDieAtEachElevation(t *testing.T) {
	d := single(t)
	victim := d.enrolled(t, "victim")
	attacker := d.client(t, 0)
	attacker.SignUp("attacker")

	planted := d.client(t, 0)
	planted.App = victim.App
	planted.SetCookies(attacker.Cookies())
	thief := planted.Again()
	dead := func(step string) {
		t.Helper()
		assert.Empty(t, thief.AAL(), step)
		assert.Equal(t, http.StatusUnauthorized, thief.Do(http.MethodGet, "/mfa/api/session", nil).Status, step)
		thief = planted.Again()
	}
	pending, _ := planted.LogIn("victim")
	require.True(t, pending)
	dead("after the password")
	for range 2 {
		a, err := planted.Verify("totp", victim.App.Code(d.wait(30*time.Second)))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.Status)
		dead("after the second factor, and after it once more")
		require.Equal(t, "aal2", planted.AAL())
	}
	planted.Enroll(d.wait(30 * time.Second))
	dead("after an enrolment")
	planted.LogIn("victim")
	dead("after the password once more")
	planted.Must(http.StatusNoContent, http.MethodPost, "/logout", testenv.Object{})
	dead("after signing out")
}

// B02: no part of what a password alone brings opens anything.
func TestB02_PasswordAloneOpensNothing(t *testing.T) {
	d := single(t)
	owner := d.enrolled(t, "alice")
	c := d.pending(t, 1, "alice", owner)[0]
	for _, path := range []string{"/account", "/api/account", "/lax", "/keys-only", "/mfa/api/credentials"} {
		a := c.Do(http.MethodGet, path, nil)
		assert.Equal(t, http.StatusUnauthorized, a.Status, path)
	}
	assert.Equal(t, http.StatusUnauthorized, c.Do(http.MethodPost, "/transfer", testenv.Object{"amount": 1}).Status)
	assert.Equal(t, http.StatusUnauthorized, c.Do(http.MethodPost, "/mfa/api/enrollments", testenv.Object{"method": "totp"}).Status)
}

// B11: taking cookies back to where they were takes back nothing else.
func TestB11_OldCookiesHoldNoCounter(t *testing.T) {
	d := single(t)
	owner := d.enrolled(t, "alice")
	c := d.pending(t, 1, "alice", owner)[0]
	saved := slices.Clone(c.Cookies())
	for range 5 {
		a, err := c.Verify("totp", owner.App.Wrong(d.now))
		require.NoError(t, err)
		require.Equal(t, http.StatusUnprocessableEntity, a.Status)
	}
	c = d.client(t, 0)
	c.SetCookies(saved)
	a, err := c.Verify("totp", owner.App.Code(d.now))
	require.NoError(t, err)
	assert.Equal(t, http.StatusTooManyRequests, a.Status)
}

// Removing the factor that a session stands on lowers it at its next request,
// wherever that session is.
func TestL05_RemovalLowersOtherSessions(t *testing.T) {
	onEach(t, testenv.Options{}, func(t *testing.T, d *deployment) {
		owner := d.enrolled(t, "alice")
		other := d.pending(t, 2, "alice", owner)[1]
		a, err := other.Verify("totp", owner.App.Code(d.now))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.Status)
		require.Equal(t, "aal2", other.AAL())
		var all []struct {
			ID     string `json:"id"`
			Method string `json:"method"`
		}
		owner.Must(http.StatusOK, http.MethodGet, "/mfa/api/credentials", nil).Into(t, &all)
		for _, credential := range all {
			if credential.Method == "totp" {
				a := owner.Do(http.MethodDelete, "/mfa/api/credentials/"+credential.ID, testenv.Object{})
				require.Equal(t, http.StatusNoContent, a.Status, string(a.Body))
			}
		}
		assert.Equal(t, "aal1", other.AAL())
	})
}
