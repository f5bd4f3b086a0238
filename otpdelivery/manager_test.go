package otpdelivery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/factor"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
)

// post is a Sender whose messages can be read.
type post struct {
	mu   sync.Mutex
	sent []otpdelivery.Message
}

func (p *post) Send(_ context.Context, m otpdelivery.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return nil
}

func (p *post) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

func (p *post) last(t testing.TB) otpdelivery.Message {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.NotEmpty(t, p.sent)
	return p.sent[len(p.sent)-1]
}

func (p *post) code(t testing.TB) []byte {
	t.Helper()
	return []byte(p.last(t).Fields.Code)
}

// keys seal what all kits store, so that one reads what another has written.
var keys = [][]byte{[]byte("0123456789abcdef0123456789ABCDEF")}

// newKit is a Manager whose users have a verified address and number.
func newKit(t testing.TB, contacts bool, change func(*otpdelivery.Config)) (*mfatest.Kit, *post) {
	t.Helper()
	p := &post{}
	return mfatest.New(t, func(c *mfa.Config) {
		cfg := otpdelivery.Config{App: "Example", Sender: p, UseVerifiedContact: contacts}
		if change != nil {
			change(&cfg)
		}
		email, err := otpdelivery.NewEmail(cfg)
		require.NoError(t, err)
		cfg.Countries = []string{"+1"}
		sms, err := otpdelivery.NewSMS(cfg)
		require.NoError(t, err)
		c.Keys, c.Factors = keys, append([]mfa.Factor{sms, email}, c.Factors...)
		user := c.User
		c.User = func(ctx context.Context, id string) (mfa.User, error) {
			u, err := user(ctx, id)
			u.Email, u.Phone = id+"@example.com", "+15555550100"
			return u, err
		}
	}), p
}

func enrol(t testing.TB, k *mfatest.Kit, p *post, s mfa.State, method, address string) mfa.State {
	t.Helper()
	_, s = k.Enroll(t, s, mfa.EnrollOptions{Method: method, Params: map[string]string{"address": address}}, func(any) []byte { return p.code(t) })
	return s
}

func begin(t testing.TB, k *mfatest.Kit, s mfa.State, method string) *mfa.Ceremony {
	t.Helper()
	c, err := k.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: method, Refresh: true})
	require.NoError(t, err)
	return c
}

// A user without an authenticator chooses between codes to the verified
// contacts and may register an authenticator only after one of them, which is
// asked for first from then on.
func TestVerifiedContacts(t *testing.T) {
	k, p := newKit(t, true, nil)
	ctx := t.Context()
	s := k.SignedIn(t, "alice")
	require.True(t, s.Pending)
	st, err := k.Manager.Status(ctx, s)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"email", "sms"}, st.SignIn.Methods)
	_, err = k.Manager.BeginEnroll(ctx, s, mfa.EnrollOptions{Method: "totp"})
	var stepUp *mfa.StepUpError
	require.ErrorAs(t, err, &stepUp, "a code to a contact comes first")

	c := begin(t, k, s, "sms")
	assert.Equal(t, otpdelivery.Prompt{To: "••• 00", Digits: 6}, c.Prompt)
	s, err = k.Manager.FinishVerify(ctx, s, c.ID, p.code(t))
	require.NoError(t, err)
	assert.False(t, s.Pending)
	k.EnrollTOTP(t, s)

	st, err = k.Manager.Status(ctx, k.SignedIn(t, "alice"))
	require.NoError(t, err)
	assert.Contains(t, st.SignIn.Methods, "totp")
}

// F04: what was wrong stays wrong, however often the code is sent again.
func TestF04_ResendingOpensNothing(t *testing.T) {
	k, p := newKit(t, false, nil)
	ctx := t.Context()
	enrol(t, k, p, k.SignedIn(t, "alice"), "email", "alice@work.example")
	s := k.SignedIn(t, "alice")
	c := begin(t, k, s, "email")
	_, err := k.Manager.Resend(ctx, s, c.ID)
	var throttled *mfa.ThrottledError
	require.ErrorAs(t, err, &throttled, "the cool-down")
	assert.Equal(t, 30*time.Second, throttled.RetryAfter)
	old := p.code(t)
	for range 4 {
		_, err = k.Manager.FinishVerify(ctx, s, c.ID, wrong(p.code(t)))
		require.ErrorIs(t, err, mfa.ErrRejected)
	}
	k.Clock.Advance(30 * time.Second)
	_, err = k.Manager.Resend(ctx, s, c.ID)
	require.NoError(t, err)
	assert.Equal(t, c.ExpiresAt, p.last(t).Expires)
	assert.Equal(t, 9, p.last(t).Fields.Minutes)
	_, err = k.Manager.FinishVerify(ctx, s, c.ID, old)
	require.ErrorIs(t, err, mfa.ErrRejected, "the older code is dead, and that was the fifth")
	_, err = k.Manager.FinishVerify(ctx, s, c.ID, p.code(t))
	require.Error(t, err, "nothing is left")
	c = begin(t, k, s, "email")
	_, err = k.Manager.FinishVerify(ctx, s, c.ID, p.code(t))
	require.ErrorAs(t, err, &throttled, "in a new ceremony neither")
}

