package stores

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/lookup"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/totpfactor"
	"github.com/go-mfa/mfa/webauthnfactor"
)

// A party is a Manager over a store, in this process or in one of its own. It
// takes orders from one stream and writes its reports to another, in any order.

// setup is what a party is made of.
type setup struct {
	Spec   spec
	Index  int       // which of the database's nodes it speaks to
	Now    time.Time // its clock stands still until it is told
	Keys   [][]byte
	Limits mfa.Limits
	Sends  otpdelivery.Limits
	SignIn mfa.Requirement
}

// order is one call of the Manager.
type order struct {
	ID         int
	Op         string
	User       string
	State      []byte
	Method     string
	Address    string // of an enrolment that sends a code
	Binding    string // of a sign-in
	Ceremony   string
	Credential string
	Response   []byte
	Now        time.Time // of "clock"
	Held       bool      // until "release"
	Insist     bool      // as long as the answer is "try again"
}

// report is how it ended.
type report struct {
	ID         int
	Code       string // of the problem; empty if it went well
	RetryAfter int    // seconds
	Err        string
	Reason     string // why an answer was refused, for events
	User       string // who has signed in by a code
	State      []byte
	Pending    bool
	AAL        string
	Ceremony   string
	Prompt     json.RawMessage
	Credential string
	Stored     []mfa.CredentialInfo
	Mail       []letter
}

// lost is the code of an order whose party was killed before it reported.
const lost = "lost"

type party struct {
	m    *mfa.Manager
	mail *mailroom
	now  atomic.Pointer[time.Time]
}

// noSession is for a Manager whose callers carry the State themselves.
type noSession struct{ mfa.Session }

func newParty(store mfa.Store, s setup) (*party, error) {
	p := &party{}
	p.now.Store(&s.Now)
	now := func() time.Time { return *p.now.Load() }
	var errM error
	if p.mail, errM = newMailroom(now); errM != nil {
		return nil, errM
	}
	email, sms, errD := p.mail.factors(s.Sends)
	totp, errT := totpfactor.New(totpfactor.Config{Issuer: "Example"})
	keys, errW := webauthnfactor.New(webauthnfactor.Config{RPID: mfatest.RPID, RPDisplayName: "Example", Origins: []string{mfatest.Origin}})
	codes, errL := lookup.New(lookup.Config{})
	if err := errors.Join(errD, errT, errW, errL); err != nil {
		return nil, err
	}
	var err error
	p.m, err = mfa.New(mfa.Config{
		Store: store, Session: noSession{}, Factors: []mfa.Factor{totp, keys, codes, email, sms}, Keys: s.Keys,
		User:     userOf,
		FindUser: func(_ context.Context, name string) (string, error) { return name, nil },
		SignIn:   s.SignIn, Limits: s.Limits, Logger: slog.New(slog.DiscardHandler), Now: now, OnEvent: note,
	})
	return p, err
}

// reporting is the key of a context's report.
type reporting struct{}

// note puts into the report of an order why it was refused.
func note(ctx context.Context, e mfa.Event) {
	if r, ok := ctx.Value(reporting{}).(*report); ok && e.Kind == mfa.EventRefused {
		r.Reason = e.Reason
	}
}

// userOf knows everybody. Who has a number has it in the id, behind a #.
func userOf(_ context.Context, id string) (mfa.User, error) {
	u := mfa.User{ID: id, Name: id, Email: id + "@example.com"}
	_, u.Phone, _ = strings.Cut(id, "#")
	return u, nil
}

// serve carries out orders, each in a goroutine of its own, until there are no
// more.
func (p *party) serve(in io.Reader, out io.Writer) error {
	var (
		writing sync.Mutex
		working sync.WaitGroup
		failed  error
	)
	encoder := json.NewEncoder(out)
	reply := func(r report) {
		writing.Lock()
		defer writing.Unlock()
		failed = errors.Join(failed, encoder.Encode(r))
	}
	gate := make(chan struct{})
	for decoder := json.NewDecoder(in); ; {
		var o order
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			working.Wait()
			return errors.Join(failed, p.mail.close())
		} else if err != nil {
			return err
		}
		switch o.Op {
		case "clock":
			p.now.Store(&o.Now)
			reply(report{ID: o.ID})
		case "release":
			close(gate)
			gate = make(chan struct{})
			reply(report{ID: o.ID})
		default:
			held := gate
			working.Go(func() {
				if o.Held {
					<-held
				}
				reply(p.carryOut(o))
			})
		}
	}
}

