package factortest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-mfa/mfa/factor"
)

var errFault = errors.New("fake: damaged")

// counting is a sound promptless factor: the answer is the secret and a number
// that rises. Data is "secret|last".
type counting struct{}

func (counting) Info() factor.Info {
	return factor.Info{Method: "counting", Category: factor.Possession, Promptless: true, Guessable: true}
}

func (counting) Describe(factor.Credential) map[string]any { return map[string]any{"kind": "counting"} }

func (counting) BeginEnroll(context.Context, factor.Request) (factor.Step, error) {
	secret := "s" + rand.Text()
	return factor.Step{Prompt: map[string]string{"secret": secret}, State: []byte(secret), Tries: 3}, nil
}

func (counting) FinishEnroll(_ context.Context, _ factor.Request, state, response []byte) (factor.Enrolled, error) {
	secret := string(state)
	if len(secret) != len("s"+rand.Text()) || secret[0] != 's' {
		return factor.Enrolled{}, errFault
	}
	n, ok := count(response, secret)
	if !ok {
		return factor.Enrolled{}, factor.Reject("wrong")
	}
	return factor.Enrolled{Credential: factor.Credential{Data: counted(secret, n)}}, nil
}

func (counting) BeginVerify(context.Context, factor.Request) (factor.Step, error) {
	return factor.Step{Tries: 3}, nil
}

func (counting) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if len(state) > 0 {
		return factor.Result{}, errFault
	}
	for _, c := range r.Credentials {
		secret, last, ok := strings.Cut(string(c.Data), "|")
		at, err := strconv.Atoi(strings.TrimSuffix(last, ";"))
		if !ok || err != nil || !strings.HasSuffix(last, ";") || len(secret) != 27 {
			return factor.Result{}, errFault
		}
		if n, ok := count(response, secret); ok {
			if n <= at {
				return factor.Result{}, factor.ErrReplayed
			}
			c.Data = counted(secret, n)
			return factor.Result{Credential: c, Evidence: factor.Evidence{Category: factor.Possession}}, nil
		}
	}
	return factor.Result{}, factor.Reject("wrong")
}

func counted(secret string, n int) []byte { return fmt.Appendf(nil, "%s|%d;", secret, n) }

func count(response []byte, secret string) (int, bool) {
	s, number, ok := strings.Cut(string(response), "|")
	n, err := strconv.Atoi(strings.TrimSuffix(number, ";"))
	return n, ok && s == secret && err == nil && n > 0 && number == strconv.Itoa(n)+";"
}

// counter answers for counting.
type counter struct {
	secret string
	n      int
}

func (c *counter) Answer(_ testing.TB, r factor.Request, step factor.Step) []byte {
	if r.Purpose == factor.PurposeEnroll {
		c.secret = step.Prompt.(map[string]string)["secret"]
	}
	c.n++
	return counted(c.secret, c.n)
}

func (c *counter) Secrets() []string { return []string{c.secret} }

// challenging is a sound factor with a challenge, which has to be answered
// with the secret. Data is the secret.
type challenging struct{ counting }

func (challenging) Info() factor.Info {
	return factor.Info{Method: "challenging", Category: factor.Knowledge}
}

func (challenging) BeginEnroll(context.Context, factor.Request) (factor.Step, error) {
	s := "e" + rand.Text()
	return factor.Step{Prompt: s, State: []byte(s)}, nil
}

func (challenging) FinishEnroll(_ context.Context, _ factor.Request, state, response []byte) (factor.Enrolled, error) {
	secret, ok := bytes.CutPrefix(response, append(bytes.Clone(state), '|'))
	switch {
	case len(state) != 27 || state[0] != 'e':
		return factor.Enrolled{}, errFault
	case !ok || len(secret) != 26:
		return factor.Enrolled{}, factor.Reject("wrong")
	}
	return factor.Enrolled{Credential: factor.Credential{Data: bytes.Clone(secret)}}, nil
}

func (challenging) BeginVerify(context.Context, factor.Request) (factor.Step, error) {
	s := "v" + rand.Text()
	return factor.Step{Prompt: s, State: []byte(s)}, nil
}

func (challenging) FinishVerify(_ context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if len(state) != 27 || state[0] != 'v' {
		return factor.Result{}, errFault
	}
	for _, c := range r.Credentials {
		if len(c.Data) != 26 || strings.ContainsFunc(string(c.Data), func(r rune) bool { return r < '2' || r > 'Z' }) {
			return factor.Result{}, errFault
		}
		if string(response) == string(state)+"|"+string(c.Data) {
			return factor.Result{Credential: c, Evidence: factor.Evidence{Category: factor.Knowledge}}, nil
		}
	}
	return factor.Result{}, factor.Reject("wrong")
}

type knower struct{ secret string }

func (k *knower) Answer(_ testing.TB, r factor.Request, step factor.Step) []byte {
	if r.Purpose == factor.PurposeEnroll {
		k.secret = rand.Text()
	}
	return []byte(step.Prompt.(string) + "|" + k.secret)
}

func (k *knower) Secrets() []string { return []string{k.secret} }

// faulty is counting with some of its methods replaced.
type faulty struct {
	counting
	info         func() factor.Info
	describe     func(c factor.Credential) map[string]any
	beginEnroll  func(r factor.Request) (factor.Step, error)
	finishEnroll func(r factor.Request, state, response []byte) (factor.Enrolled, error)
	beginVerify  func(r factor.Request) (factor.Step, error)
	finishVerify func(r factor.Request, state, response []byte) (factor.Result, error)
}

func (f faulty) Info() factor.Info {
	if f.info != nil {
		return f.info()
	}
	return f.counting.Info()
}

func (f faulty) Describe(c factor.Credential) map[string]any {
	if f.describe != nil {
		return f.describe(c)
	}
	return f.counting.Describe(c)
}

func (f faulty) BeginEnroll(ctx context.Context, r factor.Request) (factor.Step, error) {
	if f.beginEnroll != nil {
		return f.beginEnroll(r)
	}
	return f.counting.BeginEnroll(ctx, r)
}

func (f faulty) FinishEnroll(ctx context.Context, r factor.Request, state, response []byte) (factor.Enrolled, error) {
	if f.finishEnroll != nil {
		return f.finishEnroll(r, state, response)
	}
	return f.counting.FinishEnroll(ctx, r, state, response)
}

func (f faulty) BeginVerify(ctx context.Context, r factor.Request) (factor.Step, error) {
	if f.beginVerify != nil {
		return f.beginVerify(r)
	}
	return f.counting.BeginVerify(ctx, r)
}

func (f faulty) FinishVerify(ctx context.Context, r factor.Request, state, response []byte) (factor.Result, error) {
	if f.finishVerify != nil {
		return f.finishVerify(r, state, response)
	}
	return f.counting.FinishVerify(ctx, r, state, response)
}
