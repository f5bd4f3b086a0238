package webapp

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// stored returns the ids of a client's credentials of a method.
func stored(t *testing.T, c *testenv.Client, method string) (ids []string) {
	t.Helper()
	var all []struct {
		ID     string `json:"id"`
		Method string `json:"method"`
	}
	c.Must(http.StatusOK, http.MethodGet, "/mfa/api/credentials", nil).Into(t, &all)
	for _, credential := range all {
		if credential.Method == method {
			ids = append(ids, credential.ID)
		}
	}
	return ids
}

// L01: once somebody has a second factor, another needs it. Of several first
// enrolments at the same moment at most one stands.
func TestL01_FirstEnrolmentsAtOnce(t *testing.T) {
	onEach(t, generous, func(t *testing.T, d *deployment) {
		const rounds, tabs = 5, 8
		for round := range rounds {
			name := fmt.Sprintf("user%d", round)
			d.client(t, 0).SignUp(name)
			clients, ceremonies := make([]*testenv.Client, tabs), make([]string, tabs)
			for i := range clients {
				clients[i] = d.client(t, i)
				pending, _ := clients[i].LogIn(name)
				require.False(t, pending)
				ceremonies[i] = clients[i].BeginEnroll()
			}
			statuses, errs := make([]int, tabs), make([]error, tabs)
			atOnce(tabs, func(i int) {
				statuses[i], errs[i] = verdict(func() (testenv.Answer, error) {
					return clients[i].Try(http.MethodPost, "/mfa/api/enrollments/"+ceremonies[i], testenv.Object{"response": clients[i].App.Code(d.now)})
				})
			})
			enrolled := 0
			for i := range clients {
				require.NoError(t, errs[i])
				assert.Less(t, statuses[i], 500)
				if statuses[i] == http.StatusCreated {
					enrolled++
					assert.Len(t, stored(t, clients[i], "totp"), 1, "who was told that it stands has it")
				}
			}
			assert.LessOrEqual(t, enrolled, 1)
		}
	})
}

// L04: where a second factor is mandatory, two removals at the same moment
// leave one of the two.
func TestL04_RemovalsOfTheLastTwoAtOnce(t *testing.T) {
	o := generous
	o.SignIn = mfa.Requirement{AAL: mfa.AAL2}
	onEach(t, o, func(t *testing.T, d *deployment) {
		for round := range 50 {
			name := fmt.Sprintf("user%d", round)
			clients := []*testenv.Client{d.client(t, 0), d.client(t, 1)}
			clients[0].SignUp(name)
			first := clients[0].Enroll(d.now)
			app := clients[0].App
			second := clients[0].Enroll(d.now)
			d.wait(30 * time.Second)
			pending, _ := clients[1].LogIn(name)
			require.True(t, pending)
			a, err := clients[1].Verify("totp", app.Code(d.now))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, a.Status)

			ids := []string{first, second}
			statuses, errs := make([]int, 2), make([]error, 2)
			atOnce(2, func(i int) {
				statuses[i], errs[i] = verdict(func() (testenv.Answer, error) {
					return clients[i].Try(http.MethodDelete, "/mfa/api/credentials/"+ids[i], testenv.Object{})
				})
			})
			require.NoError(t, errs[0])
			require.NoError(t, errs[1])
			n := count(statuses)
			require.Equal(t, 1, n[http.StatusNoContent], "round %d: %v", round, statuses)
			require.Equal(t, 1, n[http.StatusConflict]+n[http.StatusUnauthorized], "round %d: %v", round, statuses)
			again := clients[0]
			if again.AAL() == "" { // its own factor is the one that went
				again = d.client(t, 0)
				pending, methods := again.LogIn(name)
				require.True(t, pending)
				require.Equal(t, []string{"totp"}, methods)
				continue
			}
			require.Len(t, stored(t, again, "totp"), 1)
		}
	})
}
