package main

import (
	"context"
	crand "crypto/rand"
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/memory"
)

// crowd are people who were enrolled in memory, with their credentials, so
// that the same people can be in several databases.
type crowd struct {
	app         *app
	people      []*person
	credentials [][]mfa.Credential // of each
}

func newCrowd(ctx context.Context, n int) (*crowd, error) {
	store := memory.New()
	a, err := newApp(store, fixed{new(mfa.State)}, birth)
	if err != nil {
		return nil, err
	}
	c := &crowd{app: a}
	for range n {
		p, err := a.enroll(ctx, crand.Text())
		if err != nil {
			return nil, err
		}
		theirs, err := store.Credentials(ctx, p.id)
		if err != nil {
			return nil, err
		}
		c.people, c.credentials = append(c.people, p), append(c.credentials, theirs)
	}
	return c, nil
}

// among yields the credentials of that many users: the crowd's, and evenly
// between them those of others.
func (c *crowd) among(users int) iter.Seq[mfa.Credential] {
	step := users / len(c.people)
	return func(yield func(mfa.Credential) bool) {
		for i := range users {
			theirs := likeness(c.credentials[0])
			if i%step == 0 && i/step < len(c.people) {
				theirs = c.credentials[i/step]
			}
			for _, one := range theirs {
				if !yield(one) {
					return
				}
			}
		}
	}
}

// likeness returns credentials of the same sizes, and random in everything
// that is.
func likeness(of []mfa.Credential) []mfa.Credential {
	var out []mfa.Credential
	userID := crand.Text()
	for _, c := range of {
		id, key := crand.Text(), strings.Repeat(crand.Text(), 3)[:len(c.Key)]
		if c.Key == c.ID { // the factor needs none
			key = id
		}
		data := make([]byte, len(c.Data))
		_, _ = noise.Read(data) // never fails
		c.UserID, c.ID, c.Key, c.Data, c.Version = userID, id, key, data, rand.Int64()
		out = append(out, c)
	}
	return out
}

var noise = rand.NewChaCha8([32]byte{})

// in returns the people as users of another app.
func (c *crowd) in(a *app) []*person {
	var out []*person
	for _, p := range c.people {
		theirs := *p
		theirs.app = a
		out = append(out, &theirs)
	}
	return out
}
