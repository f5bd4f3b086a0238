package mfahttp_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
)

// concurrently sends a request n times at once and counts the statuses.
func concurrently(t *testing.T, n int, do func(i int) (reply, error)) map[int]int {
	t.Helper()
	start := make(chan struct{})
	replies, errs := make([]reply, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			replies[i], errs[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	statuses := map[int]int{}
	for i := range n {
		require.NoError(t, errs[i])
		statuses[replies[i].status]++
	}
	return statuses
}

// cookieOf is the header that carries a browser's session.
func cookieOf(t *testing.T, b *browser) http.Header {
	t.Helper()
	u, err := url.Parse(b.a.server.URL)
	require.NoError(t, err)
	cookies := b.client.Jar.Cookies(u)
	require.Len(t, cookies, 1)
	h := jsonHeader()
	h.Set("Cookie", cookies[0].String())
	return h
}

// Of 32 answers with the same right code at once one is accepted, though the
// session is of the kind that can be replayed.
func TestB06_OneOf32(t *testing.T) {
	for name, path := range map[string]string{"with a ceremony": "/{id}", "at once": ""} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t)
			a.session.replayable = true
			phone := a.newBrowser().login("ada").enrollTOTP()
			b := a.newBrowser().login("ada")
			body := `{"method":"totp","response":"` + phone.next() + `"}`
			if path != "" {
				path = "/" + b.begin("/mfa/api/challenges", object{"method": "totp"}).ID
				body = `{"response":"` + phone.code() + `"}`
			}
			header := cookieOf(t, b)
			stranger := a.newBrowser()
			stranger.client.Jar = nil
			statuses := map[int]int{}
			for statuses[http.StatusOK] == 0 {
				got := concurrently(t, 32, func(int) (reply, error) {
					return stranger.try(http.MethodPost, "/mfa/api/challenges"+path, body, header)
				})
				statuses[http.StatusOK] += got[http.StatusOK]
				for status := range got {
					assert.Contains(t, []int{200, 422, 429}, status)
				}
				if got[http.StatusTooManyRequests] < 32 && statuses[http.StatusOK] == 0 {
					t.Fatalf("the right code was never accepted: %v", got)
				}
			}
			assert.Equal(t, 1, statuses[http.StatusOK])
			assert.Len(t, a.eventsOf(mfa.EventVerified), 1)
		})
	}
}

// Of 32 confirmations of one enrolment at once one makes a credential.
func TestB06_OneEnrollmentOf32(t *testing.T) {
	a := newApp(t)
	a.session.replayable = true
	b := a.newBrowser().login("ada")
	c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
	phone := &totpApp{clock: a.clock, secret: secretOf(t, c)}
	header, body := cookieOf(t, b), `{"response":"`+phone.code()+`"}`
	stranger := a.newBrowser()
	stranger.client.Jar = nil
	statuses := concurrently(t, 32, func(int) (reply, error) {
		return stranger.try(http.MethodPost, "/mfa/api/enrollments/"+c.ID, body, header)
	})
	assert.Equal(t, 1, statuses[http.StatusCreated], statuses)
	assert.Len(t, a.eventsOf(mfa.EventEnrolled), 1)
}

// What finished one login does nothing for another.
func TestB07_FinishedStepsCannotBeReplayed(t *testing.T) {
	a := newApp(t)
	a.session.replayable = true
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	c := b.begin("/mfa/api/challenges", object{"method": "totp"})
	request := object{"response": phone.next()}
	before := cookieOf(t, b)
	require.Equal(t, http.StatusOK, b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, request).status)

	for name, replayer := range map[string]*browser{"without a session": a.newBrowser(), "another login": a.newBrowser().login("ada"), "another user": a.newBrowser().login("bob")} {
		got := replayer.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, request)
		assert.GreaterOrEqual(t, got.status, 400, name)
		got = replayer.verify("totp", request["response"].(string))
		assert.GreaterOrEqual(t, got.status, 400, name)
		assert.NotEqual(t, http.StatusOK, replayer.do(http.MethodGet, "/mfa/api/session?required_aal=aal2", nil).status, name)
	}
	// The pending session that it belonged to, kept by a thief.
	stranger := a.newBrowser()
	stranger.client.Jar = nil
	got := stranger.send(http.MethodPost, "/mfa/api/challenges/"+c.ID, `{"response":"`+request["response"].(string)+`"}`, before)
	assert.Equal(t, "rejected", got.code())
	assert.Equal(t, http.StatusForbidden, stranger.send(http.MethodGet, "/mfa/api/session?required_aal=aal2", "", before).status)
}

