package webapp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
)

// What two processes are asked at once, and what they leave.
func TestCeremoniesAnsweredAtOnceByTwoProcesses(t *testing.T) {
	o := generous
	o.Limits.Credentials = credentialLimit
	d := twoProcesses(t, o)
	for _, line := range []struct {
		name   string
		rounds int
		race   func(t *testing.T, d *deployment, user string)
	}{
		{"B06 one challenge", 6, oneChallenge},
		{"D11 one enrolment of an app", 6, oneAppEnrolment},
		{"G02 one registration", 6, oneRegistration},
		{"G07 one key for many users", 1, oneKeyForMany},
		{"G09 registrations at the limit", 1, registrationsAtTheLimit},
		{"H06 counting assertions", 1, countingAssertions},
		{"H08 one assertion", 6, oneAssertion},
		{"E06 new sets of codes", 1, newSetsOfCodes},
	} {
		t.Run(line.name, func(t *testing.T) {
			for round := range line.rounds {
				line.race(t, d, fmt.Sprintf("%.3s.user%d", line.name, round))
			}
		})
	}
}

const credentialLimit = 4

func oneChallenge(t *testing.T, d *deployment, user string) {
	owner := d.client(t, 0)
	owner.SignUp(user)
	owner.Enroll(d.now)
	code := owner.App.Code(d.wait(30 * time.Second))
	c := d.pending(t, 1, user, owner)[0]
	challenge := begin(t, c, challenges, "totp")
	won := race(t, answers(d.tabs(ways, c), func(int, *testenv.Client) (ceremony, any) { return challenge, code }))
	assert.Len(t, won, 1)
}

func oneAppEnrolment(t *testing.T, d *deployment, user string) {
	c := d.client(t, 0)
	c.SignUp(user)
	enrolment := ceremony{kind: enrolments, ID: c.BeginEnroll()}
	code := c.App.Code(d.now)
	won := race(t, answers(d.tabs(ways, c), func(int, *testenv.Client) (ceremony, any) { return enrolment, code }))
	require.Len(t, won, 1)
	assert.Len(t, stored(t, won[0], "totp"), 1)
	status, err := verdict(verify(d.pending(t, 1, user, c)[0], 0, "totp", code))
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnprocessableEntity, status, "the code that confirmed is spent")
}

// Each answer brings a key of its own: nothing but the ceremony's end is in
// their way.
func oneRegistration(t *testing.T, d *deployment, user string) {
	c := d.client(t, 0)
	c.SignUp(user)
	registration := begin(t, c, enrolments, "webauthn")
	won := race(t, answers(d.tabs(ways, c), func(_ int, c *testenv.Client) (ceremony, any) {
		return registration, register(t, newKey(), c, registration)
	}))
	require.Len(t, won, 1)
	assert.Len(t, stored(t, won[0], "webauthn"), 1)
}

func oneKeyForMany(t *testing.T, d *deployment, user string) {
	device, key := virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	clients := make([]*testenv.Client, ways)
	for i := range clients {
		clients[i] = d.client(t, i)
		clients[i].SignUp(fmt.Sprintf("%s.%d", user, i))
	}
	won := race(t, answers(clients, func(_ int, c *testenv.Client) (ceremony, any) {
		registration := begin(t, c, enrolments, "webauthn")
		options, err := virtualwebauthn.ParseAttestationOptions(string(registration.Prompt))
		require.NoError(t, err)
		rp := virtualwebauthn.RelyingParty{ID: rpID, Name: rpID, Origin: c.Origin}
		return registration, json.RawMessage(virtualwebauthn.CreateAttestationResponse(rp, device, key, *options))
	}))
	require.Len(t, won, 1)
	keys := 0
	for _, c := range clients {
		keys += len(stored(t, c, "webauthn"))
	}
	assert.Equal(t, 1, keys)
	assert.Len(t, stored(t, won[0], "webauthn"), 1)
}

