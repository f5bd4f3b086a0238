package webapp

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// rounds is how often the server is killed: more where MFA_LONG is set.
func rounds() int {
	if os.Getenv("MFA_LONG") != "" {
		return 500
	}
	return 20
}

// P09: the server is killed while people sign in and enrol. Afterwards no code
// works twice, nothing that was confirmed is lost, and whatever is stored can
// be used.
func TestP09_KilledServer(t *testing.T) {
	o := generous
	o.Database = filepath.Join(t.TempDir(), "webapp.db")
	d := &deployment{database: o.Database, now: time.Now().Truncate(time.Second)}
	server := testenv.StartProcess(t, d.now, o)
	point := func() { d.origins, d.setClock = []string{server.Origin}, server.SetClock }
	point()
	interrupted := 0
	for round := range rounds() {
		name := fmt.Sprintf("user%d", round)
		owner := d.enrolled(t, name)
		totp, codes := owner.App, owner.Codes
		users := d.pending(t, 6, name, owner)
		ceremony := owner.BeginEnroll()
		second, first := owner.App, totp
		code := func(i int) (method, code string) {
			if i%2 == 0 {
				return "totp", first.Code(d.now)
			}
			return "lookup_secret", codes[0]
		}

		statuses := make([]int, len(users)+1)
		killed := time.AfterFunc(time.Duration(rand.IntN(15_000))*time.Microsecond, server.Kill)
		atOnce(len(statuses), func(i int) {
			if i == len(users) {
				a, _ := owner.Try(http.MethodPost, "/mfa/api/enrollments/"+ceremony, testenv.Object{"response": second.Code(d.now)})
				statuses[i] = a.Status
				return
			}
			method, code := code(i)
			a, _ := users[i].Verify(method, code) // no answer is one too
			statuses[i] = a.Status
		})
		killed.Stop()
		server.Kill()
		if slices.Contains(statuses, 0) {
			interrupted++
		}
		server = testenv.StartProcess(t, d.now, o)
		point()

		successes := map[string]int{}
		for i, c := range users {
			method, code := code(i)
			if statuses[i] == http.StatusOK {
				successes[method]++
			}
			c.Origin = server.Origin
			if statuses[i] == http.StatusOK {
				assert.Equal(t, "aal2", c.AAL(), "the session that was answered for is there")
				c = d.pending(t, 1, name, owner)[0]
			}
			status, err := verdict(verify(c, 0, method, code))
			require.NoError(t, err)
			if status == http.StatusUnauthorized { // killed while the session was being renewed
				c = d.pending(t, 1, name, owner)[0]
				status, err = verdict(verify(c, 0, method, code))
				require.NoError(t, err)
			}
			require.Contains(t, []int{http.StatusOK, http.StatusUnprocessableEntity}, status)
			if status == http.StatusOK {
				successes[method]++
			}
		}
		for method, n := range successes {
			require.LessOrEqual(t, n, 1, "round %d: a code of %s worked %d times", round, method, n)
		}

		at := d.wait(30 * time.Second)
		c := d.pending(t, 1, name, owner)[0]
		status, err := verdict(verify(c, 0, "totp", first.Code(at)))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, "the first authenticator is there and works")
		status, err = verdict(verify(c, 0, "lookup_secret", codes[1]))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, "the recovery codes are there and work")
		var stored []struct {
			Method string `json:"method"`
		}
		c.Must(http.StatusOK, http.MethodGet, "/mfa/api/credentials", nil).Into(t, &stored)
		if statuses[len(users)] == http.StatusCreated {
			require.Len(t, stored, 3, "an enrolment that was confirmed is there")
		}
		if len(stored) == 3 {
			status, err = verdict(verify(c, 0, "totp", second.Code(at)))
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, "the second authenticator is there and works")
		} else {
			require.Len(t, stored, 2)
		}
	}
	assert.Positive(t, interrupted, "no kill met a request")
	t.Logf("%d of %d kills met requests", interrupted, rounds())
}