func TestB08_ElevationRenewsTheSession(t *testing.T) {
	a := newApp(t)
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	before := cookieOf(t, b)
	require.Equal(t, http.StatusOK, b.verify("totp", phone.next()).status)
	assert.NotEqual(t, before.Get("Cookie"), cookieOf(t, b).Get("Cookie"))
	stranger := a.newBrowser()
	stranger.client.Jar = nil
	assert.Equal(t, "no_session", stranger.send(http.MethodGet, "/mfa/api/session", "", before).code())
}

// Putting back an old cookie brings back no attempts.
func TestB11_CountersAreNotTheClients(t *testing.T) {
	a := newApp(t)
	a.session.replayable = true
	phone := a.newBrowser().login("ada").enrollTOTP()
	b := a.newBrowser().login("ada")
	saved := cookieOf(t, b)
	stranger := a.newBrowser()
	stranger.client.Jar = nil
	guess := func(code string) reply {
		return stranger.send(http.MethodPost, "/mfa/api/challenges", `{"method":"totp","response":"`+code+`"}`, saved)
	}
	for range 5 {
		require.Equal(t, "rejected", guess(phone.wrong()).code())
	}
	assert.Equal(t, "throttled", guess(phone.code()).code())
	assert.Equal(t, "throttled", a.newBrowser().login("ada").verify("totp", phone.code()).code(), "a new login")
}

// Every endpoint that judges a guess takes it from the one budget of the user.
func TestJ07_EveryEndpointCounts(t *testing.T) {
	guesses := map[string]func(b *browser, p *totpApp) reply{
		"challenge at once": func(b *browser, p *totpApp) reply { return b.verify("totp", p.wrong()) },
		"refresh at once": func(b *browser, p *totpApp) reply {
			return b.do(http.MethodPost, "/mfa/api/challenges", object{"method": "totp", "refresh": true, "response": p.wrong()})
		},
		"challenge": func(b *browser, p *totpApp) reply {
			c := b.begin("/mfa/api/challenges", object{"method": "totp", "refresh": true})
			return b.do(http.MethodPost, "/mfa/api/challenges/"+c.ID, object{"response": p.wrong()})
		},
		"enrolment": func(b *browser, p *totpApp) reply {
			c := b.begin("/mfa/api/enrollments", object{"method": "totp"})
			wrong := &totpApp{clock: p.clock, secret: secretOf(b.a.t, c)}
			return b.do(http.MethodPost, "/mfa/api/enrollments/"+c.ID, object{"response": wrong.wrong()})
		},
	}
	for first, guess := range guesses {
		t.Run(first, func(t *testing.T) {
			a := newApp(t)
			full := a.newBrowser().login("ada")
			phone := full.enrollTOTP()
			pending := a.newBrowser().login("ada")
			who := full
			if first == "challenge at once" {
				who = pending // a full session would be told that it needs none
			}
			for range 5 {
				require.Equal(t, "rejected", guess(who, phone).code())
			}
			for name, other := range guesses {
				who := full
				if name == "challenge at once" {
					who = pending
				}
				assert.Equal(t, "throttled", other(who, phone).code(), "%s after %s", name, first)
			}
			assert.Equal(t, "throttled", pending.verify("totp", phone.code()).code(), "the right code after %s", first)
		})
	}
}