// wrong returns a code of the same length that is not this one.
func wrong(code []byte) []byte {
	other := []byte(strings.Clone(string(code)))
	other[0] = '0' + (other[0]-'0'+1)%10
	return other
}

// F05: of many guesses at once five are judged, and the right code is refused
// afterwards.
func TestF05_GuessesAtOnce(t *testing.T) {
	k, p := newKit(t, false, nil)
	enrol(t, k, p, k.SignedIn(t, "alice"), "email", "alice@work.example")
	s := k.SignedIn(t, "alice")
	c := begin(t, k, s, "email")
	errs := make([]error, 200)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = k.Manager.FinishVerify(t.Context(), s, c.ID, wrong(p.code(t))) })
	}
	all.Wait()
	judged := 0
	for _, err := range errs {
		require.Error(t, err)
		if errors.Is(err, mfa.ErrRejected) {
			judged++
		}
	}
	assert.NotZero(t, judged)
	_, err := k.Manager.FinishVerify(t.Context(), s, c.ID, p.code(t))
	require.Error(t, err)
}

// F02: of any number of right answers at once one succeeds.
func TestF02_OneCodeIsOneSuccess(t *testing.T) {
	k, p := newKit(t, false, func(c *otpdelivery.Config) { c.Limits.PerUser, c.Limits.PerAddress = 100, 100 })
	enrol(t, k, p, k.SignedIn(t, "alice"), "email", "alice@work.example")
	s := k.SignedIn(t, "alice")
	for range 20 {
		c := begin(t, k, s, "email")
		code := p.code(t)
		var (
			all  sync.WaitGroup
			mu   sync.Mutex
			good int
		)
		for range 32 {
			all.Go(func() {
				if _, err := k.Manager.FinishVerify(t.Context(), s, c.ID, code); err == nil {
					mu.Lock()
					good++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		require.Equal(t, 1, good)
	}
}

// F06, J09: sends are counted before anybody is asked to send, for the user,
// the address and numbers that are near, and successes give nothing back.
func TestF06_SendsAreCounted(t *testing.T) {
	k, p := newKit(t, true, func(c *otpdelivery.Config) {
		c.Limits = otpdelivery.Limits{PerUser: 4, PerAddress: 6, PerPrefix: 8, PerDay: 1000}
	})
	ctx := t.Context()
	send := func(user string) error {
		_, err := k.Manager.BeginVerify(ctx, k.SignedIn(t, user), mfa.VerifyOptions{Method: "sms", Refresh: true})
		return err
	}
	for range 4 {
		require.NoError(t, send("alice"))
	}
	var throttled *mfa.ThrottledError
	require.ErrorAs(t, send("alice"), &throttled, "four to a user")
	assert.Equal(t, time.Hour, throttled.RetryAfter)
	require.NoError(t, send("bob"))
	require.NoError(t, send("bob"))
	require.ErrorAs(t, send("bob"), &throttled, "six to an address, whosever")
	assert.Equal(t, 6, p.count(), "nothing is sent beyond that")
}

// F06, J09: whoever has an account can have codes sent to the addresses of
// others, and keeps nobody from signing in or verifying by that.
func TestF06_EnrolmentsTakeNothingFromVerifications(t *testing.T) {
	k, p := newKit(t, true, func(c *otpdelivery.Config) {
		c.Limits = otpdelivery.Limits{PerUser: 40, PerAddress: 6, PerPrefix: 8, PerDay: 30}
	})
	ctx := t.Context()
	mallory := k.SignedIn(t, "mallory")
	c := begin(t, k, mallory, "email")
	mallory, err := k.Manager.FinishVerify(ctx, mallory, c.ID, p.code(t))
	require.NoError(t, err)
	register := func(number string) error {
		_, err := k.Manager.BeginEnroll(ctx, mallory, mfa.EnrollOptions{Method: "sms", Params: map[string]string{"address": number}})
		return err
	}
	var throttled *mfa.ThrottledError
	for range 6 {
		require.NoError(t, register("+15555550100")) // that of alice
	}
	require.ErrorAs(t, register("+15555550100"), &throttled, "six to an address")
	assert.Equal(t, time.Hour, throttled.RetryAfter)
	require.NoError(t, register("+15555550199"))
	require.NoError(t, register("+15555550198"))
	require.ErrorAs(t, register("+15555550197"), &throttled, "eight a day to numbers that are near")
	assert.Equal(t, 24*time.Hour, throttled.RetryAfter)
	for i := range 22 {
		require.NoError(t, register(fmt.Sprintf("+1555%07d", 1_000_000+10_000*i)))
	}
	require.ErrorAs(t, register("+15559990100"), &throttled, "thirty a day")
	begin(t, k, k.SignedIn(t, "alice"), "sms")
}

// Nobody who signs in is told of a limit, nor do names that nobody has use any
// up: nothing is sent to them.
func TestF06_SignInsAreCountedInSilence(t *testing.T) {
	k, sent := newDoor(t, otpdelivery.Limits{PerDay: 5})
	knock := func(name string) {
		_, err := k.Manager.BeginSignIn(t.Context(), mfa.SignInOptions{Method: "email", Name: name, Binding: "0123456789abcdefABCDEF"})
		require.NoError(t, err)
	}
	for i := range 40 {
		knock(fmt.Sprintf("nobody %d", i))
	}
	for range 7 {
		knock("mail")
		knock("both")
	}
	assert.Equal(t, 5, sent())
}

// F12: no answer of the library has the code or the whole address.
func TestF12_AnswersHaveNoCode(t *testing.T) {
	k, p := newKit(t, false, nil)
	s := enrol(t, k, p, k.SignedIn(t, "alice"), "email", "alice@work.example")
	c := begin(t, k, s, "email")
	infos, err := k.Manager.Credentials(t.Context(), "alice")
	require.NoError(t, err)
	st, err := k.Manager.Status(t.Context(), s)
	require.NoError(t, err)
	seen := fmt.Sprintf("%+v %+v %+v", *c, infos, st)
	assert.NotContains(t, seen, string(p.code(t)))
	assert.NotContains(t, seen, "work.example")
	assert.Contains(t, seen, "a•••@w•••.example")
	for _, e := range k.Events.All() {
		assert.NotContains(t, fmt.Sprint(e.LogValue()), "work.example")
	}
}

// A04, B15: a code signs in at aal1, and the same inbox is not asked again.
func TestA04_SignInByCode(t *testing.T) {
	p := &post{}
	sent := make(chan struct{}, 1)
	queue, err := otpdelivery.NewQueue(otpdelivery.QueueConfig{Sender: otpdelivery.SenderFunc(func(ctx context.Context, m otpdelivery.Message) error {
		defer func() { sent <- struct{}{} }()
		return p.Send(ctx, m)
	})})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, queue.Shutdown(context.Background())) })
	k := mfatest.New(t, func(c *mfa.Config) {
		c.Now = time.Now // the queue's clock
		email, err := otpdelivery.NewEmail(otpdelivery.Config{App: "Example", Sender: queue, UseVerifiedContact: true, SignIn: true})
		require.NoError(t, err)
		c.Factors = append(c.Factors, email)
		c.User = func(_ context.Context, id string) (mfa.User, error) {
			return mfa.User{ID: id, Name: id, Email: id + "@example.com"}, nil
		}
		c.FindUser = func(_ context.Context, name string) (string, error) {
			if name == "alice" {
				return name, nil
			}
			return "", mfa.ErrNotFound
		}
	})
	const browser = "0123456789abcdefABCDEF"
	knock := func(name string) *mfa.Ceremony {
		c, err := k.Manager.BeginSignIn(t.Context(), mfa.SignInOptions{Method: "email", Name: name, Binding: browser})
		require.NoError(t, err)
		return c
	}
	nobody, somebody := knock("nobody"), knock("alice")
	<-sent
	assert.Equal(t, 1, p.count())
	assert.Equal(t, nobody.Prompt, somebody.Prompt)
	_, _, err = k.Manager.FinishSignIn(t.Context(), browser, nobody.ID, p.code(t))
	require.ErrorIs(t, err, mfa.ErrRejected)
	user, first, err := k.Manager.FinishSignIn(t.Context(), browser, somebody.ID, p.code(t))
	require.NoError(t, err)
	s := k.SignIn(t, user, first)
	st, err := k.Manager.Status(t.Context(), s)
	require.NoError(t, err)
	assert.Equal(t, mfa.AAL1, st.AAL)
	assert.Equal(t, mfa.AAL1, st.HighestAvailable)
	_, err = k.Manager.BeginVerify(t.Context(), s, mfa.VerifyOptions{Method: "email"})
	require.ErrorIs(t, err, mfa.ErrNotEnrolled)
	assert.Equal(t, factor.Possession, first.Evidence.Category)
}
