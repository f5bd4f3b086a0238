package main

import (
	"context"
	"encoding/json"
	"time"

	"rsc.io/qr"

	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/totpfactor"
)

// qrPair is a TOTP enrolment's prompt, the QR as SVG in it, beside the bare
// encoding of the same URI.
func qrPair() (pair, error) {
	f, err := totpfactor.New(totpfactor.Config{Issuer: "An Example App"})
	if err != nil {
		return pair{}, err
	}
	ctx := context.Background()
	r := factor.Request{User: factor.User{ID: "1", Name: "alice@example.com"}, Purpose: factor.PurposeEnroll, Now: time.Now()}
	step, err := f.BeginEnroll(ctx, r)
	if err != nil {
		return pair{}, err
	}
	b, err := json.Marshal(step.Prompt)
	if err != nil {
		return pair{}, err
	}
	var prompt struct{ URI string }
	if err := json.Unmarshal(b, &prompt); err != nil {
		return pair{}, err
	}
	return pair{
		name: "a TOTP enrolment's prompt with its QR as SVG", primitive: "rsc.io/qr's encoding", n: 500,
		raw:   timed(func() error { _, err := qr.Encode(prompt.URI, qr.M); return err }),
		ours:  timed(func() error { _, err := f.BeginEnroll(ctx, r); return err }),
		above: time.Millisecond,
	}, nil
}
