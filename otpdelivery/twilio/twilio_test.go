package twilio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/otpdelivery/twilio"
)

const (
	account = "AC00000000000000000000000000000001"
	service = "MG00000000000000000000000000000002"
	token   = "canary-token"
)

var sms = otpdelivery.Message{
	ID: "m1", UserID: "u1", Channel: otpdelivery.SMS, To: "+4915112345678", Purpose: "verify",
	Text: "123456 is your code.\n\n@example.com #123456", Fields: otpdelivery.Fields{Code: "123456"},
}

// stub is Twilio's Messages API: it takes what is well-formed from the right
// account, and otherwise answers as it is told.
type stub struct {
	status int // 0 takes the message
	header http.Header
	body   string
	do     http.HandlerFunc // in place of all that, if not nil

	requests atomic.Int32
	form     url.Values // of the last one
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	if s.do != nil {
		s.do(w, r)
		return
	}
	user, password, _ := r.BasicAuth()
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/"+account+"/Messages.json" || r.URL.RawQuery != "":
		refuse(w, http.StatusNotFound, 20404)
		return
	case user != account || password != token:
		refuse(w, http.StatusUnauthorized, 20003)
		return
	case r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		refuse(w, http.StatusUnsupportedMediaType, 20415)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if s.form, err = url.ParseQuery(string(body)); err != nil {
		refuse(w, http.StatusBadRequest, 20001)
		return
	}
	maps.Copy(w.Header(), s.header)
	if s.status != 0 {
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.body)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"sid":"SM00000000000000000000000000000003","status":"queued","to":%q,"error_code":null}`, s.form.Get("To"))
}

func refuse(w http.ResponseWriter, status, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, errorBody(status, code))
}

// errorBody is what Twilio says: its words name the addressee.
func errorBody(status, code int) string {
	return fmt.Sprintf(`{"code":%d,"message":"The 'To' number %s is canary","more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`, code, sms.To, code, status)
}

func (s *stub) start(t *testing.T, change ...func(*twilio.Config)) *twilio.Sender {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cfg := twilio.Config{AccountSID: account, AuthToken: token, From: "+14155550100", BaseURL: server.URL}
	for _, c := range change {
		c(&cfg)
	}
	sender, err := twilio.New(cfg)
	require.NoError(t, err)
	return sender
}

func TestNew_Refuses(t *testing.T) {
	for _, c := range []struct {
		change func(*twilio.Config)
		says   string
	}{
		{func(c *twilio.Config) { c.AccountSID = "" }, "Config.AccountSID"},
		{func(c *twilio.Config) { c.AccountSID = "SK00000000000000000000000000000001" }, "Config.AccountSID"},
		{func(c *twilio.Config) { c.AccountSID = account + "/../x" }, "Config.AccountSID"},
		{func(c *twilio.Config) { c.AuthToken = "" }, "Config.AuthToken is empty"},
		{func(c *twilio.Config) { c.From = "" }, "one of From and MessagingServiceSID"},
		{func(c *twilio.Config) { c.MessagingServiceSID = service }, "one of From and MessagingServiceSID"},
		{func(c *twilio.Config) { c.From = "+1415\r\n" }, "Config.From is no sender"},
		{func(c *twilio.Config) { c.From = " " }, "Config.From is no sender"},
		{func(c *twilio.Config) { c.From, c.MessagingServiceSID = "", "service" }, "Config.MessagingServiceSID is no SID"},
		{func(c *twilio.Config) { c.BaseURL = "http://api.twilio.com" }, "Config.BaseURL is no https URL"},
		{func(c *twilio.Config) { c.BaseURL = "https://api.twilio.com?a=b" }, "Config.BaseURL has a query"},
	} {
		cfg := twilio.Config{AccountSID: account, AuthToken: token, From: "+14155550100"}
		_, err := twilio.New(cfg)
		require.NoError(t, err)
		c.change(&cfg)
		s, err := twilio.New(cfg)
		require.ErrorContains(t, err, c.says)
		assert.Nil(t, s)
		assert.NotContains(t, err.Error(), token)
	}
}

