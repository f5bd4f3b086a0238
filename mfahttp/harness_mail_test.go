package mfahttp_test

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
)

// mailBase is where the pages are, for links in messages. No test serves it.
const mailBase = "https://app.example.test/mfa"

// letter is a message that was sent.
type letter struct{ to, code, link string }

// mail is a factor that sends codes and links, as e-mail or as text messages:
// to an address that was enrolled, and to sign in also to NAME@example.test.
type mail struct {
	method string

	mu      sync.Mutex
	made    int
	letters []letter
	broken  bool
}

func (f *mail) Info() factor.Info {
	return factor.Info{Method: f.method, Category: factor.Possession, FirstFactor: true, Guessable: true}
}

func masked(address string) string { return address[:1] + "•••" + address[len(address)-3:] }

func (f *mail) Describe(c factor.Credential) map[string]any {
	return map[string]any{"address": masked(string(c.Data))}
}

func (f *mail) Channel(_ factor.User, c *factor.Credential) (string, bool) {
	if c == nil {
		return "", false
	}
	return factor.EmailChannel(string(c.Data)), true
}

func (f *mail) step(r factor.Request, credential, address string) factor.Step {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made++
	code, secret := fmt.Sprintf("%06d", 100_000+f.made), fmt.Sprintf("secret-%015d", f.made)
	prompt := map[string]any{"digits": 6}
	if r.Purpose != factor.PurposeSignIn {
		prompt["to"] = masked(address)
	}
	return factor.Step{
		Prompt: prompt, State: []byte(strings.Join([]string{credential, address, code, secret}, "\n")), TTL: 10 * time.Minute, Tries: 5,
		Charges: []factor.Charge{{Key: f.method + r.Ceremony, N: 1, Per: 30 * time.Second, Ceremony: true}},
		Deliver: func(context.Context) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			switch {
			case f.broken:
				return errors.New("the mail server is gone: canary")
			case r.Decoy == nil:
				f.letters = append(f.letters, letter{to: address, code: code, link: mailBase + "/link/" + string(r.Purpose) + "." + r.Ceremony + "." + secret})
			}
			return nil
		},
	}
}

// last returns the newest message.
func (f *mail) last(t *testing.T) letter {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	require.NotEmpty(t, f.letters, "nothing was sent")
	return f.letters[len(f.letters)-1]
}

func (f *mail) sent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.letters)
}

// path is the link's, on the test's own server.
func (l letter) path(t *testing.T) string {
	t.Helper()
	rest, ok := strings.CutPrefix(l.link, mailBase)
	require.True(t, ok, l.link)
	return "/mfa" + rest
}

func (f *mail) judge(state, response []byte) (credential, address string, err error) {
	parts := strings.Split(string(state), "\n")
	if len(parts) != 4 {
		return "", "", errors.New("mail: state of something else")
	}
	if subtle.ConstantTimeCompare([]byte(parts[2]), response) != 1 && subtle.ConstantTimeCompare([]byte(parts[3]), response) != 1 {
		return "", "", factor.Reject("wrong code")
	}
	return parts[0], parts[1], nil
}

func (f *mail) evidence(address string) factor.Evidence {
	return factor.Evidence{Category: factor.Possession, Channel: factor.EmailChannel(address)}
}

func (f *mail) BeginEnroll(_ context.Context, r factor.Request) (factor.Step, error) {
	address := r.Params["address"]
	if !strings.Contains(address, "@") && !strings.HasPrefix(address, "+") {
		return factor.Step{}, fmt.Errorf("%w: that is no address", factor.ErrInvalid)
	}
	return f.step(r, "", address), nil
}

func (f *mail) FinishEnroll(_ context.Context, _ factor.Request, state, response []byte) (factor.Enrolled, error) {
	_, address, err := f.judge(state, response)
	if err != nil {
		return factor.Enrolled{}, err
	}
	ev := f.evidence(address)
	return factor.Enrolled{Credential: factor.Credential{Key: address, Data: []byte(address)}, Evidence: &ev}, nil
}

func (f *mail) BeginVerify(_ context.Context, r factor.Request) (factor.Step, error) {
	if r.Decoy != nil {
		return f.step(r, "", "nobody@example.test"), nil
	}
	if r.Purpose == factor.PurposeSignIn {
		return f.step(r, "", r.User.Name+"@example.test"), nil
	}
	for _, c := range r.Credentials {
		if wanted := r.Params["credential"]; wanted == "" || wanted == c.ID {
			return f.step(r, c.ID, string(c.Data)), nil
		}
	}
	return factor.Step{}, factor.ErrUnusable
}

func (f *mail) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	id, address, err := f.judge(state, response)
	if err != nil {
		return factor.Result{}, err
	}
	res := factor.Result{Evidence: f.evidence(address)}
	for _, c := range r.Credentials {
		if c.ID == id {
			res.Credential = c
		}
	}
	return res, nil
}

// delivering adds these methods. Whoever is called ann, bob or cy signs in
// through them, too.
func delivering(methods ...*mail) setup {
	return setup{manager: func(c *mfa.Config) {
		for _, f := range methods {
			c.Factors = append(c.Factors, f)
		}
		c.FindUser = func(_ context.Context, name string) (string, error) {
			switch id := strings.ToLower(name); id {
			case "ann", "bob", "cy":
				return id, nil
			case "crash":
				return "", errors.New("the directory is gone: canary")
			default:
				return "", mfa.ErrNotFound
			}
		}
	}}
}

// byMail is an app whose users sign in by e-mail.
var byMail = setup{manager: func(c *mfa.Config) { delivering(&mail{method: "email"}).manager(c) }}