func registrationsAtTheLimit(t *testing.T, d *deployment, user string) {
	key := d.keyOwner(t, user)
	clients := d.proved(t, ways, user, key)
	for range credentialLimit - 2 {
		c := clients[0]
		registration := begin(t, c, enrolments, "webauthn")
		c.Must(http.StatusCreated, http.MethodPost, registration.path(), testenv.Object{"response": register(t, newKey(), c, registration)})
	}
	won := race(t, answers(clients, func(_ int, c *testenv.Client) (ceremony, any) {
		registration := begin(t, c, enrolments, "webauthn")
		return registration, register(t, newKey(), c, registration)
	}))
	assert.LessOrEqual(t, len(won), 1)
	assert.Len(t, stored(t, clients[1], "webauthn"), credentialLimit-1+len(won), "who was told so has a key, and nobody else")
}

// Whatever order they are judged in, the highest count that was accepted stands.
func countingAssertions(t *testing.T, d *deployment, user string) {
	key := d.keyOwner(t, user)
	key.SignCount = 10
	counts := map[*testenv.Client]uint32{}
	won := race(t, answers(d.pending(t, ways, user, d.client(t, 0)), func(_ int, c *testenv.Client) (ceremony, any) {
		challenge := begin(t, c, challenges, "webauthn")
		response := assertion(t, key, c, challenge)
		counts[c] = key.SignCount
		return challenge, response
	}))
	require.NotEmpty(t, won)
	highest := uint32(0)
	for _, c := range won {
		highest = max(highest, counts[c])
	}
	c := d.pending(t, 1, user, d.client(t, 1))[0]
	for _, try := range []struct {
		count uint32
		want  int
	}{{highest, http.StatusUnprocessableEntity}, {highest + 1, http.StatusOK}} {
		key.SignCount = try.count - 1 // Assert adds one
		challenge := begin(t, c, challenges, "webauthn")
		c.Must(try.want, http.MethodPost, challenge.path(), testenv.Object{"response": assertion(t, key, c, challenge)})
	}
}

// The key does not count: nothing but the ceremony's end is in the way of the
// second answer.
func oneAssertion(t *testing.T, d *deployment, user string) {
	key := d.keyOwner(t, user)
	c := d.pending(t, 1, user, d.client(t, 0))[0]
	challenge := begin(t, c, challenges, "webauthn")
	won := race(t, answers(d.tabs(ways, c), func(_ int, c *testenv.Client) (ceremony, any) {
		return challenge, assertion(t, key, c, challenge)
	}))
	assert.Len(t, won, 1)
}

func newSetsOfCodes(t *testing.T, d *deployment, user string) {
	key := d.keyOwner(t, user)
	clients := d.proved(t, ways, user, key)
	sets := map[*testenv.Client][]string{}
	won := race(t, answers(clients, func(_ int, c *testenv.Client) (ceremony, any) {
		enrolment := begin(t, c, enrolments, "lookup_secret")
		var prompt struct {
			Codes []string `json:"codes"`
		}
		require.NoError(t, json.Unmarshal(enrolment.Prompt, &prompt))
		sets[c] = prompt.Codes
		return enrolment, "saved"
	}))
	require.NotEmpty(t, won)
	assert.Len(t, stored(t, d.proved(t, 1, user, key)[0], "lookup_secret"), 1)

	again, live := d.pending(t, 1, user, d.client(t, 0))[0], 0
	for c, codes := range sets {
		a, err := again.Verify("lookup_secret", codes[0])
		require.NoError(t, err)
		if a.Status != http.StatusOK {
			require.Equal(t, http.StatusUnprocessableEntity, a.Status)
			continue
		}
		live++
		assert.True(t, slices.Contains(won, c), "who has it was told so")
		for _, code := range codes[1:] {
			a, err := again.Verify("lookup_secret", code)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, a.Status, "the set is whole")
		}
	}
	assert.Equal(t, 1, live)
}
