package mfahttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

// courier is a factor that delivers its codes: "letter 1", "letter 2", and so
// on. Answers of "later" have not been given yet.
type courier struct {
	mu      sync.Mutex
	letters []string
	broken  bool // the road, and the prompt
}

func (*courier) Info() factor.Info {
	return factor.Info{Method: "courier", Category: factor.Possession, Guessable: true}
}

func (*courier) Describe(factor.Credential) map[string]any { return nil }

func (c *courier) step() factor.Step {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken {
		return factor.Step{Prompt: func() {}}
	}
	letter := fmt.Sprintf("letter %d", len(c.letters)+1)
	return factor.Step{
		Prompt:  map[string]string{"to": "A…"},
		State:   []byte(letter),
		Tries:   3,
		Charges: []factor.Charge{{Key: "courier", N: 4, Per: time.Hour}},
		Deliver: func(context.Context) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.letters = append(c.letters, letter)
			return nil
		},
	}
}

func (c *courier) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.letters[len(c.letters)-1]
}

func (c *courier) judge(state, response []byte) error {
	switch string(response) {
	case string(state):
		return nil
	case "later":
		return factor.ErrWaiting
	default:
		return factor.Reject("wrong letter")
	}
}

func (c *courier) BeginEnroll(context.Context, factor.Request) (factor.Step, error) {
	return c.step(), nil
}

func (c *courier) FinishEnroll(_ context.Context, _ factor.Request, state, response []byte) (factor.Enrolled, error) {
	if err := c.judge(state, response); err != nil {
		return factor.Enrolled{}, err
	}
	return factor.Enrolled{Credential: factor.Credential{Data: []byte("address")}, Evidence: &factor.Evidence{Category: factor.Possession}}, nil
}

func (c *courier) BeginVerify(context.Context, factor.Request) (factor.Step, error) {
	return c.step(), nil
}

func (c *courier) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if err := c.judge(state, response); err != nil {
		return factor.Result{}, err
	}
	return factor.Result{Credential: r.Credentials[0], Evidence: factor.Evidence{Category: factor.Possession}}, nil
}

func TestAPI_ResendDelivers(t *testing.T) {
	c := &courier{}
	a := newApp(t, setup{manager: func(cfg *mfa.Config) { cfg.Factors = append(cfg.Factors, c) }})
	b := a.newBrowser().login("ada")
	for i, kind := range []string{"enrollments", "challenges"} {
		begun := b.begin("/mfa/api/"+kind, object{"method": "courier"})
		first := c.last()
		got := b.do(http.MethodPost, "/mfa/api/"+kind+"/"+begun.ID+"/resend", object{})
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		var again ceremony
		got.into(t, &again)
		assert.Equal(t, begun, again, "the same ceremony, with the same end")
		assert.NotContains(t, got.body, "letter")
		assert.NotEqual(t, first, c.last())
		assert.Equal(t, "rejected", b.do(http.MethodPost, "/mfa/api/"+kind+"/"+begun.ID, object{"response": first}).code(), "the first letter is void")

		got = b.do(http.MethodPost, "/mfa/api/"+kind+"/"+begun.ID, object{"response": "later"})
		assert.Equal(t, http.StatusConflict, got.status)
		assert.Equal(t, "waiting", got.code())
		assert.Equal(t, "1", got.header.Get("Retry-After"))

		got = b.do(http.MethodPost, "/mfa/api/"+kind+"/"+begun.ID, object{"response": c.last()})
		assert.Equal(t, []int{http.StatusCreated, http.StatusOK}[i], got.status, got.body)
		b = a.newBrowser().login("ada")
	}
	got := b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "courier"})
	assert.Equal(t, "throttled", got.code(), "four letters are enough")
	assert.Len(t, c.letters, 4)
}

// A prompt that cannot be encoded is a fault, not half an answer.
func TestAPI_BrokenPrompt(t *testing.T) {
	a := newApp(t, setup{manager: func(cfg *mfa.Config) { cfg.Factors = append(cfg.Factors, &courier{broken: true}) }})
	got := a.newBrowser().login("ada").do(http.MethodPost, "/mfa/api/enrollments", object{"method": "courier"})
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.Equal(t, "unavailable", got.code())
	assert.Contains(t, a.logs.String(), "unsupported type")
}

// What the Manager refuses is answered with the code of the table, and with
// nothing else about it.
func TestProblemsOfTheTable(t *testing.T) {
	for want, err := range map[string]error{
		"401 no_session":        mfa.ErrNoSession,
		"401 step_up_required":  &mfa.StepUpError{Want: mfa.AAL2},
		"404 not_found":         mfa.ErrNotFound,
		"409 not_enrolled":      mfa.ErrNotEnrolled,
		"409 already_satisfied": mfa.ErrAlreadySatisfied,
		"409 conflict":          mfa.ErrConflict,
		"409 waiting":           mfa.ErrWaiting,
		"422 rejected":          mfa.ErrReplayed,
		"429 throttled":         &mfa.ThrottledError{},
		"503 unavailable":       errors.New("canary"),
	} {
		p := mfa.ProblemFor(fmt.Errorf("canary: %w", err))
		assert.Equal(t, want, fmt.Sprintf("%d %s", p.Status, p.Code))
		encoded, err := json.Marshal(p)
		require.NoError(t, err)
		assert.NotContains(t, string(encoded), "canary")
	}
}
