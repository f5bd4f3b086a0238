package testenv

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-mfa/mfa/otpdelivery/twilio"
)

// SMSProvider answers as the Messages API of Twilio does.
type SMSProvider struct {
	Config twilio.Config // of a Sender that may send there

	t        testing.TB
	messages chan SMS
	troubles chan http.HandlerFunc
}

// SMS is a message that was taken.
type SMS struct{ To, Text string }

const (
	smsAccount  = "AC00000000000000000000000000000001"
	smsPassword = "token"
)

// StartSMSProvider serves until the test ends.
func StartSMSProvider(t testing.TB) *SMSProvider {
	t.Helper()
	p := &SMSProvider{t: t, messages: make(chan SMS, 100), troubles: make(chan http.HandlerFunc, 100)}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.Config = twilio.Config{AccountSID: smsAccount, AuthToken: smsPassword, From: "+15555550199", BaseURL: server.URL}
	return p
}

// Trouble has the next request answered in another way, and the one after it
// by the next trouble.
func (p *SMSProvider) Trouble(answer http.HandlerFunc) { p.troubles <- answer }

// Next waits for the next message that was taken.
func (p *SMSProvider) Next() SMS {
	p.t.Helper()
	select {
	case m := <-p.messages:
		return m
	case <-time.After(patience):
		p.t.Fatal("no message came")
		return SMS{}
	}
}

// ServeHTTP implements [http.Handler].
func (p *SMSProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case trouble := <-p.troubles:
		trouble(w, r)
		return
	default:
	}
	account, password, _ := r.BasicAuth()
	if account != smsAccount || password != smsPassword {
		http.Error(w, `{"code":20003,"status":401}`, http.StatusUnauthorized)
		return
	}
	if err := r.ParseForm(); err != nil || r.URL.Path != "/2010-04-01/Accounts/"+smsAccount+"/Messages.json" {
		http.Error(w, `{"code":20404,"status":404}`, http.StatusNotFound)
		return
	}
	p.messages <- SMS{To: r.PostForm.Get("To"), Text: r.PostForm.Get("Body")}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"queued"}`)
}