func TestSend_PostsTheMessage(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*twilio.Config)
		from   url.Values
	}{
		"from a number": {func(*twilio.Config) {}, url.Values{"From": {"+14155550100"}}},
		"by a service":  {func(c *twilio.Config) { c.From, c.MessagingServiceSID = "", service }, url.Values{"MessagingServiceSid": {service}}},
	} {
		t.Run(name, func(t *testing.T) {
			var s stub
			require.NoError(t, s.start(t, c.change).Send(t.Context(), sms))
			want := url.Values{"To": {sms.To}, "Body": {sms.Text}}
			maps.Copy(want, c.from)
			assert.Equal(t, want, s.form)
			assert.EqualValues(t, 1, s.requests.Load())
		})
	}
}

func TestSend_SaysWhenTheMessageExpires(t *testing.T) {
	for expires, want := range map[time.Duration][2]int{
		10 * time.Minute: {590, 600},
		-time.Hour:       {1, 1}, // by another clock
		48 * time.Hour:   {36_000, 36_000},
	} {
		var s stub
		m := sms
		m.Expires = time.Now().Add(expires)
		require.NoError(t, s.start(t).Send(t.Context(), m))
		seconds, err := strconv.Atoi(s.form.Get("ValidityPeriod"))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, seconds, want[0])
		assert.LessOrEqual(t, seconds, want[1])
	}
}

func TestF09_HostileTextIsInert(t *testing.T) {
	var s stub
	m := sms
	m.Text = "a&To=%2B1900&From=x\r\nX: y\x00 ü"
	require.NoError(t, s.start(t).Send(t.Context(), m))
	assert.Equal(t, url.Values{"To": {sms.To}, "From": {"+14155550100"}, "Body": {m.Text}}, s.form)
}

func TestSend_RefusesEMail(t *testing.T) {
	var s stub
	for _, channel := range []otpdelivery.Channel{otpdelivery.Email, ""} {
		m := sms
		m.Channel = channel
		require.ErrorIs(t, s.start(t).Send(t.Context(), m), otpdelivery.ErrPermanent)
	}
	assert.Zero(t, s.requests.Load())
}

func TestSend_Answers(t *testing.T) {
	const again, permanent, later = "again", "permanent", "later"
	for _, c := range []struct {
		status int
		header http.Header
		body   string
		means  string
		says   string
	}{
		{400, nil, errorBody(400, 21211), permanent, "twilio: Twilio answers 400 (21211)"},
		{400, nil, errorBody(400, 21610), permanent, "twilio: Twilio answers 400 (21610)"},
		{400, nil, errorBody(400, 21614), permanent, "twilio: Twilio answers 400 (21614)"},
		{400, nil, errorBody(400, 21635), permanent, "twilio: Twilio answers 400 (21635)"},
		{400, nil, errorBody(400, 21408), permanent, "twilio: Twilio answers 400 (21408)"},
		{400, nil, errorBody(400, 21999), permanent, "twilio: Twilio answers 400 (21999)"}, // of tomorrow
		{404, nil, errorBody(404, 20404), permanent, "twilio: Twilio answers 404 (20404)"},
		{401, nil, errorBody(401, 20003), permanent, "twilio: Twilio answers 401 (20003)"},
		{403, nil, "", permanent, "twilio: Twilio answers 403"},
		{400, nil, errorBody(400, 21611), again, "twilio: Twilio answers 400 (21611)"},
		{400, nil, "<html>canary</html>", again, "twilio: Twilio answers 400"}, // a proxy
		{400, nil, `{"code":"21211"}`, again, "twilio: Twilio answers 400"},
		{400, nil, `{"code":4915112345678}`, again, "twilio: Twilio answers 400"},
		{400, nil, `{"code":-1}`, again, "twilio: Twilio answers 400"},
		{404, nil, "", again, "twilio: Twilio answers 404"},
		{408, nil, errorBody(408, 20408), again, "twilio: Twilio answers 408 (20408)"},
		{429, nil, errorBody(429, 20429), later, "try again in 0s: twilio: Twilio answers 429 (20429)"},
		{429, http.Header{"Retry-After": {"30"}}, errorBody(429, 20429), later, "try again in 30s: twilio: Twilio answers 429 (20429)"},
		{503, http.Header{"Retry-After": {"30"}}, "", later, "try again in 30s: twilio: Twilio answers 503"},
		{503, nil, errorBody(503, 20503), again, "twilio: Twilio answers 503 (20503)"},
		{500, nil, errorBody(500, 20500), again, "twilio: Twilio answers 500 (20500)"},
		{502, nil, "", again, "twilio: Twilio answers 502"},
		{504, nil, "", again, "twilio: Twilio answers 504"},
		{200, nil, "<html>canary</html>", again, "twilio: Twilio answers 200"}, // not the API
		{307, http.Header{"Location": {"/elsewhere"}}, "", again, "twilio: Twilio answers 307"},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := stub{status: c.status, header: c.header, body: c.body}
			err := s.start(t).Send(t.Context(), sms)
			require.ErrorContains(t, err, c.says)
			for _, secret := range []string{"canary", sms.To, "4915112345678", "123456", token} {
				assert.NotContains(t, err.Error(), secret)
			}
			var l *otpdelivery.LaterError
			means := again
			switch {
			case errors.Is(err, otpdelivery.ErrPermanent):
				means = permanent
			case errors.As(err, &l):
				means = later
			}
			assert.Equal(t, c.means, means)
			assert.EqualValues(t, 1, s.requests.Load())
		})
	}
}

