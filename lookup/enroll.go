package lookup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-mfa/mfa/factor"
)

// Saved is the one response that confirms an enrolment: the user has the
// codes.
const Saved = "saved"

const (
	tries     = 5
	enrollTTL = 30 * time.Minute // time to find a printer
	verifyTTL = 10 * time.Minute
)

// Prompt is the prompt of an enrolment. Only its JSON shows the codes; fmt,
// slog and gob do not.
type Prompt struct {
	Codes []string `json:"codes"` // in groups of four characters, joined by hyphens
}

// Format implements [fmt.Formatter]. It leaves the codes out under every verb.
func (Prompt) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer]. It leaves the codes out.
func (Prompt) LogValue() slog.Value { return slog.StringValue(redacted) }

// GobEncode leaves the codes out: a prompt is shown once and stored nowhere.
func (Prompt) GobEncode() ([]byte, error) { return []byte(redacted), nil }

// BeginEnroll makes a set of codes and the [Prompt] that shows it. It ignores
// the client's parameters.
func (f *Factor) BeginEnroll(context.Context, factor.Request) (factor.Step, error) {
	s, codes, err := newSet(f.random, f.codes, f.groups)
	if err != nil {
		return factor.Step{}, err
	}
	return factor.Step{Prompt: Prompt{Codes: codes}, State: s.encode(), TTL: enrollTTL, Tries: tries}, nil
}

// FinishEnroll accepts the response [Saved]. The new set replaces the one that
// the user has. It proves nothing: there is no Evidence.
func (f *Factor) FinishEnroll(_ context.Context, r factor.Request, state, response []byte) (factor.Enrolled, error) {
	if _, err := decodeSet(state); err != nil {
		return factor.Enrolled{}, err
	}
	if r.User.ID == "" {
		return factor.Enrolled{}, errors.New("lookup: the user has no ID: Config.User must set it")
	}
	if string(response) != Saved {
		return factor.Enrolled{}, factor.Reject("not confirmed as saved")
	}
	c := factor.Credential{Key: userKey(r.User.ID), Data: bytes.Clone(state)}
	if len(r.Credentials) > 0 {
		c.ID = r.Credentials[0].ID
	}
	return factor.Enrolled{Credential: c}, nil
}

// userKey is the Credential.Key of a user's set. It is unique per method, so
// that a store cannot hold two sets of one user.
func userKey(userID string) string {
	sum := sha256.Sum256([]byte("go-mfa/mfa lookup key v1\x00" + userID))
	return hex.EncodeToString(sum[:])
}
