package webapp

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/internal/e2e/testenv"
	"github.com/go-mfa/mfa/mfatest"
)

const rpID = "localhost"

// The two kinds of ceremonies, as the API names them.
const (
	challenges = "challenges"
	enrolments = "enrollments"
)

// ceremony is one that has begun.
type ceremony struct {
	ID     string          `json:"id"`
	Prompt json.RawMessage `json:"prompt"`

	kind string
}

func (c ceremony) path() string { return "/mfa/api/" + c.kind + "/" + c.ID }

func begin(t *testing.T, c *testenv.Client, kind, method string) ceremony {
	t.Helper()
	body := testenv.Object{"method": method}
	if kind == challenges {
		body["refresh"] = true
	}
	begun := ceremony{kind: kind}
	c.Must(http.StatusCreated, http.MethodPost, "/mfa/api/"+kind, body).Into(t, &begun)
	return begun
}

// answer is one request of a race.
type answer struct {
	client   *testenv.Client
	ceremony ceremony
	response any
}

// answers prepares what each client will answer.
func answers(clients []*testenv.Client, prepare func(i int, c *testenv.Client) (ceremony, any)) []answer {
	all := make([]answer, len(clients))
	for i, c := range clients {
		all[i].client = c
		all[i].ceremony, all[i].response = prepare(i, c)
	}
	return all
}

// race gives all answers at once and returns the clients whose answer was
// right. The others are refused, none by a fault.
func race(t *testing.T, all []answer) (won []*testenv.Client) {
	t.Helper()
	statuses, errs := make([]int, len(all)), make([]error, len(all))
	atOnce(len(all), func(i int) {
		statuses[i], errs[i] = verdict(func() (testenv.Answer, error) {
			return all[i].client.Try(http.MethodPost, all[i].ceremony.path(), testenv.Object{"response": all[i].response})
		})
	})
	for i, status := range statuses {
		require.NoError(t, errs[i])
		if status == http.StatusOK || status == http.StatusCreated {
			won = append(won, all[i].client)
			continue
		}
		assert.Contains(t, []int{http.StatusUnauthorized, http.StatusConflict, http.StatusUnprocessableEntity}, status)
	}
	return won
}

// tabs returns n clients over all servers that share the session of one.
func (d *deployment) tabs(n int, of *testenv.Client) []*testenv.Client {
	all := make([]*testenv.Client, n)
	for i := range all {
		all[i] = of.Again()
		all[i].Origin = d.origins[i%len(d.origins)]
	}
	return all
}

func newKey() *mfatest.Authenticator { return mfatest.NewAuthenticator(rpID, "") }

// register answers a registration in the browser of a client.
func register(t *testing.T, key *mfatest.Authenticator, c *testenv.Client, registration ceremony) json.RawMessage {
	t.Helper()
	key.Origin = c.Origin
	return key.Register(t, registration.Prompt)
}

// assertion answers a challenge in the browser of a client.
func assertion(t *testing.T, key *mfatest.Authenticator, c *testenv.Client, challenge ceremony) json.RawMessage {
	t.Helper()
	key.Origin = c.Origin
	return key.Assert(t, challenge.Prompt)
}

// keyOwner signs a user up and enrols a key that does not count.
func (d *deployment) keyOwner(t *testing.T, name string) *mfatest.Authenticator {
	t.Helper()
	c, key := d.client(t, 0), newKey()
	c.SignUp(name)
	registration := begin(t, c, enrolments, "webauthn")
	c.Must(http.StatusCreated, http.MethodPost, registration.path(), testenv.Object{"response": register(t, key, c, registration)})
	return key
}

// proved returns n clients over all servers that have used the key too.
func (d *deployment) proved(t *testing.T, n int, name string, key *mfatest.Authenticator) []*testenv.Client {
	t.Helper()
	all := d.pending(t, n, name, d.client(t, 0))
	for _, c := range all {
		challenge := begin(t, c, challenges, "webauthn")
		c.Must(http.StatusOK, http.MethodPost, challenge.path(), testenv.Object{"response": assertion(t, key, c, challenge)})
	}
	return all
}