func TestSend_RetryAfterADate(t *testing.T) {
	s := stub{status: 429, header: http.Header{"Retry-After": {time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}}}
	var later *otpdelivery.LaterError
	require.ErrorAs(t, s.start(t).Send(t.Context(), sms), &later)
	assert.InDelta(t, 90, later.After.Seconds(), 10)
}

func TestSend_WrongToken(t *testing.T) {
	var s stub
	err := s.start(t, func(c *twilio.Config) { c.AuthToken = "canary-other" }).Send(t.Context(), sms)
	require.ErrorIs(t, err, otpdelivery.ErrPermanent)
	require.ErrorContains(t, err, "401 (20003)")
	assert.NotContains(t, err.Error(), "canary")
}

func TestC13_CredentialsFollowNoRedirect(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	s := stub{do: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}}
	err := s.start(t, func(c *twilio.Config) { c.Client = &http.Client{} }).Send(t.Context(), sms)
	require.ErrorContains(t, err, "twilio: Twilio answers 307")
	assert.Zero(t, elsewhere.Load())
}

func TestSend_LostConnectionsMayBeTriedAgain(t *testing.T) {
	for name, linger := range map[string]int{"reset": 0, "hung up": -1} {
		t.Run(name, func(t *testing.T) {
			s := stub{do: func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if assert.NoError(t, err) {
					assert.NoError(t, conn.(*net.TCPConn).SetLinger(linger))
					assert.NoError(t, conn.Close())
				}
			}}
			requireAgain(t, s.start(t).Send(t.Context(), sms))
			assert.EqualValues(t, 1, s.requests.Load(), "a message that may have been taken is not posted again by itself")
		})
	}
}

func TestSend_EndsInTime(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body) // until then the server does not notice that nobody waits
		assert.NoError(t, err)
		<-r.Context().Done()
	}
	t.Run("by its client", func(t *testing.T) {
		s := stub{do: hang}
		err := s.start(t, func(c *twilio.Config) { c.Client = &http.Client{Timeout: 20 * time.Millisecond} }).Send(t.Context(), sms)
		requireAgain(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("by the context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := stub{do: func(w http.ResponseWriter, r *http.Request) { cancel(); hang(w, r) }}
		err := s.start(t).Send(ctx, sms)
		requireAgain(t, err)
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("in the middle of an answer", func(t *testing.T) {
		s := stub{do: func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			assert.NoError(t, err)
			w.WriteHeader(http.StatusCreated)
			assert.NoError(t, http.NewResponseController(w).Flush())
			<-r.Context().Done()
		}}
		require.NoError(t, s.start(t, func(c *twilio.Config) { c.Client = &http.Client{Timeout: 200 * time.Millisecond} }).Send(t.Context(), sms), "Twilio has it")
	})
}

func requireAgain(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotErrorIs(t, err, otpdelivery.ErrPermanent)
	assert.True(t, strings.HasPrefix(err.Error(), "twilio: no answer"), err)
	for _, secret := range []string{account, token, sms.To, "123456"} {
		assert.NotContains(t, err.Error(), secret)
	}
}

func TestO10_SenderRedacts(t *testing.T) {
	var s stub
	sender := s.start(t)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		assert.Equal(t, "Sender("+account+", redacted)", fmt.Sprintf(format, sender))
	}
}