func (p *party) carryOut(o order) report {
	for {
		r := report{ID: o.ID}
		err := p.call(context.WithValue(context.Background(), reporting{}, &r), o, &r)
		var throttled *mfa.ThrottledError
		if o.Insist && errors.As(err, &throttled) && throttled.RetryAfter <= time.Second {
			time.Sleep(rand.N(20 * time.Millisecond)) // as a client does
			continue
		}
		if err != nil {
			problem := mfa.ProblemFor(err)
			return report{ID: o.ID, Code: problem.Code, RetryAfter: problem.RetryAfter, Err: err.Error(), Reason: r.Reason}
		}
		return r
	}
}

func (p *party) call(ctx context.Context, o order, r *report) error {
	var s mfa.State
	if err := s.UnmarshalBinary(o.State); err != nil {
		return err
	}
	var (
		next  mfa.State
		begun *mfa.Ceremony
		err   error
	)
	switch o.Op {
	case "start":
		next, err = p.m.Start(ctx, s, o.User, mfa.Password())
	case "begin enrolment":
		begun, err = p.m.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: o.Method, Params: o.params()})
	case "finish enrolment":
		var info mfa.CredentialInfo
		info, next, err = p.m.FinishEnroll(ctx, s, o.Ceremony, o.Response)
		r.Credential = info.ID
	case "begin verification":
		begun, err = p.m.BeginVerify(ctx, s, mfa.VerifyOptions{Method: o.Method, Refresh: true})
	case "finish verification":
		next, err = p.m.FinishVerify(ctx, s, o.Ceremony, o.Response)
	case "verify":
		next, err = p.m.Verify(ctx, s, mfa.VerifyOptions{Method: o.Method, Refresh: true}, o.Response)
	case "resend":
		begun, err = p.m.Resend(ctx, s, o.Ceremony)
	case "begin sign-in":
		begun, err = p.m.BeginSignIn(ctx, mfa.SignInOptions{Method: o.Method, Name: o.User, Binding: o.Binding})
	case "finish sign-in":
		var first mfa.Method
		if r.User, first, err = p.m.FinishSignIn(ctx, o.Binding, o.Ceremony, o.Response); err == nil {
			next, err = p.m.Start(ctx, s, r.User, first)
		}
	case "resend sign-in":
		begun, err = p.m.ResendSignIn(ctx, o.Binding, o.Ceremony)
	case "mail":
		r.Mail, err = p.mail.of(ctx, o.User)
	case "remove":
		next, err = p.m.Remove(ctx, s, o.Credential)
	case "reset":
		err = p.m.AdminReset(ctx, "admin", o.User, "lost")
	case "unlock":
		err = p.m.Unlock(ctx, "admin", o.User, "asked for")
	case "forget":
		err = p.m.Forget(ctx, o.User)
	case "status":
		var status mfa.Status
		status, err = p.m.Status(ctx, s)
		r.AAL = status.AAL.String()
	case "allow aal2":
		err = p.m.Allow(ctx, s, mfa.Requirement{AAL: mfa.AAL2})
	case "credentials":
		r.Stored, err = p.m.Credentials(ctx, o.User)
	case "sweep":
		err = p.m.Sweep(ctx)
	case "reseal":
		err = p.m.Reseal(ctx)
	default:
		return fmt.Errorf("no such order: %q", o.Op)
	}
	if err != nil {
		return err
	}
	if begun != nil {
		r.Ceremony = begun.ID
		if r.Prompt, err = json.Marshal(begun.Prompt); err != nil {
			return err
		}
	}
	r.Pending = next.Pending
	r.State, err = next.MarshalBinary()
	return err
}

// params are those of an enrolment.
func (o order) params() map[string]string {
	if o.Address == "" {
		return nil
	}
	return map[string]string{"address": o.Address}
}

// partyChild is a party in a process of its own.
func partyChild() error {
	var s setup
	if err := json.Unmarshal([]byte(os.Args[1]), &s); err != nil {
		return err
	}
	store, err := s.Spec.open(s.Index)
	if err != nil {
		return err
	}
	p, err := newParty(store, s)
	if err != nil {
		return err
	}
	return errors.Join(p.serve(bufio.NewReader(os.Stdin), os.Stdout), store.Close())
}
