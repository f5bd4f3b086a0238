package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/session/scssession"
)

// fixed is a session that is always the same State.
type fixed struct{ state *mfa.State }

func (f fixed) Load(*http.Request) (mfa.State, error)                  { return *f.state, nil }
func (fixed) Save(http.ResponseWriter, *http.Request, mfa.State) error { return nil }

var bare = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

// nothing is a ResponseWriter that costs nothing.
type nothing struct{ status int }

func (*nothing) Header() http.Header         { return nil }
func (*nothing) Write(b []byte) (int, error) { return len(b), nil }
func (n *nothing) WriteHeader(status int)    { n.status = status }

// serve returns an operation that sends one request through a handler.
func serve(h http.Handler, r *http.Request) func() error {
	w := &nothing{}
	return func() error {
		w.status = 0
		h.ServeHTTP(w, r)
		if w.status != http.StatusNoContent {
			return fmt.Errorf("status %d", w.status)
		}
		return nil
	}
}

// overFixed is RequireAAL(AAL2) over a fixed State and the memory store with
// three credentials.
func overFixed() (guarded http.Handler, r *http.Request, err error) {
	state := new(mfa.State)
	s, err := newMemory(fixed{state})
	if err != nil {
		return nil, nil, err
	}
	if *state, err = s.signedIn(); err != nil {
		return nil, nil, err
	}
	return s.m.RequireAAL(mfa.AAL2)(bare), httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody), nil
}

// overSCS is the same over an scs session that is loaded already.
func overSCS() (guarded http.Handler, r *http.Request, err error) {
	sm := scs.New()
	sm.Lifetime = 24 * time.Hour
	session, err := scssession.New(sm, scssession.Config{UserKey: "user"})
	if err != nil {
		return nil, nil, err
	}
	s, err := newMemory(session)
	if err != nil {
		return nil, nil, err
	}
	ctx, err := sm.Load(context.Background(), "")
	if err != nil {
		return nil, nil, err
	}
	r = httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
	state, err := s.signedIn()
	if err != nil {
		return nil, nil, err
	}
	if err := session.Save(httptest.NewRecorder(), r, state); err != nil {
		return nil, nil, err
	}
	return s.m.RequireAAL(mfa.AAL2)(bare), r, nil
}

func gatePairs() ([]pair, error) {
	guarded, r, err := overFixed()
	if err != nil {
		return nil, err
	}
	guardedSCS, rSCS, err := overSCS()
	if err != nil {
		return nil, err
	}
	return []pair{
		{
			name: "`RequireAAL(AAL2)`, State in memory, 3 credentials", primitive: "the bare handler", n: 200_000,
			raw: timed(serve(bare, r)), ours: timed(serve(guarded, r)), above: time.Microsecond,
		},
		{
			name: "`RequireAAL(AAL2)` over a loaded scs session", primitive: "the bare handler", n: 200_000,
			raw: timed(serve(bare, rSCS)), ours: timed(serve(guardedSCS, rSCS)), above: 1500 * time.Nanosecond,
		},
	}, nil
}
